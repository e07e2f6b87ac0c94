from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbed import data
from seedbed.data.embedding import embed, nearest_centroid, stratified
from seedbed.data.facts import class_pictures
from seedbed.errors import DataError
from seedbed.specs import DataSpec


@pytest.fixture(scope="module")
def digits():
    return data.load(DataSpec(name="digits"))


def test_a_stratified_sample_keeps_shares_and_forgets_no_class():
    labels = np.repeat([0, 1, 2], [600, 300, 3]).astype(np.int32)
    np.random.default_rng(0).shuffle(labels)
    chosen = stratified(labels, 90)
    counts = np.bincount(labels[chosen], minlength=3)
    assert len(chosen) == len(set(chosen.tolist())) == 90
    assert counts[2] >= 1
    assert counts[0] == pytest.approx(60, abs=2)


def test_the_sample_is_the_same_for_the_same_seed_and_another_for_another():
    labels = np.arange(1000, dtype=np.int32) % 7
    assert (stratified(labels, 50) == stratified(labels, 50)).all()
    assert (stratified(labels, 50) != stratified(labels, 50, seed=1)).any()


def test_a_sample_of_all_is_all():
    assert stratified(np.zeros(5, dtype=np.int32), 15).tolist() == [0, 1, 2, 3, 4]


def test_neighbours_in_the_plane_are_mostly_of_one_class(digits):
    found = embed(digits.train, scale=digits.scale, most=400)
    labels = digits.train.labels[found.positions]
    distances = np.linalg.norm(found.tsne[:, None] - found.tsne[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.85
    assert found.pca.shape == found.tsne.shape == (400, 2)
    assert 0 < found.explained[1] <= found.explained[0] < 1


def test_too_few_images_are_refused(digits):
    few = replace(digits.train, rows=digits.train.rows[:9], labels=digits.train.labels[:9])
    with pytest.raises(DataError, match="at least 10 images"):
        embed(few, scale=16.0)


def test_the_baseline_agrees_with_measuring_every_distance(digits):
    centres = class_pictures(digits.train, 10)
    apart = digits.validation.images[:, None].astype(np.float64) - centres.mean[None]
    expected = np.square(apart).sum(axis=(2, 3, 4)).argmin(axis=1)
    assert nearest_centroid(centres, digits.validation) == (expected == digits.validation.labels).sum()


def test_a_class_without_training_images_is_never_the_nearest(digits):
    without = digits.train.labels != 3
    part = replace(digits.train, rows=digits.train.rows[without], labels=digits.train.labels[without])
    right = nearest_centroid(class_pictures(part, 10), digits.validation)
    assert right <= (digits.validation.labels != 3).sum()
    assert right > 0.8 * len(digits.validation)
