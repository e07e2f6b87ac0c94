"""What seedbed set out to reach, what a sitting measured beside it, and what was tried for what is missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.sitting import Measured, Sitting, Table
from bench.summary import Summary, summarize


@dataclass(frozen=True)
class Target:
    """One goal.

    Attributes:
        key: by which cases refer to it.
        text: what is measured.
        must, moonshot: the figures to reach; None where there is no second one.
        unit: of both.
        more: whether more is better.
        digits: of the measured figure.
        device: whose goal it is; on another it may be measured too.
        tried: what stands in the way of a target that is not reached, and what was tried; docs/log.md tells it whole.
    """

    key: str
    text: str
    must: float
    moonshot: float | None = None
    unit: str = "x"
    more: bool = True
    digits: int = 2
    device: Literal["cpu", "gpu"] = "cpu"
    tried: str = ""

    def reached(self, value: float) -> str:
        """The verdict on a figure."""
        if self.moonshot is not None and self._meets(value, self.moonshot):
            return "moonshot reached"
        return "reached" if self.is_reached(value) else "**not reached**"

    def is_reached(self, value: float) -> bool:
        """Whether the figure is what it must be."""
        return self._meets(value, self.must)

    def _meets(self, value: float, goal: float) -> bool:
        return value >= goal if self.more else value <= goal


ENGINE = (
    Target(
        "mixed-share",
        "20 mixed nets, f32: share of the sgemm rate of the same sitting",
        70,
        83,
        " %",
        digits=0,
        tried="""From one hour to the next it moves by more than within a sitting: an epoch of ours by 5 %, the sgemm rate
by 10. The large products run at the full rate; Adam takes what the memory takes (0.65 ns a number), the
exam of 10,000 images 6 % of an epoch. Done and in vain: as for their seconds shell to shell, see docs/log.md.""",
    ),
    Target(
        "mixed",
        "20 mixed nets x 10 epochs, shell to shell, nothing compiled before, over the fastest peer",
        2.5,
        4,
        tried="""The peer got faster than the target knew: scikit-learn in two processes trains at 33 to 37 % of
sgemm, and 2.5 times that is 82 to 92 % with nothing else taking any time. Ours trains at two
thirds; starting, compiling and validating take another 15 %. Done: one product for all first
layers, optimizers as vector code, parts that fit the caches, LLVM at level 1. In vain: a barrier,
chunks of rows, half as many members (faster steps, longer compilation).""",
    ),
    Target(
        "tiny",
        "64 tiny nets, over the fastest peer",
        8,
        20,
        digits=1,
        tried="8 times the rate of scikit-learn in two processes is 1.1 to 1.2 times sgemm. Done: the same as for mixed nets.",
    ),
    Target(
        "conv4",
        "the exercise's conv net, population of 4, an epoch, over the best PyTorch form",
        2.5,
        4,
        tried="""Done: native kernels; maxima that stay in registers; evaluation without places of maxima. Looked at:
minibatches in parts of 64 and 32 images (nothing), gradients spread over a few filters at a time (2 %),
Winograd's form (5 to 10 % to be won).""",
    ),
    Target("conv4-share", "the same: share of the plain operations at the sgemm rate", 50, 70, " %", digits=0),
    Target(
        "conv4-shell",
        "the same, shell to shell",
        1.8,
        3,
        tried="Nothing kept, 2.7 of 8.4 s are starts and 1.5 s are compiling; see also an epoch.",
    ),
    Target("conv", "the exercise's conv net alone, an epoch, over the fastest peer", 2, 4),
    Target(
        "lone",
        "one dense net alone, over the fastest peer",
        1.2,
        2,
        tried="""A second thread makes a step faster by a quarter only. In vain: its first layer divided between two
devices (another 10 to 15 %).""",
    ),
    Target("keras", "a user's own Keras network, one seed, shell to shell, over `keras fit` on its best backend", 1),
    Target("keras-epoch", "the same, an epoch", 1),
    Target("keras-five", "the same, five seeds over five fits, shell to shell", 2.5),
    Target(
        "compile-cold",
        "compilation of a program, nothing kept",
        3,
        1.5,
        " s",
        more=False,
        tried="""What is left are an optimizer's loops and those of the evaluation. Done: layers of different nets as one
native product whose blocks are data, parameters of equal nets in two matrices, LLVM at level 1, the older of XLA's
two ways to write loops. In vain: level 0 (steps take twice as long), splitting a program's code, narrower vectors.""",
    ),
    Target("compile-kept", "compilation of a program, kept from before", 0.6, 0.3, " s", more=False),
    Target("sweep", "cost of a run in a sweep of 1,000, over that in a sweep of 20", 1.05, 0.9, "x", more=False),
    Target(
        "many",
        "256 dense nets x 10 epochs on an H200",
        6,
        2,
        " s",
        more=False,
        device="gpu",
        tried="""Ten epochs take 5.8 s of it. Some 4 s go by until CUDA, the images and the tasks are there, 2 to 4
in compiling, and 4 in storing 256 runs: their weights, answers and records. Done: products by
cuBLAS with trials, the fastest of the ways that were tried; runs stored 32 at a time.""",
    ),
)
REST = (
    Target("probes", "share of the time that probes take", 5, None, " %", more=False),
    Target("saving", "share of the time that saves every 30 s take", 2, None, " %", more=False),
    Target("streamed-time", "1,000,000 images: time per image over that in memory", 1.3, None, "x", more=False),
    Target("streamed-memory", "1,000,000 images: peak memory", 2, None, " GiB", more=False),
    Target("help", "`seedbed --help`", 0.3, None, " s", more=False),
    Target("train-warm", "`seedbed train -m a -d`, programs kept", 12, None, " s", more=False, digits=1),
    Target("train-cold", "`seedbed train -m a -d`, nothing compiled before", 16, None, " s", more=False, digits=1),
    Target("train-digits", "`seedbed train -m q --data digits`", 6, None, " s", more=False, digits=1),
    Target("train-conv", "`seedbed train -m c -c --protocol handout`", 90, None, " s", more=False, digits=1),
    Target("visualize", "`seedbed visualize`, MNIST", 25, None, " s", more=False, digits=1),
    Target(
        "flood", "1,000 requests per second of `/api/runs`: time of a training over that without", 1.03, more=False, digits=3
    ),
    Target("accuracy-honest", "`-d`, honest protocol: mean accuracy of 5 seeds", 97.7, None, " %"),
    Target("accuracy-handout", "`-d`, handout protocol: mean accuracy of 5 seeds", 97.8, None, " %"),
    Target("accuracy-conv", "`-c`, handout protocol: mean accuracy", 98.6, None, " %"),
)


def tables(sitting: Sitting) -> list[Table]:
    """Every target with what this sitting measured."""
    measured, device = _measured(sitting), sitting.machine["device"]
    groups = (("Speed", ENGINE), ("Everything else that was promised in numbers", REST))
    found = [_table(title, targets, measured, device) for title, targets in groups]
    return [table for table in found if table.rows]


def missed(sitting: Sitting) -> list[str]:
    """Of each target that was not reached, what was tried."""
    found = _measured(sitting)
    return [
        f"*{target.text}*: {target.tried or 'see docs/log.md.'}"
        for target in (*ENGINE, *REST)
        if any(each.target == target.key and not target.is_reached(each.value.median) for each in found)
    ]


def side_by_side(sittings: Sequence[Sitting]) -> Table:
    """What several sittings measured beside the same targets, and what they come to together."""
    found = [{(each.target, each.what): each.value for each in _measured(sitting)} for sitting in sittings]
    figures = dict.fromkeys(figure for values in found for figure in values)
    rows = [
        _beside(target, what, [values.get((key, what)) for values in found])
        for target in (*ENGINE, *REST)
        for key, what in figures
        if key == target.key
    ]
    columns = ["target", "", *(str(sitting.machine["date"]) for sitting in sittings), "together", ""]
    text = "The spread within a sitting is that of its hour; *together* is the median of the sittings, with the range of all."
    return Table("Other sittings", columns, rows, text)


def _beside(target: Target, what: str, values: Sequence[Summary | None]) -> list[str]:
    """A figure's row: each sitting's, all together, and the verdict on that."""
    together = _together([value for value in values if value])
    shown = [value.text(target.digits) if value else "" for value in (*values, together)]
    return [target.text, what, *shown, target.reached(together.median)]


def _together(values: Sequence[Summary]) -> Summary:
    """Of several sittings: the median of their medians, and the range of all repeats."""
    middle = summarize([value.median for value in values]).median
    repeats = sum(value.n for value in values)
    return Summary(middle, min(value.low for value in values), max(value.high for value in values), repeats)


def _measured(sitting: Sitting) -> list[Measured]:
    return [each for outcome in sitting.outcomes for each in outcome.measured]


def _table(title: str, targets: Sequence[Target], measured: Sequence[Measured], device: str) -> Table:
    rows: list[list[str]] = []
    for target in targets:
        goals = [_goal(target, target.must), "" if target.moonshot is None else _goal(target, target.moonshot)]
        found = [each for each in measured if each.target == target.key]
        if not found and target.device == device:
            rows.append([target.text, *goals, "not measured", ""])
        for each in found:
            value = each.value.text(target.digits, target.unit)
            rows.append(
                [target.text, *goals, f"{value}, {each.what}" if each.what else value, target.reached(each.value.median)]
            )
    return Table(title, ["target", "must", "moonshot", "measured", ""], rows)


def _goal(target: Target, value: float) -> str:
    return f"{'at least' if target.more else 'at most'} {value:g}{target.unit}"
