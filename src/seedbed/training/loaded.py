"""A population on the device, with its program; conversion from and to each member's named arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.models.architecture import Weights
from seedbed.models.protocol import Hyperparameters, Population
from seedbed.training.feed import EvalBatches
from seedbed.training.members import Members
from seedbed.training.optimizers import empty_slots
from seedbed.training.program import Best, EvalMetrics, MemberSettings, Program, TrainState, together

NamedArrays = Mapping[str, NDArray[Any]]
"""Name `block.setting/kind/name` -> array in Keras's layout; kinds are `weights`, `best` and `slots.NAME`."""


@dataclass(frozen=True)
class Loaded:
    """A population on the device.

    Attributes:
        population: layout and mathematics of the networks.
        program: compiled functions.
        eval_batches: images on which an epoch's metrics are measured.
        layers: setting -> names of its layers.
        settings: numbers that may differ between members.
        train_state: parameters, state and optimizer slots.
        best: each member's best epoch so far.
        compiled_before: compilation time of the program before this job (s).
    """

    population: Population
    program: Program
    eval_batches: EvalBatches
    layers: dict[int, set[str]]
    settings: MemberSettings
    train_state: TrainState
    best: Best
    compiled_before: float

    @classmethod
    def of(
        cls,
        population: Population,
        program: Program,
        eval_batches: EvalBatches,
        members: Members,
        arrays: NamedArrays,
        dataset: Dataset,
    ) -> Self:
        """Pack the members' arrays into the population, and put them on the device."""

        def packed(kind: str) -> tuple[Any, Any]:
            return _packed(population, members, arrays, kind)

        params, state = packed("weights")
        slots = empty_slots(members.blocks[0][0].plan.optimizer, params)
        if any("/slots." in name for name in arrays):
            slots = {name: packed(f"slots.{name}")[0] for name in slots}
        saved = any("/best/" in name for name in arrays)
        best_params, best_state = packed("best" if saved else "weights")

        def logits(member: str) -> NDArray[np.float32]:
            """The best epoch's logits; how many rows pad them depends on the population in which they were computed."""
            padded = np.zeros((len(dataset.classes), eval_batches.predictions), np.float32)
            known = arrays.get(f"{member}/best_logits", padded)[:, : len(dataset.validation)]
            padded[:, : known.shape[1]] = known
            return padded

        best_logits = [[logits(f"{block}.{setting}") for setting in members.settings] for block in range(len(members.blocks))]
        return cls(
            population,
            program,
            eval_batches,
            {setting: _layers(arrays, f"0.{setting}/weights/") for setting in members.settings},
            _settings(members, dataset),
            TrainState(params, state, slots),
            Best(best_params, best_state, jax.device_put(np.array(best_logits), may_alias=False)),
            program.compile_seconds,
        )

    @property
    def compile_seconds(self) -> float:
        """Compilation time in this job (s)."""
        return self.program.compile_seconds - self.compiled_before

    def evaluated(self) -> EvalMetrics:
        """The metrics of all members, without dropout."""
        parts, counts = [], []
        for piece in self.eval_batches:
            metrics = self.program.evaluate(self.train_state, self.settings, piece.eval_set)
            metrics.logits.block_until_ready()  # otherwise all chunks would be gathered at once
            parts.append(metrics)
            counts.append(piece.counts)
        return together(parts, counts)

    def glance(self) -> dict[str, float]:
        """Training loss and validation accuracy of the first member, on one batch of images each."""
        metrics = self.program.evaluate(self.train_state, self.settings, self.eval_batches.glimpse)
        losses, accuracies = np.asarray(metrics.losses), np.asarray(metrics.accuracies)
        return {"train_loss": float(losses[0, 0, 0]), "validation_accuracy": float(accuracies[1, 0, 0])}

    def arrays(self, members: Members) -> dict[str, NDArray[Any]]:
        """Each member's arrays, from which `of` restores the population."""
        arrays: dict[str, NDArray[Any]] = {}
        train_state, best = jax.device_get((self.train_state, self.best))
        host = replace(self, train_state=train_state, best=best)
        for block, column, (_, setting) in members:
            c, b = (jax.tree.map(lambda leaf, at=block: leaf[at], part) for part in (train_state, best))
            for kind, (params, state) in {"weights": (c.params, c.state), "best": (b.params, b.state)}.items():
                own = self.population.unpack(params, state, column)
                arrays.update({f"{block}.{setting}/{kind}/{name}": array for name, array in own.items()})
            rest = host.optimizer(block, column)
            arrays.update({f"{block}.{setting}/{name}": array for name, array in rest.items()})
        return arrays

    def optimizer(self, block: int, column: int) -> dict[str, NDArray[Any]]:
        """A member's arrays other than the weights, from a population in host memory."""
        slots = jax.tree.map(lambda leaf: leaf[block], self.train_state.slots)
        own = {name: self.population.unpack(slot, {}, column) for name, slot in slots.items()}
        arrays = {f"slots.{slot}/{name}": array for slot, named in own.items() for name, array in named.items()}
        return {**arrays, "best_logits": np.array(self.best.logits[block][column])}


def fresh_arrays(population: Population, members: Members) -> dict[str, NDArray[Any]]:
    """Each member's arrays before the first step."""
    arrays: dict[str, NDArray[Any]] = {}
    for number, block in enumerate(members.blocks):
        for setting, weights in zip(members.settings, population.initial(block[0].seed), strict=True):
            arrays.update({f"{number}.{setting}/weights/{name}": array for name, array in weights.items()})
    return arrays


def _packed(population: Population, members: Members, arrays: NamedArrays, kind: str) -> tuple[Any, Any]:
    """Parameters and state of all blocks, stacked, on the device."""
    own: dict[str, Weights] = defaultdict(dict)
    for name, array in arrays.items():
        member, _, rest = name.partition("/")
        if rest.startswith(f"{kind}/"):
            own[member][rest.removeprefix(f"{kind}/")] = array
    packed = [
        population.pack([own[f"{block}.{setting}"] for setting in members.settings]) for block in range(len(members.blocks))
    ]
    params, state = jax.tree.map(lambda *leaves: jax.device_put(np.stack(leaves), may_alias=False), *packed)
    return params, state


def _settings(members: Members, dataset: Dataset) -> MemberSettings:
    dropout = members.values(lambda run: run.model.dropout)
    l1, l2 = members.values(lambda run: run.plan.l1), members.values(lambda run: run.plan.l2)
    momentum = members.values(lambda run: run.plan.momentum)
    put = jax.device_put
    hyper = Hyperparameters(put(l1), put(l2), put(dropout), _class_weights(members, dataset))
    return MemberSettings(hyper, put(momentum), put(members.alive, may_alias=False))


def _class_weights(members: Members, dataset: Dataset) -> jax.Array | None:
    """Weights of each class, `(S, M, C)`; None where no member has any, so that the usual program stays as it is."""
    balanced = members.values(lambda run: run.plan.class_weight == "balanced")[..., None]
    if not balanced.any():
        return None
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.classes))
    weights = len(dataset.train) / (len(counts) * counts)
    found: jax.Array = jax.device_put(np.where(balanced > 0, weights, 1.0).astype(np.float32))
    return found


def _layers(arrays: NamedArrays, prefix: str) -> set[str]:
    """The layers of the network whose arrays begin with the prefix."""
    return {name.removeprefix(prefix).rpartition("/")[0] for name in arrays if name.startswith(prefix)}
