"""What networks get of stored values, and that it is the same in training, evaluation and prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seedbed import data, models
from seedbed.data import Dataset
from seedbed.data.parts import Part, Pictures
from seedbed.records import Normalization, PictureRule
from seedbed.specs import DataSpec, Dense, Normalize, Plan
from training.samples import ran, task

NET = Dense(hidden=(6,))


def digits(normalize: Normalize) -> Dataset:
    return data.load(data.resolve(DataSpec(name="digits", first=90, normalize=normalize)))


def test_standard_values_have_mean_0_and_deviation_1_over_the_training_images() -> None:
    dataset = digits("standard")
    inputs = dataset.normalization.inputs(dataset.train.images)
    assert inputs.mean() == pytest.approx(0, abs=1e-5)
    assert inputs.std() == pytest.approx(1, abs=1e-5)


def test_each_channel_has_its_own_mean_and_a_flat_one_stays_finite() -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 3, 3, 3)).astype(np.uint8)
    images[..., 1] //= 4
    images[..., 2] = 7
    part = Part(Pictures(images), np.arange(40), np.zeros(40, np.int32))
    spec = DataSpec(name="x", normalize="standard")
    dataset = Dataset(spec, part, part, None, ("a", "b"), (3, 3, 3), 255.0, PictureRule((0.0,), (255.0,)))
    inputs = dataset.normalization.inputs(images).reshape(-1, 3)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(inputs.std(axis=0), [1, 1, 0], atol=1e-4)


def test_unit_divides_by_the_range_and_none_leaves_values_as_they_are() -> None:
    images = digits("unit").train.images
    np.testing.assert_array_equal(digits("unit").normalization.inputs(images), images.astype(np.float32) / np.float32(16))
    np.testing.assert_array_equal(digits("none").normalization.inputs(images), images.astype(np.float32))


@pytest.mark.parametrize("normalize", ["none", "standard"])
def test_the_engine_feeds_what_inference_feeds(normalize: Normalize) -> None:
    dataset = digits(normalize)
    outcome = ran(task([NET], Plan(epochs=1, batch_size=16)), dataset).outcomes[0, 0]
    images, normalization = dataset.validation.images, dataset.facts().normalization
    assert normalization is not None
    found = models.probabilities(NET, outcome.last, images, normalization=normalization, classes=10)
    np.testing.assert_allclose(found, outcome.last_probabilities, atol=1e-5)
    other = models.probabilities(NET, outcome.last, images, normalization=Normalization(16.0), classes=10)
    assert not np.allclose(other, outcome.last_probabilities, atol=1e-2)


def test_the_default_is_not_part_of_a_data_sets_identity() -> None:
    spec = DataSpec(name="digits")
    written_before = {name: value for name, value in spec.plain().items() if name != "normalize"}
    assert DataSpec(**written_before).identity == spec.identity != spec.changed(normalize="standard").identity
    assert replace(digits("unit")).facts().normalization == Normalization(16.0)


def test_the_part_is_measured_block_by_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = digits("standard").normalization
    monkeypatch.setattr("seedbed.data.parts.CHUNK", 640)
    blocks = list(digits("standard").train.blocks())
    assert len(blocks) == 9
    assert digits("standard").normalization.mean == pytest.approx(whole.mean)
