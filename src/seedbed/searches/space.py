"""The search space: from a point of it to a run that fits the budget, by construction.

A point holds proportions, not widths. The widths are the largest of these proportions that the budget allows, so every point
is a network within the budget. Later layers have widths of a coarse ladder, the first takes what is left.

Some settings are part of a compiled program. A population *shares* them, and each has a program of its own; the others may
differ from member to member.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from seedbed import kinds
from seedbed.errors import SpecError
from seedbed.models import facts
from seedbed.records import DataFacts
from seedbed.searches.budget import Budget
from seedbed.specs import ClassWeight, Conv, DataSpec, Dense, Metric, Plan, RunSpec, Select

SpacePoint = Mapping[str, Any]
"""Names of the space's dimensions -> values."""

FAMILIES = ("dense", "conv")

OPTIMIZERS = ("adam", "nesterov", "rmsprop", "adamw")
MOMENTA = (0.0, 0.8, 0.9, 0.95)
"""With 0, nesterov is plain gradient descent."""
BATCH_SIZES = (8, 16, 32, 64, 128, 256)
ADAPTIVE_RATES, STEP_RATES = (2e-4, 2e-2), (0.03, 3.0)
"""Learning rates; of nesterov the length of a whole step, rate / (1 - momentum)."""
STRENGTHS = {"l1": (1e-7, 1e-4), "l2": (1e-6, 1e-3)}
DECAYS = (1e-4, 1e-1)
SMALLEST = 1 / 30
"""Share of the budget of the smallest networks, where their size is searched too."""

LADDER = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024)
"""Widths of later layers."""

MOST_LAYERS = 3
OF_PROGRAM = ("family", "optimizer", "batch_size", "drops")
OF_SHAPE = ("layers", "growth", "kernel", "head", "activation", "size")
"""Dimensions that convolutional networks of one program share as well."""


@dataclass(frozen=True)
class Space:
    """The networks and plans that a search chooses from.

    Args:
        budget: budget that every network fits.
        families: families that may be proposed.
        data: sizes of the data set; `spec` names it.
        epochs: epochs of every run.
        sizes: whether smaller networks than the budget allows are proposed too.
        select, metric, class_weight: settings of every run, see `Plan`.
    """

    budget: Budget
    families: tuple[str, ...]
    data: DataFacts
    spec: DataSpec
    epochs: int
    sizes: bool = False
    select: Select = "smoothed"
    metric: Metric = "accuracy"
    class_weight: ClassWeight = "none"

    def __post_init__(self) -> None:
        for family in self.families:
            if _cost(self._smallest(family), self.budget, self.data) > self.budget.limit:
                raise SpecError(
                    f"budget {self.budget.kind}={self.budget.limit}: no {family} network for images of "
                    f"{' x '.join(map(str, self.data.image_shape))} and {len(self.data.classes)} classes is so small; "
                    f"allow more, or another --family."
                )

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Batch sizes of 15 to 1,000 steps per epoch; where none fits, the largest that the data allow."""
        fit = tuple(size for size in BATCH_SIZES if 15 <= self.data.train / size <= 1000)
        return fit or (min(BATCH_SIZES[-1], self.data.train),)

    def dimensions(self) -> dict[str, Any]:
        """Return Optuna's distribution of each dimension."""
        from optuna.distributions import CategoricalDistribution as Choice
        from optuna.distributions import FloatDistribution as Real
        from optuna.distributions import IntDistribution as Whole

        share = Real(0.0, 1.0)
        dimensions: dict[str, Any] = {
            "layers": Whole(1, MOST_LAYERS),
            "activation": Choice(tuple(kinds.ACTIVATIONS)),
            "drops": Choice((False, True)),
            "dropout": Real(0.05, 0.5, step=0.05),
            "penalty": Choice(("none", "l1", "l2")),
            "strength": share,
            "optimizer": Choice(OPTIMIZERS),
            "rate": share,
            "momentum": Choice(MOMENTA),
            "decay": share,
            "schedule": Choice(("constant", "cosine", "onecycle")),
            "batch_size": Choice(self.batch_sizes),
        }
        if "dense" in self.families:
            dimensions |= {"first": Real(0.2, 0.9), "second": Real(0.2, 0.8)}
        if "conv" in self.families:
            dimensions |= {"growth": Real(0.5, 2.0, log=True), "kernel": Choice((3, 5)), "head": Choice(("flatten", "average"))}
        if len(self.families) > 1:
            dimensions["family"] = Choice(self.families)
        if self.sizes:
            dimensions["size"] = share
        return dimensions

    def family(self, point: SpacePoint) -> str:
        return str(point.get("family", self.families[0]))

    def shared(self, point: SpacePoint) -> dict[str, Any]:
        """Return the dimensions that a network must have in common with this point to share its program, given its shape."""
        return {name: point[name] for name in OF_PROGRAM if name in point}

    def shape(self, point: SpacePoint) -> dict[str, Any]:
        """Return the dimensions of shape that it must have in common too; dense networks of different shapes share programs."""
        return {name: point[name] for name in OF_SHAPE if name in point} if self.family(point) == "conv" else {}

    def run(self, point: SpacePoint, seed: int) -> RunSpec:
        """Make the run of a point; it fits the budget."""
        budget = self.budget.share(SMALLEST ** (1 - point["size"])) if self.sizes else self.budget
        network = self._network(self.family(point), point, budget) or self._smallest(self.family(point))
        dropout = round(point["dropout"], 2) if point["drops"] else 0.0
        model = network.changed(activation=point["activation"], dropout=dropout)
        return RunSpec(model=model, plan=self._plan(point), data=self.spec, seed=seed)

    def _smallest(self, family: str) -> Dense | Conv:
        """Return the smallest network of a family in the space."""
        if family == "dense":
            return Dense(hidden=(1,))
        return Conv(filters=(1,), kernel=(3,), stride=(1,), pool=_pools(self.data, 1), head="average")

    def _network(self, family: str, point: SpacePoint, budget: Budget) -> Dense | Conv | None:
        """Make the largest network of a point's proportions within a budget, with fewer layers where all do not fit."""
        make = _dense if family == "dense" else _conv
        networks = (make(point, layers, budget, self.data) for layers in range(point["layers"], 0, -1))
        return next((network for network in networks if network), None)

    def _plan(self, point: SpacePoint) -> Plan:
        settings: dict[str, Any] = {"optimizer": point["optimizer"]}
        used = kinds.OPTIMIZERS[point["optimizer"]].settings
        if "momentum" in used:
            settings["momentum"] = point["momentum"]
            settings["learning_rate"] = _between(STEP_RATES, point["rate"], 1 - point["momentum"])
        else:
            settings["learning_rate"] = _between(ADAPTIVE_RATES, point["rate"])
        if "weight_decay" in used:
            settings["weight_decay"] = _between(DECAYS, point["decay"])
        if point["penalty"] != "none":
            settings[point["penalty"]] = _between(STRENGTHS[point["penalty"]], point["strength"])
        settings |= {"batch_size": point["batch_size"], "schedule": point["schedule"]}
        settings |= {"select": self.select, "metric": self.metric, "class_weight": self.class_weight}
        return Plan(epochs=self.epochs, **settings)


def _between(ends: tuple[float, float], share: float, factor: float = 1.0) -> float:
    """Return a value on a logarithmic scale, with two digits."""
    low, high = ends
    return float(f"{factor * low * (high / low) ** share:.2g}")


def _dense(point: SpacePoint, layers: int, budget: Budget, data: DataFacts) -> Dense | None:
    first, second = point["first"], point["second"]
    shares = [(1.0,), (first, 1 - first), (first, (1 - first) * second, (1 - first) * (1 - second))][layers - 1]

    def costs(hidden: tuple[int, ...]) -> int:
        return _cost(Dense(hidden=hidden), budget, data)

    units = _largest(lambda units: costs(tuple(max(1, int(share * units)) for share in shares)), budget.limit)
    if units == 0:
        return None
    later = tuple(max(rung for rung in LADDER if rung <= max(1, share * units)) for share in shares[1:])
    return Dense(hidden=(_largest(lambda width: costs((width, *later)), budget.limit), *later))


def _conv(point: SpacePoint, blocks: int, budget: Budget, data: DataFacts) -> Conv | None:
    def network(first: int) -> Conv:
        filters = tuple(max(1, int(first * point["growth"] ** block)) for block in range(blocks))
        return Conv(filters=filters, kernel=(point["kernel"],), stride=(1,), pool=_pools(data, blocks), head=point["head"])

    first = _largest(lambda first: _cost(network(first), budget, data), budget.limit)
    return network(first) if first else None


def _pools(data: DataFacts, blocks: int) -> tuple[int, ...]:
    """Return the pools of the blocks: each halves its maps while their sides have 4 pixels."""
    pools, side = [], min(data.image_shape[:2])
    for _ in range(blocks):
        pools.append(2 if side >= 4 else 1)
        side //= pools[-1]
    return tuple(pools)


def _cost(network: Dense | Conv, budget: Budget, data: DataFacts) -> int:
    return budget.cost(_facts(network, data.image_shape, len(data.classes)))


_facts = lru_cache(maxsize=4096)(facts)


def _largest(cost: Callable[[int], int], limit: int) -> int:
    """Find the largest number whose cost, which grows with it, is within the limit; 0 where that of 1 is not."""
    if cost(1) > limit:
        return 0
    high = 2
    while cost(high) <= limit:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= limit else (low, middle)
    return low


def rungs(epochs: int) -> tuple[int, ...]:
    """Return the epochs after which populations are pruned: a fifth and half of all."""
    wanted = {max(1, math.ceil(epochs / 5)), math.ceil(epochs / 2)}
    return tuple(sorted(rung for rung in wanted if rung < epochs))
