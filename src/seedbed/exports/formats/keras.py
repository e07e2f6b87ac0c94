"""A `.keras` file: plain layers of Keras, from pixels as stored to probabilities."""

from __future__ import annotations

import json
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.errors import ExportError
from seedbed.exports.protocol import BATCH, Draft, ExportOptions, NetworkFormat, Predictor
from seedbed.models import user_code
from seedbed.models.keras_backend import keras_session
from seedbed.network import Network
from seedbed.specs import Keras

LAMBDA = "__lambda__"
"""Class of a function without a name, in a file of Keras."""


def _draft(network: Network, dataset: Dataset, stem: str, options: ExportOptions) -> Draft:
    file = f"{stem}.keras"
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        path = Path(folder) / file
        try:
            network.keras().save(path)
        except (TypeError, ValueError, NotImplementedError) as error:  # a class without get_config, above all
            raise ExportError(f"Keras cannot save {network.spec.title} ({user_code.one_line(error)}).") from None
        return Draft({file: path.read_bytes()}, (_how_to_load(path, network),))


def _how_to_load(path: Path, network: Network) -> str:
    with zipfile.ZipFile(path) as archive:
        own = dict.fromkeys(_own_objects(json.loads(archive.read("config.json"))))
    if not own:
        return f"It loads without seedbed, on any backend of Keras 3: keras.saving.load_model({path.name!r})."
    source = network.spec.file if isinstance(network.spec, Keras) else network.spec.title
    names = ", ".join(name for name in own if name != LAMBDA)
    objects = f", custom_objects={{...}} with {names}" if names else ""
    return f"It uses code of {source}: import that, then keras.saving.load_model({path.name!r}{objects}, safe_mode=False)."


def _own_objects(config: Any) -> Iterator[str]:
    """Names of the classes and functions in a model's configuration that are not Keras's."""
    if isinstance(config, list):
        for part in config:
            yield from _own_objects(part)
    if isinstance(config, dict):
        module = config.get("module")
        if "class_name" in config and not str(module or "keras").startswith(("keras", "builtins")):
            inner = config.get("config")
            yield inner if config["class_name"] == "function" and isinstance(inner, str) else str(config["class_name"])
        elif config.get("class_name") == LAMBDA:
            yield LAMBDA
        for part in config.values():
            yield from _own_objects(part)


def _load(path: Path, network: Network) -> Predictor:
    own: dict[str, Any] = {}
    if isinstance(network.spec, Keras):
        own = {name: value for name, value in user_code.loaded(network.spec).defined.items() if callable(value)}
    with keras_session(seed=0) as keras, warnings.catch_warnings(action="ignore"):
        model = keras.saving.load_model(path, custom_objects=own, safe_mode=False)

    def predict(images: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(model.predict(images, batch_size=BATCH, verbose=0))

    return predict


FORMAT = NetworkFormat("keras", "one file for Keras 3 on any backend", (".keras",), _draft, _load, "Keras on JAX")
