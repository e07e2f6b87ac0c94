"""The report: the answers in short, every question, the test ledger, the environment, feedback; as JSON and as a page."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed import figures, words
from seedbed.baselines import Baseline
from seedbed.groups.baselines import BaselineComparison
from seedbed.records import Result, finite
from seedbed.report.environment import Environment
from seedbed.report.feedback import Feedback, feedback, limits_card
from seedbed.report.notes import Notes
from seedbed.studies.answers import Answer, Cost, Figure, write_page
from seedbed.studies.cards import Card
from seedbed.studies.setup import Setup
from seedbed.tables import Column, Table
from seedbed.training.events import OnEvent, ignore

MOST_LOOKS = 100


@dataclass(frozen=True, eq=False)
class Report:
    """The answers to all questions.

    Attributes:
        looks: all uses of the test part in the home's ledger, oldest first.
        baselines: the report's networks next to simple classifiers on the same validation images.
        notes: the student's own words, if there are any.
        named: names of the studies, where not all of them were requested.
    """

    setup: Setup
    answers: list[Answer]
    environment: Environment
    looks: list[dict[str, Any]]
    baselines: list[BaselineComparison]
    notes: Notes | None = None
    named: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"What architecture and regularization do: {self.setup.data.name}"

    @property
    def results(self) -> list[Result]:
        """Every run behind the report, each once."""
        return list({result.run.identity: result for answer in self.answers for result in answer.results}.values())

    @property
    def cost(self) -> Cost:
        """Cost of all studies together; a run that several of them use counts once."""
        return Cost.of(self.results, sum(answer.cost.measuring for answer in self.answers))

    @property
    def feedback(self) -> Feedback:
        return feedback(self.setup, self.answers)

    @property
    def cards(self) -> dict[str, Card]:
        """Place on the page -> card; what limited the answers is the last."""
        cards = {place: card for answer in self.answers for place, card in answer.cards.items()}
        return {**cards, "feedback": limits_card(self.setup, self.answers)}

    @property
    def predictions(self) -> dict[str, tuple[str, ...]]:
        """Place of each study's first card -> what the student predicted."""
        before = self.notes.before if self.notes else {}
        return {
            next(iter(answer.cards)): before[answer.name] for answer in self.answers if answer.cards and answer.name in before
        }

    @property
    def effects(self) -> Figure | None:
        """All planned comparisons of accuracies, a row each."""
        compared = [each for answer in self.answers for each in answer.contrasts if each.contrast.measure.both]
        decided = {each.name: each.decision for each in compared if each.decision}
        if not decided:
            return None
        intervals, shown = [each.interval for each in decided.values()], [each.shown for each in decided.values()]
        chart = figures.paired_differences(list(decided), intervals, shown)
        return Figure("effects", chart, "What was compared, as announced before anything was trained.")

    @property
    def command(self) -> str:
        """The command that repeats the report."""
        named = ["--studies", ",".join(self.named)] if self.named else []
        return shlex.join(["seedbed", "report", *self.setup.asked, *named])

    def short(self) -> dict[str, list[str]]:
        """Study -> its answer in short."""
        return {answer.name: answer.short for answer in self.answers}

    def as_json(self) -> dict[str, Any]:
        """The contract of results.json (NaN is null)."""
        plain: dict[str, Any] = finite(
            {
                "quick": self.setup.quick,
                "short": self.short(),
                "notes": self.notes and self.notes.as_json(),
                "cards": {place: card.as_json() for place, card in self.cards.items()},
                "cost": self.cost.as_json(),
                "environment": self.environment.as_json(),
                "looks_at_test": self.looks,
                "baselines": [plain for compared in self.baselines for plain in compared.as_json()],
                "feedback": vars(self.feedback),
                "studies": [answer.as_json() for answer in self.answers],
            }
        )
        return plain

    def save(self, path: Path, *, on_event: OnEvent = ignore) -> dict[str, list[Path]]:
        """Write the page, and a folder of the same name with figures, results.csv and results.json next to it.

        Args:
            path: where the page goes.
            on_event: gets `FigureDrawn` after each figure.

        Returns:
            `page`, `figures`, `tables` -> files.

        Raises:
            SpecError: this is no path for a page.
            StorageError: a file could not be written.
        """
        return write_page(
            path,
            "report.html.jinja",
            self.answers,
            self.cards,
            self.as_json(),
            self.effects,
            on_event=on_event,
            title=self.title,
            command=self.command,
            digest=self.setup.data.digest,
            report=self,
            predictions=self.predictions,
            ledger=ledger(self),
            baselines=baseline_table(self),
            below=below_baselines(self),
            cost=cost_sentences(self),
            machine=machine_table(self),
        )


def ledger(report: Report) -> Table[Mapping[str, Any]]:
    """The last uses of the test part."""
    columns: list[Column[Mapping[str, Any]]] = [
        Column("time", lambda look: look.get("time", ""), align="left", unit="UTC"),
        Column("run", lambda look: look.get("run", ""), align="left"),
        Column("metrics", lambda look: look.get("figures"), _metrics, align="left"),
    ]
    uses = words.counted(len(report.looks), "use")
    caption = f"{uses} of the test part; it no longer evaluates fairly what was chosen after a use."
    return Table(columns, report.looks[-MOST_LOOKS:], caption)


def baseline_table(report: Report) -> Table[Baseline]:
    """What a network should beat."""
    columns: list[Column[Baseline]] = [
        Column("baseline", lambda each: each.name, align="left"),
        Column("training images", lambda each: each.images, ","),
        Column("validation accuracy", lambda each: each.accuracy.mean, lambda share: words.percent(share, 2)),
        Column("95 % interval", lambda each: words.ends(*each.accuracy.pair())),
    ]
    caption = "Simple classifiers on the same validation images; a network that is below one of them learned too little."
    largest = max(report.baselines, key=lambda compared: len(compared.groups), default=None)
    return Table(columns, largest.baselines if largest else [], caption)


def below_baselines(report: Report) -> list[str]:
    """Which networks a simple classifier beats."""
    below = [sentence for compared in report.baselines for sentence in compared.below_sentences()]
    return below or ["No network of this page that trained on all images is shown to be below one of them."]


def _metrics(metrics: Any) -> str:
    if isinstance(metrics, dict) and isinstance(metrics.get("accuracy"), int | float):
        return f"accuracy {words.percent(metrics['accuracy'], 2)}"
    return json.dumps(metrics, ensure_ascii=False)[:200]


def cost_sentences(report: Report) -> list[str]:
    """The cost of the report, and how fast its training was for this machine."""
    cost, here = report.cost, report.environment
    sentences = [cost.sentence]
    if here.sgemm and cost.rate:
        share = words.percent(cost.rate / here.sgemm, 0)
        speed = f"One worker multiplies square float32 matrices at {words.quantity(here.sgemm)} operations per second"
        sentences.append(
            f"{speed}, measured during this report with all {here.workers} workers busy; training reached {share} of that, "
            "over all runs and without compilation."
        )
    return sentences + ([f"Matrix products could not be measured: {here.problem}"] if here.problem else [])


def machine_table(report: Report) -> Table[tuple[str, str]]:
    """The machine, the versions, and the time that each study took."""
    here = report.environment
    rows = [
        ("processor", f"{here.processor}, {words.counted(here.cores, 'core')} usable"),
        ("GPUs", str(here.gpus or "none found")),
        ("workers", str(here.workers)),
        ("system", here.system),
        ("Python", here.python),
        *here.versions.items(),
        *(
            (f"time of workers: {answer.title}", words.duration(answer.cost.seconds + answer.cost.measuring))
            for answer in report.answers
        ),
    ]
    return Table([Column("", lambda row: row[0], align="left"), Column("here", lambda row: row[1], align="left")], rows)
