"""What a browser needs to compute a network, and to prepare pictures for it (`static/network.js` and `static/prepare.js`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import pages, words
from seedbed.data import Dataset
from seedbed.evaluation.prediction import border_of
from seedbed.models import describe
from seedbed.records import Result, finite_fields
from seedbed.runs.arrays import safetensors_pieces
from seedbed.specs import RunSpec

IN_BROWSER = ("dense", "conv")
"""Families that `static/network.js` computes; the layers of others are not described, since that would need their framework."""


def browser_network(name: str, run: RunSpec, dataset: Dataset, about: str) -> dict[str, Any]:
    """Describe a network as JSON values: settings, layers, classes, and how a picture becomes its input.

    Args:
        name: name of the run.
        run: its settings.
        dataset: the run's data, for the borders and the type of the training images.
        about: what else is to be said of it, in one line.
    """
    shape, classes = dataset.image_shape, dataset.classes
    inside = run.model.family in IN_BROWSER
    return finite_fields(
        {
            "name": name,
            "title": run.model.title,
            "facts": about,
            "model": run.model.plain(),
            "layers": [vars(layer) for layer in describe(run.model, shape, len(classes))] if inside else [],
            "classes": classes,
            "normalization": asdict(dataset.normalization),
            **picture_target(dataset),
        }
    )


def browser_result(result: Result, dataset: Dataset) -> dict[str, Any]:
    """Describe the network of a finished run, see `browser_network`."""
    parts = [result.run.model.title, words.counted(result.model.parameters, "parameter"), f"trained on {result.run.data.name}"]
    if result.best:
        share = words.percent(float(result.history["validation_accuracy"][result.best - 1]))
        images = words.counted(result.data.validation, "validation image")
        parts.append(f"{share} of {images} right at epoch {result.best}")
    dataset = replace(dataset, pictures=result.data.pictures or dataset.pictures)
    return browser_network(result.name, result.run, dataset, "; ".join(parts))


def picture_target(dataset: Dataset) -> dict[str, Any]:
    """What a picture is prepared for, as JSON values: shape, range and borders of the training images."""
    stored = dataset.train.store.dtype if dataset.scale == 255 else np.dtype(np.float32)
    border, rule = asdict(border_of(dataset)), asdict(dataset.pictures)
    return finite_fields({"image_shape": dataset.image_shape, "pictures": rule, "whole": stored.kind in "iu", "border": border})


def browser_weights(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """A network's arrays as a safetensors file of float32."""
    return b"".join(safetensors_pieces({name: array.astype(np.float32, copy=False) for name, array in weights.items()}))


def network_page(description: Mapping[str, Any], weights: Mapping[str, NDArray[Any]], *, command: str) -> str:
    """A self-contained page that computes a network: draw or open a picture, see probabilities, layers and weights.

    Args:
        description: the network, from `browser_network`; of a family that browsers compute.
        weights: its arrays, named and laid out as in Keras.
        command: command that makes the page again.
    """
    return pages.render(
        "network.html.jinja",
        scripts=[pages.joined("exported")],
        title=f"The network {description['name']}",
        command=command,
        description=description,
        tensors=base64.b64encode(browser_weights(weights)).decode(),
    )
