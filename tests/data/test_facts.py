from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbed import data
from seedbed.data import facts
from seedbed.data.dataset import Dataset
from seedbed.data.parts import Part, Pictures
from seedbed.errors import DataError
from seedbed.records import PictureRule
from seedbed.specs import DataSpec


class Locked:
    """Labels that nobody may look at."""

    def __getattr__(self, name):
        raise AssertionError(f"the test part's labels were asked for {name}")

    def __getitem__(self, place):
        raise AssertionError("a label of the test part was read")

    def __array__(self, *_, **__):
        raise AssertionError("the test part's labels were read")


def dataset(images, labels, train, validation, test=()):
    """Images split by hand: row numbers for each part."""
    pictures = Pictures(np.asarray(images))
    labels = np.asarray(labels, dtype=np.int32)
    parts = [Part(pictures, np.array(rows, dtype=np.int64), labels[list(rows)]) for rows in (train, validation)]
    last = Part(pictures, np.array(test, dtype=np.int64), Locked()) if len(test) else None
    classes = tuple(str(i) for i in range(labels.max() + 1))
    return Dataset(DataSpec(name="made"), *parts, last, classes, pictures.array.shape[1:], 255.0, PictureRule((0.0,), (255.0,)))


def noise(n, shape=(6, 6, 1), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    whole = data.load(DataSpec(name="digits"))
    return replace(whole, test=replace(whole.test, labels=Locked()))


def sources(likeness):
    return {(pair.first.part, pair.first.source, pair.second.part, pair.second.source) for pair in likeness.pairs}


def test_class_pictures_are_the_mean_and_deviation_of_each_class(digits):
    found = facts.class_pictures(digits.train, 10)
    threes = digits.train.images[digits.train.labels == 3]
    assert found.counts[3] == len(threes)
    np.testing.assert_allclose(found.mean[3], threes.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(found.deviation[3], threes.std(axis=0), atol=1e-3)


def test_a_class_without_images_has_no_picture():
    made = dataset(noise(4), [0, 0, 2, 2], train=[0, 1, 2], validation=[3])
    found = facts.class_pictures(made.train, 3)
    assert found.counts.tolist() == [2, 0, 1]
    assert np.isnan(found.mean[1]).all()
    assert np.isfinite(found.mean[[0, 2]]).all()


def test_pixel_facts_agree_with_numpy_channel_by_channel():
    images = noise(50, (5, 4, 3))
    images[:, 0, 0] = 7
    images[:, 2, 2, 1] = 0
    found = facts.pixel_facts(dataset(images, np.zeros(50), range(40), range(40, 50)).train)
    np.testing.assert_allclose(found.mean, images[:40].mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found.deviation, images[:40].std(axis=(0, 1, 2)), rtol=1e-5)
    assert (found.low, found.high) == (images[:40].min(), images[:40].max())
    assert (found.constant, found.places) == (4, 60)
    assert found.zeros == pytest.approx((images[:40] == 0).mean())


def test_exact_copies_are_found_within_training_and_across_parts():
    images = noise(10)
    images[[3, 6, 9]] = images[0]
    found = facts.duplicates(dataset(images, np.zeros(10), range(5), range(5, 8), [8, 9])).exact
    pairs = {("training", "0", part, other) for part, other in (("training", "3"), ("validation", "6"), ("test", "9"))}
    assert sources(found) == pairs
    assert found.affected == {"training": 2, "validation": 1, "test": 1}
    assert found.count == 3


def test_brightness_and_contrast_do_not_hide_a_near_duplicate():
    images = noise(6) // 2
    images[5] = images[1] // 2 + 60
    found = facts.duplicates(dataset(images, [0, 0, 0, 0, 0, 1], range(4), [4, 5]))
    assert found.exact.count == 0
    assert sources(found.near) == {("training", "1", "validation", "5")}
    assert found.near.pairs == found.near.conflicts
    assert found.near.pairs[0].same_label is False


def test_images_of_one_value_are_near_to_nothing():
    images = noise(6)
    images[0], images[1] = 0, 9
    assert facts.duplicates(dataset(images, np.zeros(6), range(4), [4, 5])).near.count == 0


@pytest.mark.parametrize("shape", [(8, 8, 1), (45, 37, 3)], ids=["pixels", "blocks of pixels"])
def test_the_search_finds_what_comparing_all_pairs_finds(shape, monkeypatch):
    monkeypatch.setattr(facts, "LEAF", 20)
    base = noise(40, shape).astype(np.float32)
    # what the copies differ by is smooth, so that averaging over blocks keeps it
    coarse = np.random.default_rng(1).normal(0, 12, (40, 4, 4, 1))
    smooth = np.kron(coarse, np.ones((1, -(-shape[0] // 4), -(-shape[1] // 4), 1)))[:, : shape[0], : shape[1]]
    images = np.concatenate([base, base + smooth]).astype(np.float32)
    flat = images.reshape(80, -1).astype(np.float64)
    likeness = np.corrcoef(flat)
    threshold = float(np.median(np.diag(likeness, 40)))
    expected = {(i, j) for i, j in np.argwhere(np.triu(likeness >= threshold, 1)).tolist()}
    found = facts.duplicates(dataset(images, np.zeros(80), range(60), range(60, 80)), threshold=threshold - 1e-6).near
    assert {(int(pair.first.source), int(pair.second.source)) for pair in found.pairs} == expected
    assert len(expected) == 20


def test_the_search_on_digits_finds_what_comparing_all_pairs_finds(digits, monkeypatch):
    monkeypatch.setattr(facts, "LEAF", 100)
    found = facts.duplicates(digits, threshold=0.97)
    images = np.concatenate([part.images.reshape(len(part), -1) for part in (digits.train, digits.validation, digits.test)])
    likeness = np.corrcoef(images)
    assert found.near.count == np.count_nonzero(np.triu(likeness >= 0.97, 1))
    train = len(digits.train)
    leaked = (likeness[train:, :train] >= 0.97).any(axis=1)
    assert found.near.affected["validation"] == leaked[: len(digits.validation)].sum()
    assert found.near.affected["test"] == leaked[len(digits.validation) :].sum()


def test_no_label_of_the_test_part_is_read_or_told(digits):
    found = facts.duplicates(digits, threshold=0.95)
    hidden = [pair for pair in found.near.pairs if pair.second.part == "test"]
    assert hidden
    assert all(pair.same_label is None for pair in hidden)
    assert set(facts.class_balance(digits)) == {"training", "validation"}


def test_a_search_without_end_stops_and_says_so(digits, monkeypatch):
    monkeypatch.setattr(facts, "LEAF", 100)
    monkeypatch.setattr(facts, "CHUNK", 10)
    monkeypatch.setattr(facts, "MOST_CANDIDATES", 1000)
    found = facts.duplicates(digits, threshold=0.5).near
    assert not found.complete
    assert len(found.pairs) == facts.KEPT_PAIRS


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan")])
def test_a_threshold_outside_its_range_is_refused(digits, threshold):
    with pytest.raises(DataError, match="between 0 and 1"):
        facts.duplicates(digits, threshold=threshold)
