"""Section 6 of the exercise: what the convolutional net gains over dense ones, and from which assumptions about images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seedbed import figures
from seedbed.figures import Curve, Dot, mean_curve, words
from seedbed.groups import Contrast, Difference, Group, Request
from seedbed.specs import Conv, Dense, Plan
from seedbed.statistics import Interval, interval_of
from seedbed.studies.answers import Figure, Part, Study, share_text, subtitle
from seedbed.studies.context import Steps, StudyContext, request, side_by_side
from seedbed.studies.mistakes import Overlap, differing, overlaps
from seedbed.studies.setup import Setup
from seedbed.studies.shifts import Shifted, distances, shifted_accuracy
from seedbed.studies.tables import BEST, LAST, PARAMETERS, RUNS, interval_text
from seedbed.tables import Column, Table

CONV = Conv()
NET = (200, 100)
LADDER, QUICK_LADDER = ((25, 12), (50, 25), (100, 50)), ((25, 12),)
"""Smaller dense nets, for accuracy over parameters."""

PERMUTATION = 1
"""The seed of the one permutation of the pixels."""

AMOUNTS, QUICK_AMOUNTS = (5_000, 1_000, 300), (1_000,)
STEPS = 400
"""Minibatches that a net sees at least where there are few images, as far as `MOST` epochs suffice."""

MOST = 100

SHOWN = 10
"""Images that one net gets right and the other wrong, of either kind."""

CONTRASTS = (
    "conv against the 200-100 net",
    "conv against a dense net of as many parameters",
    "permuted pixels against pixels in place, conv",
    "permuted pixels against pixels in place, 200-100 net",
    "conv against the 200-100 net, fewest images",
)


def equal_width(setup: Setup) -> int:
    """Hidden units of the dense net of one layer that comes nearest to the conv net's number of parameters."""
    from seedbed.models import facts

    classes = len(setup.facts.classes)
    wanted = facts(CONV, setup.facts.image_shape, classes).parameters
    height, width, channels = setup.facts.image_shape
    return max(1, round((wanted - classes) / (height * width * channels + 1 + classes)))


@dataclass(frozen=True)
class Images:
    """Training images.

    Attributes:
        changes: fields of the data spec.
        epochs: for which all nets train on them.
    """

    label: str
    changes: tuple[tuple[str, int], ...]
    epochs: int

    def request(self, setup: Setup, model: Conv | Dense) -> Request:
        net: dict[str, object] = {"family": "conv"} if isinstance(model, Conv) else {"family": "dense", "hidden": model.hidden}
        data = setup.data.changed(**dict(self.changes))
        return request({**net, **dict(self.changes)}, setup.run(model, Plan(epochs=self.epochs), data))


def everything(setup: Setup) -> Images:
    return Images("all images", (), setup.epochs(400, setup.facts.train, least=10, most=60))


def permuted(setup: Setup) -> Images:
    return Images("permuted pixels", (("permutation", PERMUTATION),), everything(setup).epochs)


def fewer(setup: Setup) -> list[Images]:
    """Smaller parts of the training images, the largest first."""
    return [
        Images(f"{amount:,} images", (("first", amount),), setup.epochs(STEPS, amount, least=10, most=MOST))
        for amount in setup.amounts(*setup.pick(AMOUNTS, QUICK_AMOUNTS))
    ]


def dense_nets(setup: Setup) -> list[Dense]:
    """The 200-100 net, the one of as many parameters as the conv net, and a ladder of others."""
    widths = [NET, (equal_width(setup),), *setup.pick(LADDER, QUICK_LADDER)]
    return [Dense(hidden=hidden) for hidden in dict.fromkeys(widths)]


def all_nets(setup: Setup) -> list[Conv | Dense]:
    """The conv net and all dense ones."""
    return [CONV, *dense_nets(setup)]


def design(setup: Setup) -> list[Request]:
    pair: tuple[Conv | Dense, ...] = (CONV, Dense(hidden=NET))
    whole = [everything(setup).request(setup, model) for model in all_nets(setup)]
    return whole + [images.request(setup, model) for images in (permuted(setup), *fewer(setup)) for model in pair]


@dataclass(frozen=True, eq=False)
class Pair:
    """The conv net and the 200-100 net on the same images."""

    images: Images
    conv: Group
    dense: Group

    @property
    def cells(self) -> tuple[Group, Group]:
        return self.conv, self.dense


def parts(study: StudyContext) -> Steps[list[Part]]:
    setup = study.setup
    conv, *dense = yield from study.train([everything(setup).request(setup, model) for model in all_nets(setup)])
    whole = Pair(everything(setup), conv, dense[0])
    others = yield from side_by_side([_pair(study, images) for images in (permuted(setup), *fewer(setup))])
    found = _settled(study, whole, dense[1], others)

    def those(*places: int) -> list[Difference]:
        return [found[CONTRASTS[place]] for place in places if CONTRASTS[place] in found]

    return [
        _nets(setup, conv, dense, those(0, 1)),
        _mistakes(study, whole),
        _permuted(setup, whole, others[0], those(2, 3)),
        _shifted(study, whole),
        _fewer(setup, whole, others[1:], those(4)),
    ]


def _pair(study: StudyContext, images: Images) -> Steps[Pair]:
    nets: tuple[Conv | Dense, ...] = (CONV, Dense(hidden=NET))
    return Pair(images, *(yield from study.train([images.request(study.setup, model) for model in nets])))


def name_of(cell: Group) -> str:
    model = cell.run.model
    return f"dense {words.value(model.hidden)}" if isinstance(model, Dense) else "conv"


def _settled(study: StudyContext, whole: Pair, equal: Group, others: Sequence[Pair]) -> dict[str, Difference]:
    mixed, *fewest = others
    conv, dense = "the conv net", f"the {words.value(NET)} net"
    planned = [
        Contrast(whole.conv, whole.dense, conv, dense, where="all images"),
        Contrast(whole.conv, equal, conv, f"the {name_of(equal)} net", where="at about equal parameters"),
        Contrast(whole.conv, mixed.conv, "pixels in place", "permuted pixels", where="the conv net"),
        Contrast(whole.dense, mixed.dense, "pixels in place", "permuted pixels", where=dense),
        *(Contrast(few.conv, few.dense, conv, dense, where=f"{few.images.label} to train on") for few in fewest[-1:]),
    ]
    return study.decide([replace(one, name=name) for one, name in zip(planned, CONTRASTS, strict=False)])


# The nets


def _nets(setup: Setup, conv: Group, dense: Sequence[Group], contrasts: list[Difference]) -> Part:
    cells, equal = [conv, *dense], dense[1]
    ratio = dense[0].parameters / conv.parameters
    curves = [
        mean_curve(cell.results, f"{column}_accuracy", panel=name_of(cell), line=line)
        for cell in (conv, dense[0], equal)
        for line, column in (("training", "train"), ("validation", "validation"))
    ]
    said = subtitle(setup, [conv, dense[0], equal], "mean with 95 % interval (Student t)")
    learning = figures.curve_panels(
        curves, "Conv net and dense nets", said, y="accuracy", share=True, columns=3, size=(165, 140)
    )
    over = figures.accuracy_over_parameters(cells)
    return Part(
        name="nets",
        question="What does the conv net gain over dense ones, without regularization?",
        answer=[
            *(one.sentence for one in contrasts),
            f"The {words.value(NET)} net has {dense[0].parameters:,} parameters, the conv net {conv.parameters:,}: "
            f"{ratio:.1f} times as many. The {name_of(equal)} net has {equal.parameters:,}.",
            f"An image costs the conv net {_operations(conv):,} operations, {_uses(conv)} for each parameter, and the "
            f"{words.value(NET)} net {_operations(dense[0]):,}, {_uses(dense[0])} for each.",
        ],
        method=(
            f"{words.network(CONV)} with pooling after each; dense nets beside it; no regularization, Adam 1e-3, batch 128, "
            f"{conv.run.plan.epochs} epochs, {words.counted(len(setup.seeds), 'seed')} each."
        ),
        figures=[
            Figure("conv_learning_curves", learning, "Training and validation accuracy over epochs, on one scale."),
            Figure("conv_parameters", over, "Accuracy at the best epoch over the number of parameters."),
        ],
        tables=[_table(cells)],
        cells=[cell.as_json() for cell in cells],
        contrasts=contrasts,
        published=["Student reports on MNIST, handout protocol, single run: 98.74 % for the conv net."],
        data={"parameter_ratio": ratio},
    )


def _operations(cell: Group) -> int:
    return cell.results[0].model.operations


def _uses(cell: Group) -> str:
    return f"{_operations(cell) / cell.parameters:.0f}"


def _table(cells: Sequence[Group], *, images: Sequence[Images] = ()) -> Table[Group]:
    labels = {id(cell): each.label for cell, each in zip(cells, images, strict=False)}
    columns: list[Column[Group]] = [
        *([Column("training images", lambda cell: labels[id(cell)], align="left")] if images else []),
        Column("net", name_of, align="left"),
        PARAMETERS,
        Column("operations an image", _operations, ","),
        RUNS,
        BEST,
        LAST,
    ]
    return Table(columns, cells, "In brackets 95 % intervals; operations are multiplications and additions of inference.")


# Mistakes


def _mistakes(study: StudyContext, pair: Pair) -> Part:
    setup = study.setup
    found = overlaps(*pair.cells)
    pictures = differing(study.home, *pair.cells, most=SHOWN, names=("conv net", f"{words.value(NET)} net"))
    chart = pictures and figures.picture_panels(
        pictures,
        "Images that one net gets right and the other wrong",
        [
            *subtitle(setup, pair.cells, "validation images on which most seeds differ"),
            "above: the label, and what was said instead",
        ],
        columns=5,
    )
    none = "No seed has runs of both nets in its means, so their mistakes cannot be held against each other."
    return Part(
        name="mistakes",
        question="Do both nets fail on the same images?",
        answer=_overlap_said(found) if found else [none],
        method="Seed by seed, each validation image at the best epoch; each pair of networks compared image by image.",
        figures=[Figure("conv_mistakes", chart, "Upper panel: only the conv net is right; lower: only the dense one.")]
        if chart
        else [],
        tables=[_overlap_table(found)] if found else [],
        data={"pairs": [one.as_json() for one in found]},
    )


def _overlap_said(found: Sequence[Overlap]) -> list[str]:
    dense = f"the {words.value(NET)} net"
    both, dense_alone, conv_alone = (
        interval_of([getattr(one, name) for one in found]) for name in ("both_wrong", "only_b", "only_a")
    )
    counts = [interval_text(one, digits=1, factor=1) for one in (conv_alone, dense_alone, both)]
    said = [
        f"Of {found[0].images:,} validation images only the conv net is right on {counts[0]}, only {dense} on {counts[1]}, and "
        f"neither on {counts[2]} (means of {words.counted(len(found), 'pair')} of networks)."
    ]
    shared = interval_of([one.shared for one in found])
    if shared:
        alone = interval_of([one.alone for one in found])
        said.append(
            f"The conv net is wrong on {share_text(_within(shared), 1)} of the images that {dense} gets wrong, and on "
            f"{share_text(_within(alone), 1)} of those that it gets right."
        )
    shown = sum(one.p < 0.05 for one in found)
    said.append(f"The two networks differ in accuracy (p < 0.05, uncorrected) in {shown} of {len(found)} pairs.")
    return said


def _within(share: Interval | None) -> Interval | None:
    return share and Interval(share.mean, max(0.0, share.low), min(1.0, share.high), share.n)


def _overlap_table(found: Sequence[Overlap]) -> Table[Overlap]:
    columns: list[Column[Overlap]] = [
        Column("seed", lambda one: one.seed),
        Column("both right", lambda one: one.both_right, ","),
        Column("only conv right", lambda one: one.only_a, ","),
        Column("only dense right", lambda one: one.only_b, ","),
        Column("neither", lambda one: one.both_wrong, ","),
        Column("p", lambda one: one.p, ".2g"),
    ]
    return Table(columns, found, "Validation images at the best epoch of each network.")


# Permuted pixels


def _permuted(setup: Setup, whole: Pair, mixed: Pair, contrasts: list[Difference]) -> Part:
    cells = [*whole.cells, *mixed.cells]
    dots = [
        Dot(name_of(cell), label, "", cell.accuracy, f"{cell.left_out} of {cell.total} left out" if cell.left_out else "")
        for at in (0, 1)
        for label, cell in (("in place", whole.cells[at]), ("permuted", mixed.cells[at]))
    ]
    said = subtitle(setup, cells, f"best epoch; bars: 95 % intervals ({setup.chance})")
    chart = figures.dot_panels(
        dots, "One fixed permutation of the pixels", said, x="validation accuracy", share=True, width=230
    )
    return Part(
        name="permuted",
        question="Does it matter which pixels are neighbours?",
        answer=[one.sentence for one in contrasts],
        method=(
            "All images, training and validation, with their pixels permuted in one and the same way: no information is "
            "lost, but neighbours are. Same nets, seeds and epochs."
        ),
        figures=[Figure("conv_permutation", chart, "A dense net does not know which pixels are neighbours.")],
        tables=[_table(cells, images=[whole.images, whole.images, mixed.images, mixed.images])],
        cells=[cell.as_json() for cell in mixed.cells],
        contrasts=contrasts,
    )


# Shifted images


def _shifted(study: StudyContext, pair: Pair) -> Part:
    setup = study.setup
    found = {cell: shifted_accuracy(study, cell) for cell in pair.cells if cell.n}
    reach = distances(setup.facts.image_shape)
    images = next((one.images for one in found.values()), 0)
    answer: list[str] = []
    for at in dict.fromkeys([reach[min(2, len(reach) - 1)], reach[-1]]):
        said = words.listed([f"{share_text(one.at(at))} with {name_of(cell)}" for cell, one in found.items()])
        answer.append(f"On validation images shifted by {words.counted(at, 'pixel')} the accuracy is {said}.")
    curves = [
        Curve("", name_of(cell), [(float(pixels), accuracy) for pixels, accuracy in one.accuracies])
        for cell, one in found.items()
    ]
    below = subtitle(setup, pair.cells, f"best epoch; bands: 95 % intervals ({setup.chance})")
    chart = curves and figures.curve_panels(
        curves, "Validation images shifted", below, x="shift (pixels)", y="accuracy", share=True, size=(420, 240)
    )
    none = "No run of either net is in its means, so nothing was shifted."
    return Part(
        name="shifted",
        question="How much does a shift of the images hurt?",
        answer=answer if found else [none],
        method=(
            f"The networks trained on all images, on {images:,} validation images shifted by up to {reach[-1]} pixels up, "
            "down, left and right (mean of the four), filled up with zeros; nothing is trained anew."
        ),
        figures=[Figure("conv_shift", chart, "No net has seen a shifted image in training.")] if chart else [],
        tables=[_shift_table(found)] if found else [],
        data={"shifted": [{"net": name_of(cell), **one.as_json()} for cell, one in found.items()]},
    )


def _shift_table(found: dict[Group, Shifted]) -> Table[int]:
    nets: list[Column[int]] = [
        Column(f"{name_of(cell)} ({cell.parameters:,} parameters)", shifted.at, interval_text)
        for cell, shifted in found.items()
    ]
    pixels = [at for at, _ in next(iter(found.values())).accuracies]
    caption = "Accuracy (%) at the best epoch; in brackets 95 % intervals."
    return Table([Column("shift", lambda at: at, unit="pixels"), *nets], pixels, caption)


# Fewer images


def _fewer(setup: Setup, whole: Pair, several: Sequence[Pair], contrasts: list[Difference]) -> Part:
    pairs = [*reversed(several), whole]
    cells = [cell for pair in pairs for cell in pair.cells]
    dots = [
        Dot("validation accuracy", cell.run.data.first or setup.facts.train, name_of(cell), cell.accuracy) for cell in cells
    ]
    answer = [one.sentence for one in contrasts]
    answer += [
        f"With {pair.images.label} the mean accuracies are {share_text(pair.conv.accuracy)} (conv) and "
        f"{share_text(pair.dense.accuracy)} ({name_of(pair.dense)})."
        for pair in several
    ]
    said = subtitle(setup, cells, f"best epoch; bars: 95 % intervals ({setup.chance})")
    chart = several and figures.measures_over(
        dots, "first", "Fewer training images", said, group="net", shares=("validation accuracy",), size=(420, 240)
    )
    lengths = "; ".join(f"{pair.images.label}: {pair.images.epochs} epochs" for pair in pairs)
    return Part(
        name="fewer-images",
        question="Does the conv net's advantage grow where there are fewer images?",
        answer=answer or ["This data set is too small to take a part of it, so this was not tried."],
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
