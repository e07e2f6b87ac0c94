"""Cells: one setting x its seeds, and what was measured of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.figures import words
from seedbed.records import Result, finite
from seedbed.runs import NamedRun
from seedbed.specs import Conv, Dense, Keras, ModelSpec, RunSpec
from seedbed.statistics import Interval, interval_of
from seedbed.sweeps import naming
from seedbed.sweeps.grid import FIELDS, Setting, applied
from seedbed.sweeps.outcome import Outcome

LONGEST = 70


@dataclass(frozen=True)
class Wanted:
    """A setting that a study wants to have trained.

    Attributes:
        setting: the fields that the study varies -> their values; they stand in tables, on axes and in results.json.
        run: what is trained; its seed counts for nothing.
    """

    setting: Setting
    run: RunSpec

    def entries(self, seeds: Sequence[int]) -> list[NamedRun]:
        group = group_name(self.run)
        return [NamedRun(f"{group}.{seed}", group, self.run.changed(seed=seed)) for seed in seeds]


def wanted(base: RunSpec, settings: Iterable[Setting]) -> list[Wanted]:
    """A base with each of several settings: a list of field -> value, or a whole `sweeps.Grid`."""
    return [Wanted(dict(setting), applied(base, setting)) for setting in settings]


def group_name(run: RunSpec) -> str:
    """What the runs of a setting are called, whichever study asks for them, so that none is trained or kept twice.

    >>> group_name(RunSpec(model=Dense(hidden=(16,)), plan=Plan(l2=1e-4), data=DataSpec(name="digits")))
    'digits-h16-l2_1e-4-1f0c0b6e'
    """
    said = _named_by(run.model)
    for part in (run.model, run.plan, run.data):
        for name, field in type(part).model_fields.items():
            found = getattr(part, name)
            if name in FIELDS and name != "family" and not isinstance(part, Keras) and found != field.default:
                said[name] = found
    words_of = naming.group(_slug(run.data.name), said) if said else _slug(run.data.name)
    return f"{words_of[:LONGEST].rstrip('-.')}-{run.setting[:8]}"


def _named_by(model: ModelSpec) -> Setting:
    """What a network's runs are always called by."""
    if isinstance(model, Conv):
        return {"filters": model.filters}
    return {"hidden": model.hidden} if isinstance(model, Dense) else {}


def _slug(name: str) -> str:
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    return plain if plain == name else f"{plain[-20:].strip('_')}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


@dataclass(frozen=True)
class Measure:
    """A number that can be read off a run.

    Attributes:
        name: as sentences, axes and tables call it.
        of: reads it; NaN where this run has none.
        unit: of `factor` times the number.
        better: "higher" or "lower" is better; None where neither is.
        both: the number is the mean over validation images at an epoch, so the images are a source of chance too.
        epoch: which epoch that is.
    """

    name: str
    of: Callable[[Result], float]
    unit: str = ""
    factor: float = 1.0
    digits: int = 3
    better: str | None = None
    both: bool = False
    epoch: Literal["best", "last"] = "best"


ACCURACY = Measure(
    "validation accuracy",
    lambda result: float(result.history["validation_accuracy"][result.best - 1]),
    unit="points",
    factor=100,
    digits=2,
    better="higher",
    both=True,
)
"""At the best epoch. Seeds and images both bring chance."""

LAST_ACCURACY = Measure(
    "validation accuracy at the last epoch",
    lambda result: float(result.history["validation_accuracy"][-1]),
    unit="points",
    factor=100,
    digits=2,
    better="higher",
    both=True,
    epoch="last",
)
"""Of a net that is trained to the end, and not stopped where the validation images say so."""


def at_last(name: str, column: str, **how: Any) -> Measure:
    """A measure that is a column of the history at the last epoch."""
    return Measure(name, lambda result: float(result.history[column][-1]), **how)


@dataclass(frozen=True, eq=False)
class Cell(Outcome):
    """One setting x its seeds.

    Attributes:
        run: the setting with its first seed.
    """

    run: RunSpec

    @property
    def label(self) -> str:
        """The setting in words."""
        return words.setting(self.setting)

    def values(self, measure: Measure) -> dict[int, float]:
        """Seed -> the measure, of the runs that are in the means."""
        return {seed: measure.of(result) for seed, result in self.judged.runs.items()}

    def mean(self, measure: Measure) -> Interval | None:
        """The mean of a measure over the seeds with Student's interval; None where no run has it.

        Accuracies carry the images' chance too. With one seed the interval of other measures is not known (NaN).
        """
        if measure.both:
            return self.accuracy if measure.epoch == "best" else self.last
        return interval_of(list(self.values(measure).values()))

    def right(self, epoch: Literal["best", "last"] = "best") -> dict[int, NDArray[np.bool_]]:
        """Seed -> whether each validation image was right at an epoch."""
        return self.judged.correct if epoch == "best" else self.judged.last_correct

    def as_json(self, **measured: Interval | None) -> dict[str, Any]:
        """What results.json says of the cell; `measured` are further means by their names."""
        plain: dict[str, Any] = finite(
            {
                "setting": self.setting,
                "label": self.label,
                "group": self.group,
                "parameters": self.parameters,
                "units": self.results[0].model.units,
                "seeds": [result.run.seed for result in self.results],
                "n": self.n,
                "mean": self.accuracy.mean if self.accuracy else None,
                "interval": self.accuracy.pair() if self.accuracy else None,
                "last": {"mean": self.last.mean, "interval": self.last.pair()} if self.last else None,
                "verdicts": self.verdicts,
                "left_out": {name: vars(verdict) for name, verdict in self.judged.left_out.items()},
                "still_improving": self.judged.improving,
                "measures": {
                    name: {"mean": found.mean, "interval": found.pair(), "n": found.n} if found else None
                    for name, found in measured.items()
                },
            }
        )
        return plain


def best(cells: Sequence[Cell]) -> Cell | None:
    """The cell with the highest mean validation accuracy; None where no run is left in any."""
    known = [cell for cell in cells if cell.accuracy]
    return max(known, key=lambda cell: cell.accuracy.mean if cell.accuracy else -math.inf, default=None)


def by(cells: Sequence[Cell], **setting: Any) -> Cell:
    """The one cell with these values.

    Raises:
        KeyError: there is none, or several.
    """
    found = [cell for cell in cells if all(cell.setting.get(name) == value for name, value in setting.items())]
    if len(found) != 1:
        raise KeyError(f"{len(found)} cells have {setting}")
    return found[0]


def marks(cells: Sequence[Cell]) -> list[str]:
    """What must be known of the runs behind the means: those left out, and those that were still improving."""
    said = []
    for kind in ("diverged", "collapsed"):
        found = {cell.label: cell.verdicts[kind] for cell in cells if kind in cell.verdicts}
        said += [f"{_counted(found, cells)} {kind} and {_is(found)} in no mean: {_places(found, cells)}."] if found else []
    found = {cell.label: cell.verdicts["undertrained"] for cell in cells if "undertrained" in cell.verdicts}
    if found:
        said.append(f"{_counted(found, cells)} {_was(found)} still improving at the last epoch: {_places(found, cells)}.")
    return said


def _counted(found: Mapping[str, int], cells: Sequence[Cell]) -> str:
    return f"{sum(found.values())} of {words.counted(sum(cell.total for cell in cells), 'run')}"


def _is(found: Mapping[str, int]) -> str:
    return "is" if sum(found.values()) == 1 else "are"


def _was(found: Mapping[str, int]) -> str:
    return "was" if sum(found.values()) == 1 else "were"


def _places(found: Mapping[str, int], cells: Sequence[Cell]) -> str:
    totals = {cell.label: cell.total for cell in cells}
    named = [f"{count} of {totals[label]} with {label}" for label, count in found.items()]
    return "; ".join(named[:6]) + (f"; and {len(named) - 6} more settings" if len(named) > 6 else "")
