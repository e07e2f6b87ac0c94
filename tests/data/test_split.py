"""Who is trained on, who judges, who stays locked away."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.data.content import Content, Labelled
from seedbed.data.dataset import Dataset
from seedbed.data.readers import digits
from seedbed.errors import DataError, SpecError
from seedbed.specs import DataSpec


def made(*counts: int, test: int = 0, validation: int = 0) -> Content:
    """Content whose images hold their own index; so many training images of each class."""

    def part(labels):
        images = np.arange(len(labels), dtype=np.float32).reshape(-1, 1, 1, 1) * np.ones((1, 2, 3, 1), np.float32)
        return Labelled(images, labels.astype(np.int32))

    parts = {"train": part(np.repeat(np.arange(len(counts)), counts))}
    for name, n in (("validation", validation), ("test", test)):
        if n:
            parts[name] = part(np.arange(n) % len(counts))
    return Content(parts, tuple(map(str, range(len(counts)))), 1.0)


def test_a_twelfth_of_the_training_images_validates_where_there_is_a_test_set():
    dataset = Dataset.split(made(*[6000] * 10, test=100), DataSpec())
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (55_000, 5_000, 100)
    assert np.bincount(dataset.validation.labels).tolist() == [500] * 10
    assert np.intersect1d(dataset.train.rows, dataset.validation.rows).size == 0


@pytest.mark.parametrize("protocol", ["honest", "handout"])
def test_an_inner_split_sees_neither_the_validation_part_nor_the_test(protocol):
    content = digits.read()
    outer, inner = (Dataset.split(content, DataSpec(protocol=protocol, inner=inner)) for inner in (False, True))
    assert inner.test is None
    assert np.array_equal(np.union1d(inner.train.rows, inner.validation.rows), np.sort(outer.train.rows))
    assert len(inner.validation) == pytest.approx(len(outer.train) / 12, abs=10)


def test_an_inner_split_leaves_the_official_test_images_alone():
    dataset = Dataset.split(made(*[6000] * 10, test=100), DataSpec(protocol="handout", inner=True))
    assert (len(dataset.train), len(dataset.validation), dataset.test) == (55_000, 5_000, None)


def test_small_classes_give_ten_images_or_half_of_themselves_to_validation():
    dataset = Dataset.split(made(1200, 60, 12, 2, test=8), DataSpec())
    assert np.bincount(dataset.validation.labels).tolist() == [100, 10, 6, 1]


@pytest.mark.parametrize("content", [made(1200, 60, 12, 5, test=8), digits.read()], ids=["with a test set", "digits"])
def test_folds_validate_each_image_once_and_never_the_test_part(content):
    plain = Dataset.split(content, DataSpec(name="digits"))
    folds = [Dataset.split(content, DataSpec(name="digits", fold=(number, 5))) for number in range(5)]
    pool = np.sort(np.concatenate([plain.train.rows, plain.validation.rows]))
    assert np.array_equal(np.sort(np.concatenate([fold.validation.rows for fold in folds])), pool)
    for fold in folds:
        assert np.array_equal(np.sort(np.concatenate([fold.train.rows, fold.validation.rows])), pool)
        assert np.array_equal(fold.test.rows, plain.test.rows)
        counts = np.bincount(fold.validation.labels), np.bincount(np.concatenate([plain.train.labels, plain.validation.labels]))
        assert np.abs(counts[0] - counts[1] / 5).max() < 1


def test_folds_that_cannot_be_made_are_told():
    with pytest.raises(DataError, match=r"6 folds need 6 images of each class to train on, and class '1' has 5"):
        Dataset.split(made(100, 5, test=8), DataSpec(fold=(0, 6)))
    with pytest.raises(SpecError, match="validation part of its own"):
        Dataset.split(made(100, 50, test=8, validation=4), DataSpec(fold=(0, 6)))
    for wrong in ({"fold": (3, 3)}, {"fold": (0, 1)}, {"fold": (-1, 3)}, {"fold": (0, 3), "protocol": "handout"}):
        with pytest.raises(SpecError, match="fold"):
            DataSpec(**wrong)


def test_specs_without_folds_have_the_identities_that_they_had_before_there_were_any():
    assert DataSpec().identity == "371f3e669837e5a1"
    assert DataSpec(fold=(0, 5)).identity != DataSpec(fold=(1, 5)).identity


def test_without_a_test_set_it_is_70_15_15_by_class():
    dataset = Dataset.split(digits.read(), DataSpec(name="digits"))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (1257, 270, 270)
    everything = np.concatenate([dataset.train.rows, dataset.validation.rows, dataset.test.rows])
    assert np.array_equal(np.sort(everything), np.arange(1797))
    assert min(np.bincount(dataset.test.labels)) >= 26


def test_the_split_is_the_same_for_ever():
    dataset = Dataset.split(digits.read(), DataSpec(name="digits"))
    assert dataset.validation.rows[:6].tolist() == [1, 18, 26, 36, 39, 40]
    assert dataset.test.rows[:6].tolist() == [7, 8, 10, 13, 24, 43]


def test_only_the_split_seed_moves_the_split():
    first, again, other = (Dataset.split(digits.read(), DataSpec(split_seed=seed)) for seed in (0, 0, 1))
    assert np.array_equal(first.validation.rows, again.validation.rows)
    assert not np.array_equal(first.validation.rows, other.validation.rows)


def test_the_handout_protocol_trains_on_all_and_calls_the_test_images_validation():
    dataset = Dataset.split(made(60, 60, test=40), DataSpec(protocol="handout"))
    assert (len(dataset.train), len(dataset.validation), dataset.test) == (120, 40, None)
    assert dataset.facts().test == 0


def test_under_the_handout_protocol_the_locked_images_of_digits_are_its_validation():
    honest, handout = (Dataset.split(digits.read(), DataSpec(protocol=protocol)) for protocol in ("honest", "handout"))
    assert np.array_equal(handout.validation.rows, honest.test.rows)
    assert len(handout.train) == 1797 - 270


def test_validation_images_of_the_data_set_itself_are_used_as_they_are():
    dataset = Dataset.split(made(9, 9, validation=6, test=4), DataSpec())
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (18, 6, 4)
    assert Dataset.split(made(9, 9, validation=6), DataSpec()).test is None


@pytest.mark.parametrize(("content", "needed"), [(made(5, 1, test=4), 2), (made(9, 2), 3)])
def test_a_class_too_small_to_be_in_every_part_is_named(content, needed):
    with pytest.raises(DataError, match=rf"at least {needed} images .* class '1' has {needed - 1}"):
        Dataset.split(content, DataSpec())


def test_first_keeps_a_stratified_choice_and_larger_choices_hold_smaller_ones():
    content = made(100, 300, 600, test=9)
    whole = Dataset.split(content, DataSpec())
    chosen = [Dataset.split(content, DataSpec(first=n)) for n in (3, 30, 300)]
    for dataset, n in zip(chosen, (3, 30, 300), strict=True):
        assert len(dataset.train) == n
        assert np.array_equal(dataset.validation.rows, whole.validation.rows)
        counts = np.bincount(dataset.train.labels, minlength=3)
        assert counts.min() >= 1
        assert np.abs(counts - n * np.bincount(whole.train.labels) / len(whole.train)).max() < 2
    assert set(chosen[0].train.rows) < set(chosen[1].train.rows) < set(chosen[2].train.rows)


@pytest.mark.parametrize("first", [1, 100_000])
def test_first_must_fit_the_data(first):
    with pytest.raises(SpecError, match=f"first = {first}: it must be at least the 2 classes"):
        Dataset.split(made(60, 60, test=4), DataSpec(first=first))


def test_label_noise_replaces_exactly_its_share_of_training_labels_by_other_classes():
    content = made(60, 60, 60, test=9)
    clean, noisy, again = (Dataset.split(content, DataSpec(label_noise=noise)) for noise in (0.0, 0.2, 0.2))
    assert (clean.train.labels != noisy.train.labels).sum() == round(0.2 * len(clean.train))
    assert np.array_equal(noisy.train.labels, again.train.labels)
    assert np.array_equal(noisy.validation.labels, clean.validation.labels)
    assert noisy.train.labels.max() < 3
    assert len(np.unique(noisy.train.labels[(clean.train.labels == 0) & (noisy.train.labels != 0)])) == 2


def test_one_permutation_of_the_pixels_holds_for_all_parts_and_for_the_store():
    images = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1) + 10 * np.arange(40, dtype=np.float32).reshape(-1, 1, 1, 1)
    content = Content({"train": Labelled(images, (np.arange(40) % 2).astype(np.int32))}, ("a", "b"), 1.0)
    plain, permuted = (Dataset.split(content, DataSpec(permutation=seed)) for seed in (None, 3))
    order = permuted.train.take([0]).ravel().astype(int) % 10
    assert sorted(order) == list(range(6)) != order.tolist()
    for part in ("train", "validation", "test"):
        before, after = getattr(plain, part).images.reshape(-1, 6), getattr(permuted, part).images.reshape(-1, 6)
        assert np.array_equal(before[:, order], after)
    assert np.array_equal(permuted.test.store[permuted.test.rows], permuted.test.images)
    assert permuted.test.store is permuted.train.store


def test_a_part_takes_images_by_position_and_says_where_they_came_from():
    dataset = Dataset.split(made(60, 60, test=4), DataSpec())
    part = dataset.validation
    assert part.take([2, 0]).shape == (2, 2, 3, 1)
    assert part.take([2])[0, 0, 0, 0] == part.rows[2] == int(part.source(2))
    assert part.store is dataset.train.store
