"""Each format holds each network: what its own runtime loads gives the network's probabilities."""

from __future__ import annotations

import ast
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exports import by_hand, samples
from seedbed import storage
from seedbed.errors import ExportError
from seedbed.exports import javascript
from seedbed.exports.formats import FORMATS, c
from seedbed.exports.graph import Activated, Affine, folded
from seedbed.exports.layers import UnknownLayer, graph_of
from seedbed.exports.networks import export_network, largest_difference
from seedbed.exports.protocol import ExportOptions, NetworkFormat
from seedbed.network import Network
from seedbed.specs import Keras

NETWORKS = (*samples.SPECS, "own", "shares")
COMPARED = [each.name for each in FORMATS.records() if isinstance(each, NetworkFormat)]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Network]:
    file = samples.own_file(tmp_path_factory.mktemp("own"))
    own = {"own": Keras.of(f"{file}:build"), "shares": Keras.of(f"{file}:shares")}
    return {name: samples.network(spec) for name, spec in {**samples.SPECS, **own}.items()}


def written(network: Network, form: str, folder: Path, **options: object) -> Path:
    """The first file of a draft, written."""
    chosen = FORMATS[form]
    assert isinstance(chosen, NetworkFormat)
    draft = chosen.draft(network, samples.dataset(), network.name, ExportOptions(**options))
    storage.write_all({folder / name: content for name, content in draft.files.items()})
    return folder / next(iter(draft.files))


def predicted(network: Network, form: str, path: Path) -> np.ndarray:
    chosen = FORMATS[form]
    assert isinstance(chosen, NetworkFormat)
    predict = chosen.load(path, network)
    if isinstance(predict, str):
        pytest.skip(predict)
    return predict(samples.dataset().validation.images)


@pytest.mark.parametrize("form", COMPARED)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_files_give_the_networks_probabilities(name: str, form: str, networks: dict[str, Network], tmp_path: Path) -> None:
    if form == "torch":
        pytest.importorskip("torch")
    if form == "html" and name not in samples.SPECS:
        pytest.skip("a browser computes no layers of Keras")
    network = networks[name]
    path = written(network, form, tmp_path)
    difference = largest_difference(predicted(network, form, path), network.probabilities(samples.dataset().validation.images))
    assert difference < 2e-6


# What stays on the disk


def altered(monkeypatch: pytest.MonkeyPatch, form: str, difference: float) -> None:
    """Let a format's runtime give other probabilities."""
    chosen = FORMATS[form]
    assert isinstance(chosen, NetworkFormat)
    load: Any = chosen.load
    moved = replace(chosen, load=lambda path, network: lambda images: load(path, network)(images) + np.float32(difference))
    monkeypatch.setitem(FORMATS._records, form, moved)


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up images stand for the data set of each run."""
    monkeypatch.setattr("seedbed.data.load", lambda spec: samples.dataset())


def test_a_file_that_differs_is_an_error_and_does_not_stay(
    networks: dict[str, Network], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: None
) -> None:
    target = tmp_path / "net.safetensors"
    target.write_bytes(b"what was there")
    altered(monkeypatch, "safetensors", 2e-5)
    with pytest.raises(ExportError, match=r"probabilities differ by up to 2e-05 .* and 1e-05 is allowed. Nothing was written"):
        export_network(networks["dense"], FORMATS["safetensors"], target, ExportOptions())  # type: ignore[arg-type]
    assert target.read_bytes() == b"what was there"
    altered(monkeypatch, "safetensors", -1.5e-5)
    written = export_network(networks["dense"], FORMATS["safetensors"], target, ExportOptions())  # type: ignore[arg-type]
    assert written.difference == pytest.approx(5e-6, rel=0.1)
    assert written.files == (target,)
    assert written.size == target.stat().st_size


def test_differences_are_infinite_where_shapes_differ_or_a_number_is_missing() -> None:
    assert largest_difference(np.zeros((2, 3)), np.zeros((3, 2))) == np.inf
    assert largest_difference(np.array([[np.nan]]), np.zeros((1, 1))) == np.inf
    assert largest_difference(np.array([[0.25]]), np.array([[0.5]])) == 0.25


# Graphs


def test_folding_leaves_no_affine_behind_a_layer_with_weights(networks: dict[str, Network]) -> None:
    plain = graph_of(networks["own"].keras())
    graph = folded(plain)
    assert sum(isinstance(each, Affine) for each in plain.operations) == 4
    assert [each.name for each in graph.operations if isinstance(each, Affine)] == ["scale", "batch_normalization_2"]
    assert any(isinstance(each, Activated) for each in graph.operations)


def test_a_layer_that_is_not_plain_is_named(tmp_path: Path) -> None:
    network = samples.network(Keras.of(f"{samples.own_file(tmp_path)}:doubled"))
    with pytest.raises(UnknownLayer, match=r"Layer 'doubled' \(Doubled\) has no plain operation. Plain are"):
        graph_of(network.keras())
    with pytest.raises(ExportError, match=r"Layer 'doubled' .* Other layers need jax2onnx"):
        written(network, "onnx", tmp_path)


# Keras


def test_a_keras_file_says_what_it_needs(networks: dict[str, Network], tmp_path: Path) -> None:
    lines = FORMATS["keras"].draft(networks["conv"], samples.dataset(), "net", ExportOptions()).lines  # type: ignore[operator, arg-type]
    assert lines == ("It loads without seedbed, on any backend of Keras 3: keras.saving.load_model('net.keras').",)
    network = samples.network(Keras.of(f"{samples.own_file(tmp_path)}:doubled"))
    path = written(network, "keras", tmp_path)
    images = samples.dataset().validation.images
    assert largest_difference(predicted(network, "keras", path), network.probabilities(images)) < 2e-6
    [line] = FORMATS["keras"].draft(network, samples.dataset(), "net", ExportOptions()).lines  # type: ignore[operator, arg-type]
    assert line.endswith(
        "own.py: import that, then keras.saving.load_model('net.keras', custom_objects={...} with Doubled, safe_mode=False)."
    )


# ONNX


def test_an_onnx_file_names_its_classes_and_takes_any_number_of_images(networks: dict[str, Network], tmp_path: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(written(networks["conv"], "onnx", tmp_path))
    facts = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(facts["classes"])) == samples.CLASSES
    assert json.loads(facts["image_shape"]) == list(samples.SHAPE)
    assert facts["preprocessing"] == "none: pixels as stored, up to 255, height x width x channels"
    for count in (1, 3):
        [out] = session.run(["probabilities"], {"pixels": np.zeros((count, *samples.SHAPE), np.float32)})
        assert out.shape == (count, len(samples.CLASSES))


# PyTorch


def test_the_torch_file_is_short_python_with_a_name_that_can_be_imported(networks: dict[str, Network], tmp_path: Path) -> None:
    path = written(networks["conv"], "torch", tmp_path)
    assert path.name == "net_0.py"
    assert path.with_suffix(".safetensors").is_file()
    text = path.read_text(encoding="utf-8")
    ast.parse(text)
    assert "self.conv_0 = nn.Conv2d(3, 4, 5, padding=2)" in text
    assert "x = F.gelu(self.conv_0(x))" in text
    assert len(text.splitlines()) < 60


# HTML


def test_a_page_is_run_with_the_weights_that_it_holds(networks: dict[str, Network], tmp_path: Path) -> None:
    path = written(networks["logistic"], "html", tmp_path)
    expected = networks["dense"].probabilities(samples.dataset().validation.images)
    other = written(networks["dense"], "html", tmp_path)
    assert other == path  # the page of another network in its place
    assert largest_difference(predicted(networks["logistic"], "html", path), expected) < 2e-6


def test_without_a_program_that_runs_it_a_page_is_written_and_that_is_said(
    networks: dict[str, Network], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: None
) -> None:
    monkeypatch.setenv("PATH", "")
    written = export_network(networks["conv"], FORMATS["html"], tmp_path, ExportOptions())  # type: ignore[arg-type]
    assert written.difference is None
    assert written.lines[0] == "The page was not run here, since neither Node.js nor Chromium is installed."
    assert written.files[0].is_file()


@pytest.mark.parametrize(("name", "commands"), [("Node.js", javascript.NODE), ("Chromium", javascript.CHROMIUM)])
def test_javascript_gives_values_and_errors_in_each_program(name: str, commands: tuple[str, ...]) -> None:
    command = next(filter(None, map(shutil.which, commands)), None)
    if command is None:
        pytest.skip(f"{name} is not installed")
    engine = javascript.JavaScript(name, command)
    assert engine.run('return ["<b>&amp;é", 0.1, NaN, [...new Float32Array([0.1])]];') == [
        "<b>&amp;é",
        0.1,
        None,
        [0.10000000149011612],
    ]
    with pytest.raises(ExportError, match=f"ends with an error in {name}: ReferenceError: nothing is not defined"):
        engine.run("return nothing;")


def test_a_program_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(ExportError, match=r"Node.js \(/nowhere/node\) did not answer. --no-check writes the file without it"):
        javascript.JavaScript("Node.js", "/nowhere/node").run("return 1;")


# C


STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wno-sign-conversion")


@pytest.mark.parametrize("options", [{}, {"quantize": "int8"}], ids=["float32", "int8"])
@pytest.mark.parametrize("name", ["dense", "own"])
def test_the_c_files_compile_without_a_warning_and_allocate_nothing(
    name: str, options: dict[str, str], networks: dict[str, Network], tmp_path: Path
) -> None:
    path = written(networks[name], "c", tmp_path, **options)
    c.compiled(path, *STRICT)
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"#include (\S+)", text) == ['"net_0.h"', "<math.h>"]
    assert not re.search(r"\b(malloc|calloc|free|double|static (?!const|float|int8_t|void))", text)


def test_int8_in_c_is_int8_by_hand_image_by_image(networks: dict[str, Network], tmp_path: Path) -> None:
    network = networks["dense"]
    path = written(network, "c", tmp_path, quantize="int8")
    found = predicted(network, "c", path)
    expected = by_hand.int8(network, samples.dataset())
    assert np.array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert 1e-4 < largest_difference(found, network.probabilities(samples.dataset().validation.images)) < 0.1
