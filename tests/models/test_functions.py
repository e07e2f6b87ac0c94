"""Functions and networks of a session as files: what they use comes along, and the same network has the same identity."""

from __future__ import annotations

import functools
import linecache
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from models.samples import CLASSES
from seedbed.errors import SpecError
from seedbed.models.functions import network_spec
from seedbed.models.keras import initial_weights
from seedbed.specs import Dense, Keras

CELL = """
import keras
from keras import layers
import helper
from math import sqrt as root

WIDTH = 5
TABLE = open(__file__) if False else object()

def block(x, width=WIDTH):
    return layers.Dense(width, activation="tanh")(x)

class Scale(layers.Layer):
    def call(self, x):
        return x * root(helper.TWO)

def build(image_shape, classes, width=WIDTH):
    images = keras.Input(image_shape)
    return keras.Model(images, layers.Dense(classes)(Scale()(block(layers.Flatten()(images), width))))

def unwritable(image_shape, classes):
    return TABLE

def outer(width):
    def inner(image_shape, classes):
        return build(image_shape, classes, width)
    return inner
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a notebook's session after a cell, whose text only Python's cache of lines has."""
    (tmp_path / "helper.py").write_text("TWO = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    name = "<cell 1>"
    monkeypatch.setitem(linecache.cache, name, (len(CELL), None, CELL.splitlines(keepends=True), name))
    vars(module)["__file__"] = name
    exec(compile(CELL, name, "exec"), vars(module))
    del vars(module)["__file__"]
    yield vars(module)
    sys.modules.pop("helper", None)


def test_a_cells_function_is_written_with_what_it_uses(session: dict[str, Any]) -> None:
    spec = network_spec(session["build"])
    assert isinstance(spec, Keras)
    assert spec.function == "build"
    assert set(spec.files) == {"helper.py"}
    weights = initial_weights(spec, (3, 3, 1), CLASSES, seed=0)
    assert weights["dense_1/kernel"].shape == (9, 5)
    assert network_spec(session["build"]).identity == spec.identity


def test_arguments_come_by_keyword_partial_and_closure(session: dict[str, Any]) -> None:
    for spec in (
        network_spec(session["build"], arguments={"width": 4}),
        network_spec(functools.partial(session["build"], width=4)),
        network_spec(session["outer"](4)),
    ):
        assert initial_weights(spec, (3, 3, 1), CLASSES, seed=0)["dense_1/kernel"].shape == (9, 4)


def test_a_network_is_written_with_its_weights(session: dict[str, Any]) -> None:
    model = session["build"]((3, 3, 1), CLASSES)
    plain = session["keras"].Sequential([session["keras"].Input((3, 3)), session["layers"].Dense(2)])
    spec = network_spec(plain)
    assert spec.identity == network_spec(plain).identity
    plain.layers[0].bias.assign([1.0, 2.0])
    assert spec.identity != network_spec(plain).identity
    assert network_spec(model).function == "network"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("unwritable", "uses 'TABLE' of this session"),
        ("nothing", "it must be a network, such as Dense"),
        ("a lambda", "needs a name"),
        ("by place", "by name"),
    ],
)
def test_what_cannot_be_a_network_is_refused(session: dict[str, Any], given: str, says: str) -> None:
    models = {"nothing": 3, "a lambda": lambda: None, "by place": functools.partial(session["build"], (3, 3, 1))}
    with pytest.raises(SpecError, match=says):
        network_spec(models.get(given, session.get(given)))


def test_specs_and_files_are_themselves(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("def build(): ...\n")
    assert network_spec(Dense()) == Dense()
    assert network_spec(f"{tmp_path / 'net.py'}:build") == Keras.of(f"{tmp_path / 'net.py'}:build")
