"""Trained networks as Python objects: their predictions are those of their runs, and wrong arrays are refused in words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import seedbed as sb
from hostile.engine import here
from seedbed.data import Dataset
from seedbed.errors import DataError, RunError, UnknownRun
from seedbed.runs import FinishedRun, NamedRun


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one group, one on permuted pixels, and one that kept no weights."""
    home, net = tmp_path_factory.mktemp("network"), sb.Dense(hidden=(12,))
    with here():
        sb.train(net, "digits", name="net", seeds=2, epochs=3, home=home)
        sb.train(net, sb.DataSpec(name="digits", permutation=1), name="permuted", epochs=2, home=home)
    store, [first] = sb.RunStore(home), sb.find("net.0", home)
    bare = NamedRun("bare", "bare", first.run)
    with store.claim([bare]):
        store.finish(FinishedRun(bare, first, 16.0))
    return home


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return sb.load("digits")


def test_it_predicts_what_its_run_did(home: Path, digits: Dataset) -> None:
    images, store = digits.validation.images, sb.RunStore(home)
    for which, array in (("best", "validation_probabilities"), ("last", "last_validation_probabilities")):
        network = sb.load_network("net.1", weights=which, home=home)
        assert np.allclose(network.predict(images), store.predictions("net.1")[array], atol=1e-5)
    assert network.classes == digits.classes
    assert network.weights.keys() == store.weights("net.1", "last").keys()


def test_grey_images_may_come_without_channels_or_in_rows(home: Path, digits: Dataset) -> None:
    network, images = sb.load_network("net.0", home=home), digits.validation.images[:5]
    expected = network.predict(images)
    assert np.array_equal(network.predict(images[..., 0].astype(int).tolist()), expected)
    assert np.array_equal(network.predict(images.reshape(5, 64).astype(np.float64)), expected)
    assert network.predict(images[:0]).shape == (0, 10)


def test_pixels_are_permuted_as_in_training(home: Path, digits: Dataset) -> None:
    network = sb.load_network("permuted", home=home)
    expected = sb.RunStore(home).predictions("permuted")["validation_probabilities"]
    assert np.allclose(network.predict(digits.validation.images), expected, atol=1e-5)


def test_a_groups_network_is_that_of_its_best_run_and_a_result_has_one_too(home: Path) -> None:
    runs = sb.find("net", home)
    best = max(runs, key=lambda run: run.history["validation_accuracy"][run.best - 1])
    assert sb.load_network("net", home=home).name == best.name
    assert sb.load_network(runs[0]).name == runs[0].name


def test_keras_gets_the_same_network(home: Path, digits: Dataset) -> None:
    network, images = sb.load_network("net.0", home=home), digits.validation.images[:7]
    assert np.allclose(network.keras()(images), network.predict(images), atol=1e-5)


DIGIT = np.full((1, 8, 8), 7.0)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (DIGIT[0], "the shape is (8, 8), and 'net.0' takes (n, 8, 8, 1) or (n, 64) or (n, 8, 8). For a single image, "),
        (DIGIT[..., None, None], "the shape is (1, 8, 8, 1, 1)"),
        (DIGIT[:, :4], "the shape is (1, 4, 8)"),
        (DIGIT / 16, "these pixels are 0.4375 to 0.4375, and black is 0 and white 16"),
        (DIGIT * 20, "these pixels are 140 to 140"),
        (DIGIT - 9, "these pixels are -2 to -2"),
        (np.where(np.eye(8), np.nan, DIGIT), "image 0, row 0, column 0"),
        (np.full((1, 8, 8), "7"), "they must be numbers, and these are <U1"),
    ],
)
def test_what_is_no_image_of_its_kind_is_refused(images: object, says: str, home: Path) -> None:
    with pytest.raises(DataError, match=re.escape(says)):
        sb.load_network("net.0", home=home).predict(images)  # type: ignore[arg-type]


def test_a_run_without_a_network_has_none_to_load(home: Path) -> None:
    with pytest.raises(RunError, match=r"'bare' kept no weights/best"):
        sb.load_network("bare", home=home)
    with pytest.raises(UnknownRun, match="Did you mean 'net"):
        sb.load_network("nett", home=home)


def test_it_is_one_line_in_a_notebook(home: Path) -> None:
    shown = repr(sb.load_network("net.0", home=home))
    assert shown == "Network 'net.0': dense 12, relu; 910 parameters; 8 x 8 x 1 pixels to 10 classes"
