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
from typing import Any, Literal, get_args

from seedbed import kinds
from seedbed.errors import SpecError
from seedbed.models import facts
from seedbed.records import DataFacts
from seedbed.searches.budget import Budget
from seedbed.specs import Conv, DataSpec, Dense, Plan, RunSpec

Point = Mapping[str, Any]
"""Names of the space's dimensions -> values."""

Family = Literal["dense", "conv"]
FAMILIES: tuple[Family, ...] = get_args(Family)

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
"""What convolutional networks of one program have in common beside."""


@dataclass(frozen=True)
class Space:
    """What a search chooses from.

    Args:
        budget: that every network fits.
        families: that may be proposed.
        data: the sizes of the data set; `spec` names it.
        epochs: of every run.
        sizes: whether smaller networks than the budget allows are proposed too.
    """

    budget: Budget
    families: tuple[Family, ...]
    data: DataFacts
    spec: DataSpec
    epochs: int
    sizes: bool = False

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
        """Those that make 15 to 1,000 steps an epoch; where none does, the largest that the data allow."""
        fit = tuple(size for size in BATCH_SIZES if 15 <= self.data.train / size <= 1000)
        return fit or (min(BATCH_SIZES[-1], self.data.train),)

    def dimensions(self) -> dict[str, Any]:
        """Name -> Optuna's distribution."""
        from optuna.distributions import CategoricalDistribution as Choice
        from optuna.distributions import FloatDistribution as Real
        from optuna.distributions import IntDistribution as Whole

        share = Real(0.0, 1.0)
        found: dict[str, Any] = {
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
            found |= {"first": Real(0.2, 0.9), "second": Real(0.2, 0.8)}
        if "conv" in self.families:
            found |= {"growth": Real(0.5, 2.0, log=True), "kernel": Choice((3, 5)), "head": Choice(("flatten", "average"))}
        if len(self.families) > 1:
            found["family"] = Choice(self.families)
        if self.sizes:
            found["size"] = share
        return found

    def family(self, point: Point) -> Family:
        return point["family"] if "family" in point else self.families[0]

    def shared(self, point: Point) -> dict[str, Any]:
        """What networks have in common with this point that could share its program, if they had its shape."""
        return {name: point[name] for name in OF_PROGRAM if name in point}

    def shape(self, point: Point) -> dict[str, Any]:
        """What they must have in common beside to share it; dense networks of different shapes can."""
        return {name: point[name] for name in OF_SHAPE if name in point} if self.family(point) == "conv" else {}

    def run(self, point: Point, seed: int) -> RunSpec:
        """The run that a point stands for; it fits the budget."""
        budget = self.budget.share(SMALLEST ** (1 - point["size"])) if self.sizes else self.budget
        found = self._network(self.family(point), point, budget) or self._smallest(self.family(point))
        words = {"activation": point["activation"], "dropout": round(point["dropout"], 2) if point["drops"] else 0.0}
        return RunSpec(model=found.changed(**words), plan=self._plan(point), data=self.spec, seed=seed)

    def _smallest(self, family: Family) -> Dense | Conv:
        """The smallest network of a family that the space has."""
        return (
            Dense(hidden=(1,))
            if family == "dense"
            else Conv(filters=(1,), kernel=(3,), stride=(1,), pool=_pools(self.data, 1), head="average")
        )

    def _network(self, family: Family, point: Point, budget: Budget) -> Dense | Conv | None:
        """The largest network of a point's proportions within a budget, with fewer layers where so many do not fit."""
        for layers in range(point["layers"], 0, -1):
            found = _dense(point, layers, budget, self.data) if family == "dense" else _conv(point, layers, budget, self.data)
            if found is not None:
                return found
        return None

    def _plan(self, point: Point) -> Plan:
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
        return Plan(epochs=self.epochs, batch_size=point["batch_size"], schedule=point["schedule"], **settings)


def _between(ends: tuple[float, float], share: float, factor: float = 1.0) -> float:
    """A value on a logarithmic scale, with two digits."""
    low, high = ends
    return float(f"{factor * low * (high / low) ** share:.2g}")


def _dense(point: Point, layers: int, budget: Budget, data: DataFacts) -> Dense | None:
    first, second = point["first"], point["second"]
    shares = [(1.0,), (first, 1 - first), (first, (1 - first) * second, (1 - first) * (1 - second))][layers - 1]

    def costs(hidden: tuple[int, ...]) -> int:
        return _cost(Dense(hidden=hidden), budget, data)

    units = _largest(lambda units: costs(tuple(max(1, int(share * units)) for share in shares)), budget.limit)
    if units == 0:
        return None
    later = tuple(max(rung for rung in LADDER if rung <= max(1, share * units)) for share in shares[1:])
    return Dense(hidden=(_largest(lambda width: costs((width, *later)), budget.limit), *later))


def _conv(point: Point, blocks: int, budget: Budget, data: DataFacts) -> Conv | None:
    def network(first: int) -> Conv:
        filters = tuple(max(1, int(first * point["growth"] ** block)) for block in range(blocks))
        return Conv(filters=filters, kernel=(point["kernel"],), stride=(1,), pool=_pools(data, blocks), head=point["head"])

    first = _largest(lambda first: _cost(network(first), budget, data), budget.limit)
    return network(first) if first else None


def _pools(data: DataFacts, blocks: int) -> tuple[int, ...]:
    """Each block halves its maps while they have 4 pixels a side."""
    pools, side = [], min(data.image_shape[:2])
    for _ in range(blocks):
        pools.append(2 if side >= 4 else 1)
        side //= pools[-1]
    return tuple(pools)


def _cost(network: Dense | Conv, budget: Budget, data: DataFacts) -> int:
    return budget.cost(_facts(network, data.image_shape, len(data.classes)))


_facts = lru_cache(maxsize=4096)(facts)


def _largest(cost: Callable[[int], int], limit: int) -> int:
    """The largest number from 0 on whose cost, which grows with it, is within the limit; 0 where that of 1 is not."""
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
    """Where a search's populations are pruned: after a fifth and after half of the epochs."""
    wanted = {max(1, math.ceil(epochs / 5)), math.ceil(epochs / 2)}
    return tuple(sorted(rung for rung in wanted if rung < epochs))
