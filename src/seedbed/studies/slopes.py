"""Slopes of activations at a network's own pre-activations: by these the gradient is multiplied on its way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seedbed import data, words
from seedbed.data import Dataset
from seedbed.figures.slopes import ActivationUse, grid, slopes_over_use
from seedbed.groups import Group
from seedbed.kinds import ACTIVATIONS
from seedbed.models import Weights
from seedbed.records import Result
from seedbed.runs import RunStore
from seedbed.statistics import Interval
from seedbed.studies.answers import Figure
from seedbed.studies.causes import activation_of
from seedbed.studies.setup import Setup
from seedbed.studies.texts import number_text

if TYPE_CHECKING:
    from jax import Array

IMAGES = 500
"""Validation images, the first ones, whose pre-activations are computed."""


PLACES = 4_096
"""Places at which slopes are computed at a time, so that one function is compiled for each activation."""


def pre_activations(weights: Weights, activation: str, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The pre-activations of a dense network's hidden layers.

    Args:
        weights: `dense_0/kernel` `(inputs, units)`, `dense_0/bias` `(units,)`, and so on; the last layer is the output.
        inputs: what the network gets, `(n, inputs)`.

    Returns:
        `(n, units)` of each hidden layer, from the first on.
    """
    function, found = ACTIVATIONS[activation].function, []
    hidden = sum(name.endswith("/kernel") for name in weights) - 1
    for layer in range(hidden):
        found.append(inputs @ weights[f"dense_{layer}/kernel"] + weights[f"dense_{layer}/bias"])
        inputs = np.asarray(function(found[-1]))  # type: ignore[arg-type]  # jax takes arrays of NumPy
    return found


def slope_at(activation: str, places: NDArray[np.floating]) -> NDArray[np.float32]:
    """The derivative of an activation at each of these places, of the same shape."""
    flat = places.astype(np.float32).ravel()
    filled = np.pad(flat, (0, -len(flat) % PLACES)).reshape(-1, PLACES)
    slopes = np.stack([np.asarray(_slopes(activation)(part)) for part in filled])
    return slopes.ravel()[: len(flat)].reshape(places.shape)


@cache
def _slopes(activation: str) -> Callable[[NDArray[np.float32]], Array]:
    """The derivative at `PLACES` places."""
    import jax

    derivative: Callable[[NDArray[np.float32]], Array] = jax.jit(jax.vmap(jax.grad(ACTIVATIONS[activation].function)))
    return derivative


def mean_slopes(home: RunStore, cells: Sequence[Group]) -> dict[str, Interval]:
    """Activation -> its mean slope in the first hidden layer, of the networks that have a run left."""
    return {activation_of(cell): slope for cell in cells if (slope := mean_slope(home, cell))}


def mean_slope(home: RunStore, cell: Group) -> Interval | None:
    """The mean slope at the first hidden layer's pre-activations at the last epoch, over the seeds; None without a run."""
    activation = cell.run.model.activation or ""
    firsts = [_of_run(home, result, activation)[0] for result in cell.kept]
    return cell.interval([float(slope_at(activation, first).mean()) for first in firsts], (0.0, np.inf))


def slope_sentence(slopes: Mapping[str, Interval], *, brief: bool = False) -> str:
    """Say by how much the gradient shrinks in the first hidden layer; `slopes` as `mean_slopes` gives them, one at least."""
    known = [f"{number_text(slope, brief=brief)} with {name}" for name, slope in slopes.items()]
    return (
        "The gradient passes each layer times the activation's slope. At the first layer's own pre-activations its mean is "
        f"{words.listed(known)}."
    )


def slopes_figure(setup: Setup, home: RunStore, cells: Sequence[Group]) -> list[Figure]:
    """Draw each activation's slope above the pre-activations of its first run; nothing where no run is left."""
    several = []
    for cell in cells:
        activation = cell.run.model.activation or ""
        for result in cell.kept[:1]:
            layers = _of_run(home, result, activation)
            used = {f"layer {number}": values for number, values in enumerate(layers, start=1)}
            several.append(ActivationUse(activation_of(cell), slope_at(activation, grid()), used))
    if not several:
        return []
    said = [f"{setup.data.name}; one run each, last epoch; validation images, {IMAGES} at most"]
    chart = slopes_over_use(several, "Slope, and the pre-activations at which the net uses it", said)
    return [Figure("act_slopes", chart, "Where the slope is near 0 and pre-activations are many, units saturate.")]


def _of_run(home: RunStore, result: Result, activation: str) -> list[NDArray[np.float32]]:
    dataset = data.load(result.run.data)
    return pre_activations(home.weights(result.name, "last"), activation, _inputs(dataset))


def _inputs(dataset: Dataset) -> NDArray[np.float32]:
    images = dataset.validation.take(np.arange(min(IMAGES, len(dataset.validation))))
    return dataset.normalization.inputs(images).reshape(len(images), -1)
