"""One run: its network, verdict, curves, settings, and how to train it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from seedbed import commands, figures, words
from seedbed.errors import RunError
from seedbed.groups.fields import values_of
from seedbed.records import Result
from seedbed.runs import Listed
from seedbed.specs import RunSpec
from seedbed.web.site import PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart


class RunQuery(ViewQuery):
    """Which run.

    Attributes:
        name: the run, first of all selected ones.
        probe: kind of probe over epochs, such as "saturation"; the first that the run has if empty.
    """

    name: Annotated[list[str], Field(min_length=1)]
    probe: Annotated[str, Field(max_length=40)] = ""


@dataclass(frozen=True, eq=False)
class RunState:
    """What the view shows.

    Attributes:
        result: the result, or that of the epochs so far; None before the first.
    """

    asked: RunQuery
    listed: Listed
    result: Result | None
    home: str

    @property
    def name(self) -> str:
        return self.listed.name

    @property
    def run(self) -> RunSpec | None:
        return self.listed.record.run if self.listed.record else None

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Field and value in words."""
        values = values_of(self.run) if self.run else {}
        return [(name.replace("_", " "), words.value(value, name)) for name, value in values.items()]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What a reader wants to know first."""
        record, result = self.listed.record, self.result
        if record is None or self.run is None:
            return [("state", "damaged"), ("reason", self.listed.reason)]
        rows = [("state", self.listed.status), ("network", self.run.model.title), ("data", self.run.data.name)]
        rows += [("seed", str(self.run.seed)), ("group", record.group)]
        if result is not None:
            history, best = result.history, result.best
            at = f" (epoch {best} of {history.epochs})" if best else ""
            accuracy = words.percent(float(history["validation_accuracy"][best - 1]), 2) if best else "not finite"
            rows += [("validation accuracy", f"{accuracy}{at}")]
            rows += [("parameters", f"{result.model.parameters:,}")] if result.model.parameters else []
            rows += [("training images", f"{result.data.train:,}"), ("validation images", f"{result.data.validation:,}")]
        if record.seconds:
            rows += [("time", words.duration(record.seconds.total)), ("device", record.device)]
        return [*rows, ("reason", self.listed.reason)] if self.listed.reason else rows

    @property
    def verdict(self) -> str:
        if self.result is None:
            return ""
        return str(self.result.verdict) if self.listed.ended else ""

    @property
    def command(self) -> str:
        """The command that trains this run again; the call where there is no command."""
        if self.run is None:
            return ""
        try:
            return commands.train_command(self.run, f"{self.name}-again", home=self.home)
        except ValueError:
            return self.call

    @property
    def call(self) -> str:
        return commands.train_call(self.run, f"{self.name}-again", home=self.home) if self.run else ""

    @property
    def probes(self) -> list[str]:
        """Kinds of probes that the run has."""
        columns = self.result.history.columns if self.result else {}
        return list(dict.fromkeys(name.split("/", 1)[0] for name in columns if "/" in name))

    @property
    def probe(self) -> str:
        known = self.probes
        return self.asked.probe if self.asked.probe in known else known[0] if known else ""

    def as_json(self) -> dict[str, Any]:
        known = self.result.as_json() if self.result else {"name": self.name}
        return {"status": self.listed.status, **known, "command": self.command, "python": self.call}


def state(site: PageSite, asked: RunQuery) -> RunState:
    listed = site.live.find(asked.name[0])
    result = site.live.result(listed.name) if listed.record else None
    home = "" if site.usual_home else str(site.home.root)
    return RunState(asked, listed, result, home)


def _result(site: PageSite, asked: RunQuery) -> Result:
    result = site.live.result(asked.name[0])
    if result is None:
        raise RunError(f"Run {asked.name[0]!r} has no epoch yet.")
    return result


def _learning(site: PageSite, asked: RunQuery) -> AnyChart:
    return figures.learning_curves([_result(site, asked)])


def _probes(site: PageSite, asked: RunQuery) -> AnyChart:
    return figures.probes_over_epochs(_result(site, asked).history, state(site, asked).probe)


VIEW = View("run", "Run", RunQuery, state, charts={"learning_curves": _learning, "probes": _probes}, listed=False)
