"""A trained network as a Python object: predictions for arrays, its weights, and a `keras.Model`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed import data, models
from seedbed.errors import DataError, RunError
from seedbed.models import FAMILIES
from seedbed.records import METRIC_COLUMNS, Normalization, Result
from seedbed.runs import RunStore, Which
from seedbed.specs import ModelSpec


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A trained network.

    Attributes:
        result: its run: settings, sizes, history, verdict.
        weights: its arrays, named and laid out as in Keras.
        scale: divisor that brings the pixels of its data to their range.
    """

    result: Result
    weights: Mapping[str, NDArray[Any]]
    scale: float

    @property
    def normalization(self) -> Normalization:
        """What the network gets of pixels as stored."""
        return self.result.data.normalization or Normalization(self.scale)

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.result.name

    @property
    def spec(self) -> ModelSpec:
        """The network's settings."""
        return self.result.run.model

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.result.data.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.result.data.image_shape

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        size = f"{self.result.model.parameters:,} parameters"
        pixels = f"{height} x {width} x {channels} pixels to {len(self.classes)} classes"
        return f"Network {self.name!r}: {self.spec.title}; {size}; {pixels}"

    def predict(self, images: ArrayLike) -> NDArray[np.float32]:
        """Predict the probabilities of the classes, `(n, C)`, for images as they were before training.

            network.predict(images).argmax(axis=1)

        Args:
            images: numbers `(n, h, w)` of grey images, `(n, h, w, c)`, or `(n, pixels)`, on the scale of the training images,
                for example 0 to 255. Pixels are neither resized nor inverted.

        Raises:
            DataError: another shape, or pixels on another scale.
        """
        found = self._shaped(np.asarray(images))
        if not len(found):
            return np.zeros((0, len(self.classes)), np.float32)
        data.check_finite(found, "images")
        if self.result.data.pictures is not None:
            data.check_like(found, self.scale, self.result.data.pictures, "images")
        pixels = data.permutation(self.result.run.data.permutation, self.image_shape)
        return self.probabilities(data.permuted(found, pixels))

    def probabilities(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Predict as `predict` does, for images `(n, h, w, c)` as a data set has them: nothing is checked or permuted."""
        weights, classes = dict(self.weights), len(self.classes)
        return models.probabilities(self.spec, weights, images, normalization=self.normalization, classes=classes)

    def keras(self) -> Any:
        """Make a `keras.Model` that takes pixels as stored, `(n, h, w, c)`, and returns probabilities, `(n, C)`.

        A dense or convolutional network becomes plain layers of Keras. A network of your own is in it as you wrote it.

        Raises:
            ModelError: this process has imported Keras with another backend.
        """
        from seedbed.models.plain import plain_model

        return plain_model(self.spec, dict(self.weights), self.image_shape, len(self.classes), normalization=self.normalization)

    def export(self, format: str, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:  # noqa: A002
        """Write the network into files for other programs, as `seedbed.export(network, format, path, ...)` does."""
        exports = import_module("seedbed.exports")  # which stands on networks, so that this shortcut looks upwards
        return exports.export(self, format, path, **options)

    def _shaped(self, images: NDArray[Any]) -> NDArray[Any]:
        height, width, channels = self.image_shape
        known = [(height, width, channels), (height * width * channels,), *([(height, width)] if channels == 1 else [])]
        if images.dtype.kind not in "buif":
            raise DataError(f"images: they must be numbers, and these are {images.dtype}.")
        if images.shape[1:] in known:
            return images.reshape(-1, *self.image_shape)
        one = " For a single image, give a list of one: [image]." if images.shape in known else ""
        forms = " or ".join("(n, " + ", ".join(map(str, form)) + ")" for form in known)
        raise DataError(f"images: the shape is {images.shape}, and {self.name!r} takes {forms}.{one}")


def load_network(home: RunStore, name: str | Result, which: Which = "best") -> Network:
    """Load the network of a finished run.

    Args:
        home: the run store.
        name: name of a run, or of a group, whose run with the best validation accuracy is used; or a result.
        which: "best" for the network of the best epoch, "last" for that of the last.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        RunError: all runs of the group diverged or collapsed, or the run kept no weights.
    """
    if isinstance(name, str):
        found = home.find(name)
        result = found[0] if len(found) == 1 else best_run(name, found)
    else:
        result = name
        home = RunStore(Path(result.folder).parent) if result.folder else home
    facts = result.data
    shapes = FAMILIES[result.run.model.family].weight_shapes(result.run.model, facts.image_shape, len(facts.classes))
    return Network(result, home.weights(result.name, which, shapes), home.scale(result.name))


def best_run(name: str, runs: Sequence[Result]) -> Result:
    """Choose the run with the best validation accuracy, or the best value of the metric that the runs go by.

    Args:
        name: name of the runs, for the message.
        runs: finished runs.

    Raises:
        RunError: all of them diverged or collapsed.
    """
    ranked = [run for run in runs if run.included]
    if not ranked:
        raise RunError(f"{name!r} has no network for a prediction: all its runs diverged or collapsed.")
    return max(ranked, key=lambda run: run.history[METRIC_COLUMNS[run.run.plan.metric]][run.best - 1])
