"""Trainings while the page is asked far more often than people do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench import processes
from bench.processes import Command
from bench.sitting import Measured, Outcome, Settings, Table
from bench.summary import ratios, summarize

RUNS = 2_000
PER_SECOND = 1_000
PAIRS = 9
TRAINING = "-d --seeds 2"


@dataclass(frozen=True)
class _Flooded:
    """A training next to a flood: its seconds, the server's share of a core, answers per second of each status."""

    seconds: float
    share: float
    answers: dict[str, float]


def flood(settings: Settings) -> Outcome:
    """The same training with and without requests to the page of its home, in turns; the first of each is not counted."""
    home = settings.scratch / "page-home"
    words = "--data digits --epochs 2" if settings.quick else TRAINING
    runs = 50 if settings.quick else RUNS
    _fill(home, runs)
    alone, flooded = [], []
    with _server(home) as (server, port):
        for turn in range(-1, 1 if settings.quick else max(PAIRS, settings.repeats)):
            with_flood = _flooded(server, port, home, f"flooded-{turn + 1} {words}")
            without = _train(home, f"alone-{turn + 1} {words}")
            if turn >= 0:
                alone.append(without)
                flooded.append(with_flood)
    return _outcome(alone, flooded, runs, f"seedbed train {words}")


def _outcome(alone: list[float], flooded: list[_Flooded], runs: int, command: str) -> Outcome:
    slower = ratios(alone, [each.seconds for each in flooded])
    statuses = sorted({status for each in flooded for status in each.answers})
    answers = [f"{status}: {summarize([each.answers.get(status, 0.0) for each in flooded]).text(0)}" for status in statuses]
    rows = [
        [
            f"`{command}`",
            summarize(alone).text(),
            summarize([each.seconds for each in flooded]).text(),
            slower.text(3),
            summarize([each.share for each in flooded]).text(),
            "; ".join(answers),
        ]
    ]
    columns = ["", "alone, s", "with the flood, s", "times as long", "server, cores", "answers per second by status"]
    text = (
        f"A home of {runs:,} runs, its page, and a program that asks it {PER_SECOND:,} times per second for `/api/runs` as far "
        f"as it is answered; trainings in the same home, with and without it, in turns, shell to shell."
    )
    raw: dict[str, Any] = {"alone": alone, "flooded": [vars(each) for each in flooded]}
    measured = [Measured("flood", "", slower)]
    return Outcome("flood", "Training while the page is asked", text, [Table("", columns, rows)], measured, raw=raw)


def _train(home: Path, words: str) -> float:
    """Seconds of a training in the home, shell to shell."""
    command = (sys.executable, "-m", "seedbed", "train", "-m", *words.split(), "--home", str(home))
    done = processes.run(Command(command))
    if done.code != 0:
        raise SystemExit(f"seedbed train -m {words}: {done.why}")
    return done.seconds


def _fill(home: Path, count: int) -> None:
    """A home of copies of one small run."""
    _train(home, "copy --data digits --hidden 16 --epochs 10")
    for number in range(1, count):
        folder = home / f"copy-{number}"
        folder.mkdir()
        for name in ("run.json", "metrics.jsonl"):
            shutil.copy(home / "copy" / name, folder)


@contextmanager
def _server(home: Path) -> Iterator[tuple[psutil.Process, int]]:
    """The page of a home, once it has answered: its process and its port."""
    command = [sys.executable, "-m", "seedbed", "serve", "--no-browser", "--port", "0", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+)/", process.stdout.readline())
            if found is None:
                raise SystemExit("seedbed serve did not say its address.")
            yield psutil.Process(process.pid), int(found[1])
        finally:
            process.terminate()


def _flooded(server: psutil.Process, port: int, home: Path, words: str) -> _Flooded:
    command = [sys.executable, "-m", "bench.flood", str(port), str(PER_SECOND)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=processes.ROOT) as asking:
        time.sleep(2)  # the burst that is answered at once is over
        began, before = time.perf_counter(), sum(server.cpu_times()[:2])
        seconds = _train(home, words)
        lasted, spent = time.perf_counter() - began, sum(server.cpu_times()[:2]) - before
        output, _ = asking.communicate("")
    return _Flooded(seconds, spent / lasted, {status: count / (lasted + 2) for status, count in json.loads(output).items()})
