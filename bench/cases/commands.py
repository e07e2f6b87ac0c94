"""The command line, as a user waits for it."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bench import processes
from bench.contenders import cold_cache
from bench.processes import Command, Finished
from bench.sitting import Measured, Outcome, Settings, Table
from bench.summary import summarize

_numbers = count()


@dataclass(frozen=True)
class Timed:
    """A command line with the target that it belongs to.

    Attributes:
        target: its key.
        words: after `seedbed`.
        cold: begin with no compiled programs.
        rounds: at most so many.
        quick: whether it runs in a quick look.
    """

    target: str
    words: str
    cold: bool = False
    rounds: int = 10
    quick: bool = True


LINES = (
    Timed("help", "--help"),
    Timed("train-warm", "train -m a -d", quick=False),
    Timed("train-cold", "train -m a -d", cold=True, quick=False),
    Timed("train-digits", "train -m q --data digits"),
    Timed("train-conv", "train -m c -c --protocol handout", cold=True, rounds=1, quick=False),
    Timed("visualize", "visualize", rounds=1, quick=False),
)


def seedbed(settings: Settings, words: str, *, cold: bool = False) -> Finished:
    """Runs the command line in an empty folder, with a home of its own."""
    folder = settings.scratch / f"command-{next(_numbers)}"
    folder.mkdir()
    cache = cold_cache(settings.scratch) if cold else settings.scratch / "cache"
    beside = Path(sys.executable).with_name("seedbed")
    program = str(beside) if beside.exists() else shutil.which("seedbed") or "seedbed"
    environment = {"SEEDBED_HOME": str(folder / "runs"), "SEEDBED_CACHE": str(cache)}
    return processes.run(Command((program, *words.split()), environment=environment, folder=folder))


def times(settings: Settings) -> Outcome:
    """Each command again and again, in turns; the first round of those that need compiled programs is not counted."""
    lines = [line for line in LINES if line.quick or not settings.quick]
    failed: dict[str, str] = {}
    seconds: dict[str, list[float]] = {line.target: [] for line in lines}
    for line in lines:
        if line.words.startswith("train") and not line.cold:
            seedbed(settings, line.words)
    for turn in range(settings.rounds()):
        for line in lines:
            if turn < line.rounds and line.target not in failed:
                done = seedbed(settings, line.words, cold=line.cold)
                if done.code == 0:
                    seconds[line.target].append(done.seconds)
                else:
                    failed[line.target] = done.why
    measured = [Measured(line.target, "", summarize(found)) for line in lines if (found := seconds[line.target])]
    rows = [_row(line, seconds[line.target], failed.get(line.target, "")) for line in lines]
    text = "From the start of the program to its end, in an empty folder, MNIST's images decoded before."
    tables = [Table("", ["", "compiled programs", "s"], rows)]
    return Outcome("cli", "The command line", text, tables, measured, raw={"seconds": seconds, "failed": failed})


def _row(line: Timed, seconds: list[float], why: str) -> list[str]:
    compiled = "" if not line.words.startswith("train") else "none" if line.cold else "kept"
    return [f"`seedbed {line.words}`", compiled, summarize(seconds).text() if seconds else f"failed: {why}"]


def accuracies(settings: Settings) -> Outcome:
    """What the exercise's networks reach, five seeds each."""
    short = " --epochs 2 --first 2000 --seeds 2" if settings.quick else " --seeds 5"
    asked = {
        "accuracy-honest": f"train -m d -d{short}",
        "accuracy-handout": f"train -m d -d --protocol handout{short}",
        "accuracy-conv": f"train -m c -c --protocol handout{short}",
    }
    rows, measured, raw = [], [], {}
    for target, words in asked.items():
        done = seedbed(settings, f"{words} --json")
        if done.code != 0:
            rows.append([f"`seedbed {words}`", "failed", done.why])
            continue
        best, last = _accuracies(json.loads(done.output))
        raw[target] = {"best": best, "last": last, "seconds": done.seconds}
        rows.append(
            [f"`seedbed {words}`", *(f"{_mean(each):.2f} ({min(each):.2f} to {max(each):.2f})" for each in (best, last))]
        )
        for which, each in (("best epoch", best), ("last epoch", last)):
            measured.append(Measured(target, f"{which}, mean of {len(each)} seeds", summarize([_mean(each)])))
    text = "Accuracy on the validation images in percent: mean of the seeds, and the range. The best epoch is chosen by it."
    columns = ["", "best epoch, %", "last epoch, %"]
    return Outcome("accuracy-cli", "What the exercise's networks reach", text, [Table("", columns, rows)], measured, raw=raw)


def _accuracies(answer: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Of each seed at its best and its last epoch, in percent."""
    found = [[100 * run[which]["validation"]["accuracy"] for run in answer["runs"]] for which in ("best", "last")]
    return found[0], found[1]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
