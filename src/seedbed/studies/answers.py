"""The result of a study: sentences with their figures, tables and reasons, their cost, and how to repeat them."""

from __future__ import annotations

import copy
import os
import shlex
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import figures, pages, words
from seedbed.groups import Difference, Group, Request, caveats
from seedbed.groups.statements import Statement, remarks
from seedbed.models import FAMILIES
from seedbed.records import Result, finite
from seedbed.studies.cards import Card
from seedbed.studies.context import MOST, Steps, StudyContext, StudyTrainer
from seedbed.studies.files import checked_page
from seedbed.studies.setup import FEWER, QUICK, Setup
from seedbed.studies.tables import contrast_table, results_csv
from seedbed.tables import Table
from seedbed.training.events import FigureDrawn, OnEvent, StageStarted, ignore

if TYPE_CHECKING:
    from seedbed.figures.drawing import VegaSpec
    from seedbed.figures.theme import AnyChart
    from seedbed.scheduler import Execution


@dataclass(frozen=True, eq=False)
class Figure:
    """A named chart.

    Attributes:
        name: name of its files, unique in the study: letters, digits and `_`.
        caption: one sentence on what to see in it.
    """

    name: str
    chart: AnyChart
    caption: str = ""


@dataclass(frozen=True, eq=False)
class AnswerPart:
    """One question of a study, answered.

    Attributes:
        name: unique in the study: letters, digits and `-`.
        answer: sentences; the first answers the question and stands at the top of the report.
        method: one line.
        why: sentences from the probes and other measurements.
        reason: the first of `why` without its intervals, where it has some.
        cells: JSON values of each setting, for results.json and results.csv.
        contrasts: comparisons of this part that the study announced.
        caveats: limits of the answer: ends of sweeps, sizes that this data set does not have.
        published: metrics of student reports to compare with.
        shown: number of figures that stand below the answer; the others are folded.
        data: further results as JSON values.
        card: the answer at a glance, where a question of the exercise is answered here.
        finding: the answer with how sure it is, where there is neither a card nor a comparison that the study announced.
    """

    name: str
    question: str
    answer: Sequence[str]
    method: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Table[Any]] = ()
    why: Sequence[str] = ()
    cells: Sequence[Mapping[str, Any]] = ()
    contrasts: Sequence[Difference] = ()
    caveats: Sequence[str] = ()
    published: Sequence[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    card: Card | None = None
    finding: Statement | None = None
    reason: str = ""
    shown: int = 1

    @property
    def statements(self) -> list[Statement]:
        """What the part says at a glance: its card or finding, then its comparisons; else the first sentence of the answer."""
        compared = [statement for contrast in self.contrasts for statement in contrast.statements]
        return [*self._glance, *compared] or remarks(self.answer[:1])

    @property
    def sentences(self) -> list[Statement]:
        """All that the part says, with its statistics: the card or finding, then the answer."""
        sure = {contrast.sentence: contrast.certainty(equality=True) for contrast in self.contrasts}
        said = {statement.sentence for statement in self._glance}
        return [*self._glance, *(Statement(each, sure.get(each)) for each in self.answer if each not in said)]

    @property
    def _glance(self) -> list[Statement]:
        return [self.card.statement] if self.card else [self.finding] if self.finding else []

    @property
    def lead(self) -> Statement:
        """What the part says first."""
        return next(iter(self.statements), Statement("Not answered."))

    @property
    def details(self) -> list[str]:
        """The sentences of the answer that the lead does not say in these words."""
        return [sentence for sentence in self.answer if sentence != self.lead.answer]

    @property
    def all_tables(self) -> list[Table[Any]]:
        """The tables, with that of the contrasts at the end."""
        return [*self.tables, *([contrast_table(self.contrasts)] if self.contrasts else [])]

    def as_json(self) -> dict[str, Any]:
        """The part's fields as JSON values: figures by name, tables as texts, caveats as `marks`."""
        fields = {
            **{name: value for name, value in vars(self).items() if name not in ("caveats", "shown", "reason")},
            "contrasts": [contrast.as_json() for contrast in self.contrasts],
            "marks": self.caveats,
            "card": self.card and self.card.as_json(),
            "finding": self.finding and self.finding.as_json(),
            "figures": [figure.name for figure in self.figures],
            "tables": [{"columns": table.titles, "rows": table.texts} for table in self.tables],
        }
        plain: dict[str, Any] = finite(fields)
        return plain


@dataclass(frozen=True)
class Cost:
    """The cost of some runs, whenever they were trained.

    Attributes:
        seconds: worker time, including compilation (s).
        compile: part of `seconds` spent on compilation (s).
        operations: multiplications and additions of training: the forward pass, and the gradients of every layer.
        measuring: time of measurements and computations that are no runs (s).
        devices: devices of the runs.
    """

    runs: int = 0
    seconds: float = 0.0
    compile: float = 0.0
    operations: float = 0.0
    measuring: float = 0.0
    devices: tuple[str, ...] = ()

    @classmethod
    def of(cls, results: Sequence[Result], measuring: float = 0.0) -> Cost:
        """The cost of different runs; a run that is listed twice counts once."""
        once = {result.run.identity: result for result in results}.values()
        return cls(
            runs=len(once),
            seconds=sum(result.seconds.total for result in once),
            compile=sum(result.seconds.compile for result in once),
            operations=sum(map(training_operations, once)),
            measuring=measuring,
            devices=tuple(sorted({result.device for result in once})),
        )

    @property
    def compile_share(self) -> float:
        return self.compile / self.seconds if self.seconds else 0.0

    @property
    def rate(self) -> float | None:
        """Operations per second of one worker while it trained; None where nothing was trained."""
        spent = self.seconds - self.compile
        return self.operations / spent if spent > 0 else None

    @property
    def sentence(self) -> str:
        """The cost in one line."""
        spent = []
        if self.runs:
            time = f"{words.duration(self.seconds)} of workers' time, {words.percent(self.compile_share, 0)} of it compiling"
            spent.append(f"{words.counted(self.runs, 'run')} on {words.listed(list(self.devices))}; {time}")
            spent.append(f"{words.quantity(self.operations)} operations of training")
            if self.rate:
                spent.append(f"{words.quantity(self.rate)} operations per second and worker")
        if self.measuring:
            spent.append(f"{words.duration(self.measuring)} of other computations and measurements")
        return f"Cost: {'; '.join(spent or ['next to nothing'])}."

    def as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = finite({**vars(self), "compile_share": self.compile_share, "rate": self.rate})
        return {"beside" if name == "measuring" else name: value for name, value in plain.items()}


def training_operations(result: Result) -> float:
    """Operations of a run's training: per image three forward passes, without the gradient to the first layer's inputs.

    For a dense network these are `4 * inputs * h1 + 6 * (later kernels)` per image. A user's own network counts three passes.
    """
    model, data = result.run.model, result.data
    family = FAMILIES[model.family]
    each = family.training_operations(model, result.model, data.image_shape, len(data.classes))
    return float(each * data.train * result.history.epochs)


@dataclass(frozen=True, eq=False)
class Answer:
    """A study, answered.

    Attributes:
        groups: the settings that the study trained.
        results: all runs behind it, those of searches too.
    """

    name: str
    title: str
    question: str
    parts: Sequence[AnswerPart]
    setup: Setup
    cost: Cost
    caveats: Sequence[str] = ()
    groups: Sequence[Group] = ()
    results: Sequence[Result] = ()

    def __repr__(self) -> str:
        """What a notebook shows: the answer in short."""
        return "\n".join([f"{self.title}: {self.question}", *self.short])

    @property
    def short(self) -> list[str]:
        """The answer in short: the first sentence of each part."""
        return [part.answer[0] for part in self.parts if part.answer]

    @property
    def command(self) -> str:
        """The command that repeats the study."""
        return shlex.join(["seedbed", "study", self.name, *self.setup.asked])

    @property
    def contrasts(self) -> list[Difference]:
        return [contrast for part in self.parts for contrast in part.contrasts]

    @property
    def figures(self) -> list[Figure]:
        return [figure for part in self.parts for figure in part.figures]

    @property
    def cards(self) -> dict[str, Card]:
        """Place on the page -> card."""
        return {f"{self.name}-{part.name}": part.card for part in self.parts if part.card}

    def sentences(self) -> list[str]:
        """All sentences: answers, reasons and caveats, part by part."""
        parts = [sentence for part in self.parts for sentence in (*part.answer, *part.why, *part.caveats)]
        return [*parts, *self.caveats]

    def charts(self) -> dict[str, AnyChart]:
        """Name -> figure."""
        return {figure.name: figure.chart for figure in self.figures}

    @cached_property
    def specifications(self) -> dict[str, VegaSpec]:
        """Name -> specification of a card's picture, or of a figure. Making them takes a third of the time of drawing them."""
        return specifications(self.cards, self.figures)

    def as_json(self) -> dict[str, Any]:
        """The contract of `study --json` and of results.json (NaN is null)."""
        plain: dict[str, Any] = finite(
            {
                "study": self.name,
                "title": self.title,
                "question": self.question,
                "quick": self.setup.quick,
                "data": {**self.setup.data.plain(), **vars(self.setup.facts)},
                "seeds": self.setup.seeds,
                "confidence": 0.95,
                "correction": "Holm",
                "short": self.short,
                "parts": [part.as_json() for part in self.parts],
                "marks": list(self.caveats),
                "command": self.command,
                "cost": self.cost.as_json(),
            }
        )
        return plain

    def report(self, page: str | os.PathLike[str], *, on_event: OnEvent = ignore) -> dict[str, list[Path]]:
        """Write the answer as one self-contained page, with figures, results.csv and results.json in a folder next to it.

        Args:
            page: path of the page.
            on_event: gets `FigureDrawn` after each figure.

        Returns:
            `page`, `figures`, `tables` -> files.

        Raises:
            SpecError: this is no path for a page.
            StorageError: a file could not be written.
        """
        title = f"{self.title} on {self.setup.data.name}"
        results = {"studies": [self.as_json()]}
        page, template = Path(page), "answers.html.jinja"
        return write_page(page, template, [self], self.cards, results, on_event=on_event, title=title, command=self.command)


def write_page(
    path: Path,
    template: str,
    answers: Sequence[Answer],
    cards: Mapping[str, Card],
    results: Mapping[str, Any],
    overview: Figure | None = None,
    *,
    on_event: OnEvent = ignore,
    **values: Any,
) -> dict[str, list[Path]]:
    """Write answers as a page; next to it, in a folder of its name, figures (PNG, SVG), `results.csv` and `results.json`.

    Args:
        cards: place on the page -> card, in the order of the page.
        results: JSON values for results.json; `studies` holds the answers.
        overview: figure of the whole page, which stands below the cards.
        on_event: gets `FigureDrawn` after each figure.
        values: further values for the template.

    Returns:
        `page`, `figures`, `tables` -> files.

    Raises:
        SpecError: this is no path for a page.
        StorageError: a file could not be written, or another process has been writing them for a minute.
        ValueError: two figures have one name, so that one would replace the other.
    """
    checked_page(path)
    answered = [place for answer in answers for place in answer.cards]
    own = {place: card for place, card in cards.items() if place not in answered}
    made = [specifications(own, [overview] if overview else []), *(answer.specifications for answer in answers)]
    charts = _merged(*made)
    values |= {"answers": answers, "cards": cards, "overview": overview, "setup": answers[0].setup}
    text = pages.render(template, figures.embedded(charts), picture_name=picture_name, **values)
    tables = {"results.csv": results_csv(results["studies"])}
    on_event(StageStarted(f"drawing {words.counted(len(charts), 'figure')}"))
    files = figures.save_results(
        path.with_suffix(""),
        charts,
        tables,
        results,
        kinds=("png", "svg"),
        pages={path: text},
        watch=lambda done, total: on_event(FigureDrawn(done, total)),
    )
    listed = [*files.pop("tables"), *files.pop("json")]
    return {"page": [path], "figures": [file for paths in files.values() for file in paths], "tables": listed}


def specifications(cards: Mapping[str, Card], drawn: Sequence[Figure]) -> dict[str, VegaSpec]:
    """Name -> specification of the picture of each card, and of each figure.

    Raises:
        ValueError: two have one name, so that one would replace the other.
    """
    of_cards = {
        picture_name(place): {**figures.specification(card.picture), "description": card.question}
        for place, card in cards.items()
        if card.picture
    }
    return _merged(of_cards, *({figure.name: figures.specification(figure.chart)} for figure in drawn))


def _merged(*parts: Mapping[str, VegaSpec]) -> dict[str, VegaSpec]:
    names = [name for part in parts for name in part]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"figures of one name: {', '.join(twice)}")
    return {name: spec for part in parts for name, spec in part.items()}


def picture_name(place: str) -> str:
    """Name of the picture of the card for this place on the page."""
    return f"card_{place.replace('-', '_')}"


def no_search(_setup: Setup, _execution: Execution) -> float:
    """The forecast of a study that does not search (s)."""
    return 0.0


@dataclass(frozen=True, eq=False)
class Study:
    """A question of the exercise, and how it is answered.

    Attributes:
        name: name on the command line.
        contrasts: names of the comparisons that will be decided, at most five; announced before anything is trained.
        design: the settings that are needed from the beginning, so that those of several studies are trained together.
        parts: requests further settings, and answers; a plain function where nothing is trained.
        searching: forecast of the searches that begin once the design is trained (s); 0 where there is none.
    """

    name: str
    title: str
    question: str
    contrasts: tuple[str, ...]
    design: Callable[[Setup], Sequence[Request]]
    parts: Callable[[StudyContext], Steps[list[AnswerPart]] | list[AnswerPart]]
    searching: Callable[[Setup, Execution], float] = no_search

    def __post_init__(self) -> None:
        if not len(set(self.contrasts)) == len(self.contrasts) <= MOST:
            raise ValueError(f"{self.name}: a study announces at most {MOST} different contrasts")

    def steps(self, setup: Setup, trainer: StudyTrainer) -> Steps[Answer]:
        """The steps to the answer; the first of them asks for the design."""
        study = StudyContext(setup, trainer, self.contrasts)
        yield from study.train(self.design(setup))
        made = self.parts(study)
        parts = (yield from made) if isinstance(made, Generator) else made
        parts = list(map(_as_preview, parts)) if setup.quick else parts
        groups = list(study.used.values())
        results = [*(result for group in groups for result in group.results), *study.others]
        cost, limits = Cost.of(results, study.seconds), _limits(setup, groups)
        answer = Answer(self.name, self.title, self.question, parts, setup, cost, limits, groups, results)
        answer.specifications  # noqa: B018  # made here, while other studies train
        return answer

    def answer(self, setup: Setup, trainer: StudyTrainer) -> Answer:
        """Train what is missing, and answer.

        Raises:
            SeedbedError: as `train_runs` raises them.
        """
        return trainer.run(self.steps(setup, trainer))


def _limits(setup: Setup, groups: Sequence[Group]) -> list[str]:
    limits = [f"This is a preview (--quick): {FEWER}."] if setup.quick else []
    if len(setup.seeds) == 1 and groups:
        limits.append("One seed per setting: the intervals are about these very networks, not about other seeds.")
    if setup.data.protocol == "handout" and groups:
        limits.append(
            "Handout protocol: the official test images serve as validation images, as in the exercise; they chose epochs."
        )
    return limits + caveats(groups)


def _as_preview(part: AnswerPart) -> AnswerPart:
    """The part with figures that say that they are a preview."""
    return replace(part, figures=[replace(figure, chart=_with_subtitle(figure.chart, QUICK)) for figure in part.figures])


def _with_subtitle(chart: Any, line: str) -> AnyChart:
    title = copy.copy(chart.title)
    before = title.subtitle
    lines = [before] if isinstance(before, str) else list(before) if isinstance(before, Sequence) else []
    title.subtitle = [*lines, line]
    marked: AnyChart = chart.copy(deep=False)
    marked.title = title  # type: ignore[attr-defined]  # altair's mixin leaves `title` to its subclasses
    return marked
