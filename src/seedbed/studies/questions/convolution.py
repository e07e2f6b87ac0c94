"""Section 6 of the exercise: what the convolutional net gains over dense ones, and from which assumptions about images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbed import data, figures, words
from seedbed.figures import Curve, Dot, Picture
from seedbed.groups import Contrast, Difference, Group, Request
from seedbed.groups.caveats import excluded
from seedbed.groups.statements import Certainty, Statement
from seedbed.models import facts
from seedbed.runs import RunStore
from seedbed.specs import Conv, Dense
from seedbed.statistics import Interval
from seedbed.studies import mistakes
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import Card, accuracies_picture
from seedbed.studies.charts import compared, weight_pictures
from seedbed.studies.context import Steps, StudyContext, request, side_by_side
from seedbed.studies.setup import Setup
from seedbed.studies.shifts import Shifted, advantage, distances, shifted_accuracy
from seedbed.studies.tables import GROUP_COLUMNS
from seedbed.studies.texts import TOO_SMALL, best_epoch, interval_text, share_text, sized, subtitle
from seedbed.tables import Column, Table

CONV = Conv()
NET = (200, 100)
THE_DENSE = f"the {words.value(NET)} net"
LADDER, QUICK_LADDER = ((25, 12), (50, 25), (100, 50)), ((25, 12),)
"""Smaller dense nets, for accuracy over parameters."""

PAIR: tuple[Conv | Dense, ...] = (CONV, Dense(hidden=NET))
"""The nets that are compared on all images and on changed ones."""

PERMUTATION = 1
"""The seed of the one permutation of the pixels."""

AMOUNTS, QUICK_AMOUNTS = (5_000, 1_000, 300), (1_000,)
STEPS = 400
"""The least minibatches of a net where there are few images, as far as `MOST` epochs suffice."""

MOST = 100

SHUFFLED = 6
"""The number of images that are shown with their pixels in place and permuted."""

FILTERS = 20
"""The most filters of the first layer that are shown."""

CONTRASTS = (
    "conv against the 200-100 net",
    "conv against a dense net of as many parameters",
    "pixels in place against permuted pixels, conv",
    "pixels in place against permuted pixels, 200-100 net",
    "conv against the 200-100 net, fewest images",
)


def equal_width(setup: Setup) -> int:
    """Hidden units of the dense net of one layer whose parameters come nearest to the conv net's."""
    classes = len(setup.facts.classes)
    wanted = facts(CONV, setup.facts.image_shape, classes).parameters
    height, width, channels = setup.facts.image_shape
    return max(1, round((wanted - classes) / (height * width * channels + 1 + classes)))


@dataclass(frozen=True)
class TrainingImages:
    """Training images, and how long nets train on them.

    Attributes:
        changes: fields of the data spec.
        epochs: epochs of all nets.
    """

    label: str
    changes: tuple[tuple[str, int], ...]
    epochs: int

    def request(self, setup: Setup, model: Conv | Dense) -> Request:
        net: dict[str, object] = {"family": "conv"} if isinstance(model, Conv) else {"family": "dense", "hidden": model.hidden}
        data = setup.data.changed(**dict(self.changes))
        return request({**net, **dict(self.changes)}, setup.run(model, setup.lasting(self.epochs), data))


def everything(setup: Setup) -> TrainingImages:
    return TrainingImages("all images", (), setup.epochs(STEPS, setup.facts.train, least=10, most=60))


def changed(setup: Setup) -> list[TrainingImages]:
    """All images with permuted pixels, then smaller parts of the training images, the largest first."""
    return [
        TrainingImages("permuted pixels", (("permutation", PERMUTATION),), everything(setup).epochs),
        *(
            TrainingImages(f"{amount:,} images", (("first", amount),), setup.epochs(STEPS, amount, least=10, most=MOST))
            for amount in setup.amounts(*setup.pick(AMOUNTS, QUICK_AMOUNTS))
        ),
    ]


def all_nets(setup: Setup) -> list[Conv | Dense]:
    """The conv net, the 200-100 net, the dense net of as many parameters as the conv net, and a ladder of others."""
    widths = [NET, (equal_width(setup),), *setup.pick(LADDER, QUICK_LADDER)]
    return [CONV, *(Dense(hidden=hidden) for hidden in dict.fromkeys(widths))]


def design(setup: Setup) -> list[Request]:
    whole = [everything(setup).request(setup, model) for model in all_nets(setup)]
    return whole + [images.request(setup, model) for images in changed(setup) for model in PAIR]


@dataclass(frozen=True, eq=False)
class NetPair:
    """The conv net and the 200-100 net on the same images."""

    images: TrainingImages
    conv: Group
    dense: Group

    @property
    def cells(self) -> tuple[Group, Group]:
        return self.conv, self.dense


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    setup = study.setup
    conv, *dense = yield from study.train([everything(setup).request(setup, model) for model in all_nets(setup)])
    whole = NetPair(everything(setup), conv, dense[0])
    permuted, *fewer = yield from side_by_side([_pair(study, images) for images in changed(setup)])
    yield from study.trained()
    decided = _decided(study, whole, dense[1], permuted, fewer)
    return [
        _nets(setup, study.home, conv, dense, decided[:2]),
        mistakes.part(study, *whole.cells, names=("conv net", f"{words.value(NET)} net")),
        _permuted(setup, whole, permuted, decided[2:4]),
        _shifted(study, whole),
        _fewer(setup, whole, fewer, decided[4:]),
    ]


def _pair(study: StudyContext, images: TrainingImages) -> Steps[NetPair]:
    return NetPair(images, *(yield from study.train([images.request(study.setup, model) for model in PAIR])))


def name_of(cell: Group) -> str:
    model = cell.run.model
    return f"dense {words.value(model.hidden)}" if isinstance(model, Dense) else "conv"


def _decided(
    study: StudyContext, whole: NetPair, equal: Group, permuted: NetPair, fewer: Sequence[NetPair]
) -> list[Difference]:
    conv, place, mixed = "the conv net", "pixels in place", "permuted pixels"
    planned = [
        Contrast(whole.conv, whole.dense, conv, THE_DENSE, where="all images"),
        Contrast(whole.conv, equal, conv, f"the {name_of(equal)} net", where="at about equal parameters"),
        Contrast(whole.conv, permuted.conv, place, mixed, where=conv),
        Contrast(whole.dense, permuted.dense, place, mixed, where=THE_DENSE),
        *(Contrast(few.conv, few.dense, conv, THE_DENSE, where=f"{few.images.label} to train on") for few in fewer[-1:]),
    ]
    return study.decide([replace(contrast, name=name) for contrast, name in zip(planned, CONTRASTS, strict=False)])


# The nets


def _filters(setup: Setup, home: RunStore, conv: Group) -> list[Figure]:
    """The first layer's filters of one conv net; none where no run is left."""
    pictures = weight_pictures(home, conv, "", FILTERS)
    if not pictures:
        return []
    said = [f"{setup.data.name}; one run, last epoch; grey: 0, white: positive, black: negative"]
    chart = figures.picture_panels(pictures, "Filters of the first layer", said, columns=FILTERS // 2)
    return [Figure("conv_filters", chart, "Edges and strokes of several directions: each filter looks for its own everywhere.")]


def _nets(setup: Setup, home: RunStore, conv: Group, dense: Sequence[Group], contrasts: list[Difference]) -> AnswerPart:
    cells, equal = [conv, *dense], dense[1]
    ratio = dense[0].parameters / conv.parameters
    curves = compared([conv, dense[0], equal], name_of, "Conv net and dense nets")
    over = figures.accuracy_over_parameters(cells)
    return AnswerPart(
        name="nets",
        question="What does the conv net gain over dense ones, without regularization?",
        answer=[
            *(each.sentence for each in contrasts),
            f"{words.capital(THE_DENSE)} has {dense[0].parameters:,} parameters, the conv net {conv.parameters:,}: "
            f"{ratio:.1f} times as many. The {name_of(equal)} net has {equal.parameters:,}.",
            f"The conv net needs {_operations(conv):,} operations per image, {_uses(conv)} per parameter; {THE_DENSE} "
            f"{_operations(dense[0]):,}, {_uses(dense[0])} per parameter.",
        ],
        method=(
            f"{CONV.title} with pooling after each, and dense nets; no regularization, Adam 1e-3, batch 128, "
            f"{setup.length(conv.run.plan)}, {words.counted(len(setup.seeds), 'seed')} each."
        ),
        figures=[
            *(Figure("conv_learning_curves", chart, "The axis is that of the error.") for chart in curves),
            Figure("conv_parameters", over, "Accuracy at the best epoch over the number of parameters."),
            *_filters(setup, home, conv),
        ],
        shown=2,
        tables=[_table(cells)],
        cells=[cell.as_json() for cell in cells],
        contrasts=contrasts,
        published=["Student reports on MNIST, handout protocol, single run: 98.74 % for the conv net."],
        data={"parameter_ratio": ratio},
        card=_card(cells, contrasts),
    )


def _card(cells: Sequence[Group], contrasts: Sequence[Difference]) -> Card:
    conv, dense = cells[:2]
    against_large, against_equal = contrasts
    sizes = f"with {conv.parameters:,} parameters instead of {dense.parameters:,}"
    deciding, about = (against_large, "Against a dense net") if against_large.shown else (against_equal, "At equal parameters")
    answer = "Too few runs are left to compare the two."
    if against_large.decision and against_equal.decision:
        large, small = (100 * each.decision.interval.mean for each in contrasts if each.decision)
        answer = f"No clear difference to the dense net ({large:+.1f} points), {sizes}."
        if against_large.shown:
            answer = f"It is {_better(large)} than the dense net, {sizes}."
        if against_equal.decision.interval.excludes():
            answer += f" A dense net of its size is {_better(-small)}."
    ascending = sorted(cells, key=lambda cell: cell.parameters)
    picture = accuracies_picture((f"{name_of(cell)} ({cell.parameters:,})", cell.accuracy) for cell in ascending)
    question = "Is a convolutional net better than a dense one, and with how many parameters?"
    return Card(question, answer, deciding.certainty(about), picture)


def _better(points: float) -> str:
    return f"{abs(points):.1f} points {'better' if points > 0 else 'worse'}"


def _operations(cell: Group) -> int:
    return cell.results[0].model.operations


def _uses(cell: Group) -> str:
    return f"{_operations(cell) / cell.parameters:.0f}"


def _table(cells: Sequence[Group], *, images: Sequence[TrainingImages] = ()) -> Table[Group]:
    labels = {id(cell): each.label for cell, each in zip(cells, images, strict=False)}
    columns: list[Column[Group]] = [
        *([Column("training images", lambda cell: labels[id(cell)], align="left")] if images else []),
        Column("net", name_of, align="left"),
        Column("operations per image", _operations, ","),
        *GROUP_COLUMNS,
    ]
    return Table(columns, cells, "In brackets 95 % intervals; operations are multiplications and additions of inference.")


# Permuted pixels


def _shuffled(setup: Setup, mixed: NetPair) -> list[Figure]:
    """The first validation images as they are, and as the nets see them with permuted pixels."""
    pictures = []
    for panel, spec in (("in place", setup.data), ("permuted", mixed.conv.run.data)):
        dataset = data.load(spec)
        rows = np.arange(min(SHUFFLED, len(dataset.validation)))
        addresses = figures.thumbnails(dataset.pictures.shown(dataset.validation.take(rows)), side=64)
        pictures += [Picture(panel, address, ()) for address in addresses]
    said = [f"{setup.data.name}; the first {SHUFFLED} validation images; the same permutation for all"]
    chart = figures.picture_panels(pictures, "The same images, their pixels permuted", said, columns=SHUFFLED)
    return [Figure("conv_permuted_images", chart, "No information is lost, but neighbours are.")]


def _permuted(setup: Setup, whole: NetPair, mixed: NetPair, contrasts: list[Difference]) -> AnswerPart:
    cells = [*whole.cells, *mixed.cells]
    dots = [
        Dot(name_of(cell), label, "", cell.accuracy, excluded([cell]))
        for at in (0, 1)
        for label, cell in (("in place", whole.cells[at]), ("permuted", mixed.cells[at]))
    ]
    said = subtitle(setup, cells, best_epoch(setup))
    chart = figures.dot_panels(
        dots, "One fixed permutation of the pixels", said, x="validation accuracy", share=True, width=230
    )
    return AnswerPart(
        name="permuted",
        question="Does it matter which pixels are neighbours?",
        answer=[each.sentence for each in contrasts],
        method=(
            "The pixels of all images, training and validation, are permuted in the same way: no information is lost, but "
            "neighbours are. Same nets, seeds and epochs."
        ),
        figures=[
            *_shuffled(setup, mixed),
            Figure("conv_permutation", chart, "A dense net does not know which pixels are neighbours."),
        ],
        shown=2,
        tables=[_table(cells, images=[whole.images, whole.images, mixed.images, mixed.images])],
        cells=[cell.as_json() for cell in mixed.cells],
        contrasts=contrasts,
    )


# Shifted images


def _shifted(study: StudyContext, pair: NetPair) -> AnswerPart:
    setup = study.setup
    found = {cell: shifted_accuracy(study, cell) for cell in pair.cells if cell.n}
    reach = distances(setup.facts.image_shape)
    images = next((each.images for each in found.values()), 0)
    answer = [_shifted_sentence(found, pixels) for pixels in dict.fromkeys([reach[min(2, len(reach) - 1)], reach[-1]])]
    both = list(found.items())
    more = advantage(both[0], both[1], reach[-1]) if len(both) == 2 else None
    if more:
        answer.append(_advantage_sentence([name_of(cell) for cell in found], more, reach[-1]))
    curves = [
        Curve("", name_of(cell), [(float(pixels), accuracy) for pixels, accuracy in one.accuracies.items()])
        for cell, one in found.items()
    ]
    below = subtitle(setup, pair.cells, best_epoch(setup, "bands"))
    chart = curves and figures.curve_panels(
        curves, "Validation images shifted", below, x="shift (pixels)", y="accuracy", share=True, size=(420, 240)
    )
    none = "All runs of both nets are excluded, so nothing was shifted."
    return AnswerPart(
        name="shifted",
        question="How much does a shift of the images hurt?",
        answer=answer if found else [none],
        finding=_shifted_finding(found, reach[-1], more) if more else None,
        method=(
            f"The networks trained on all images, on {images:,} validation images shifted by up to {reach[-1]} pixels up, "
            "down, left and right (mean of the four), filled with zeros. No net is trained on shifted images."
        ),
        figures=[Figure("conv_shift", chart, "No net was trained on shifted images.")] if chart else [],
        tables=[_shift_table(found)] if found else [],
        data={
            "shifted": [{"net": name_of(cell), **each.as_json()} for cell, each in found.items()],
            "advantage": more and {"pixels": reach[-1], "difference": more.mean, "interval": more.pair()},
        },
    )


def _shifted_sentence(found: Mapping[Group, Shifted], pixels: int, *, brief: bool = False) -> str:
    shares = [f"{share_text(each.accuracies[pixels], brief=brief)} with {name_of(cell)}" for cell, each in found.items()]
    moved = f"On validation images shifted by {words.counted(pixels, 'pixel')}"
    return f"{moved} the accuracy is {words.listed(shares)}."


def _shifted_finding(found: Mapping[Group, Shifted], pixels: int, more: Interval) -> Statement:
    """The accuracies at the longest shift; `more` is the first net's minus the second's."""
    includes = "excludes 0" if more.excludes() else "includes 0: it may be chance"
    rule = f"The 95 % interval of the difference on the shifted images, paired by seed and image, {includes}."
    return Statement(
        _shifted_sentence(found, pixels, brief=True),
        Certainty("clear" if more.excludes() else "not shown", rule),
        _shifted_sentence(found, pixels),
    )


def _advantage_sentence(names: Sequence[str], more: Interval, pixels: int) -> str:
    """Which of two nets is right more often on shifted images; `more` is the first one's share minus the second's."""
    (better, worse), mean, low, high = names, more.mean, more.low, more.high
    if mean < 0:
        better, worse, mean, low, high = worse, better, -mean, -high, -low
    often = "right more often" if more.excludes() else "not clearly right more often"
    reach = f"(95 % interval: {100 * low:.1f} to {100 * high:.1f})"
    return f"Shifted by {words.counted(pixels, 'pixel')}, {better} is {often} than {worse}: by {100 * mean:.1f} points {reach}."


def _shift_table(found: dict[Group, Shifted]) -> Table[int]:
    nets: list[Column[int]] = [
        Column(sized(name_of(cell), cell.parameters), shifted.accuracies.get, interval_text) for cell, shifted in found.items()
    ]
    pixels = list(next(iter(found.values())).accuracies)
    caption = "Accuracy (%) at the best epoch; in brackets 95 % intervals."
    return Table([Column("shift", lambda at: at, unit="pixels"), *nets], pixels, caption)


# Fewer images


def _fewer(setup: Setup, whole: NetPair, several: Sequence[NetPair], contrasts: list[Difference]) -> AnswerPart:
    pairs = [*reversed(several), whole]
    cells = [cell for pair in pairs for cell in pair.cells]
    dots = [
        Dot("validation accuracy", cell.run.data.first or setup.facts.train, name_of(cell), cell.accuracy) for cell in cells
    ]
    answer = [each.sentence for each in contrasts]
    answer += [
        f"With {pair.images.label} the mean accuracies are {share_text(pair.conv.accuracy)} with the conv net and "
        f"{share_text(pair.dense.accuracy)} with {THE_DENSE}."
        for pair in several
    ]
    said = subtitle(setup, cells, best_epoch(setup))
    chart = several and figures.measures_over(
        dots, "first", "Fewer training images", said, group="net", shares=("validation accuracy",), size=(420, 240)
    )
    lengths = "; ".join(f"{pair.images.label}: {setup.length(pair.conv.run.plan)}" for pair in pairs)
    return AnswerPart(
        name="fewer-images",
        question="Does the conv net's advantage grow where there are fewer images?",
        answer=answer or [TOO_SMALL],
        method=f"The same nets on a stratified part of the training images ({lengths}); the validation images stay the same.",
        figures=[Figure("conv_fewer_images", chart, "Accuracy at the best epoch over the number of training images.")]
        if chart
        else [],
        tables=[_table(cells, images=[pair.images for pair in pairs for _ in pair.cells])] if several else [],
        cells=[cell.as_json() for pair in several for cell in pair.cells],
        contrasts=contrasts,
    )


STUDY = Study(
    name="convolution",
    title="Convolution",
    question="What does a convolutional net gain over dense ones, and because of which assumptions about images?",
    contrasts=CONTRASTS,
    design=design,
    parts=parts,
)
