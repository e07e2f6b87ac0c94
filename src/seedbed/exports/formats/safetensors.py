"""A `.safetensors` file of the weights, under Keras's names and layouts, with what is needed to use them in its metadata."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from seedbed.data import Dataset
from seedbed.exports.protocol import Draft, ExportOptions, NetworkFormat, Predictor
from seedbed.network import Network
from seedbed.runs.arrays import read_safetensors, safetensors_pieces


def _draft(network: Network, dataset: Dataset, stem: str, options: ExportOptions) -> Draft:
    facts = {
        "model": json.dumps(network.spec.plain()),
        "classes": json.dumps(network.classes),
        "image_shape": json.dumps(network.image_shape),
        "scale": repr(float(network.scale)),
    }
    content = b"".join(safetensors_pieces(network.weights, facts))
    line = (
        "Images are divided by its metadata's `scale` first. Kernels are (inputs, outputs) or (height, width, inputs, outputs)."
    )
    return Draft({f"{stem}.safetensors": content}, (line,))


def _load(path: Path, network: Network) -> Predictor:
    return replace(network, weights=read_safetensors(path)).probabilities


FORMAT = NetworkFormat(
    "safetensors", "the weights under Keras's names", (".safetensors",), _draft, _load, "seedbed with the weights read again"
)
