"""Ranges of values: what is learned from the training part, and what it means for pictures."""

from __future__ import annotations

import numpy as np
import pytest

from data.samples import digits_like
from seedbed import data
from seedbed.data import ReadOptions
from seedbed.data.content import Content, Labelled
from seedbed.data.ranges import check_like, extent_of, levels_of, picture_rule, scale_of
from seedbed.data.readers import kind_of, read
from seedbed.errors import DataError
from seedbed.records import PictureRule
from seedbed.specs import DataSpec

SHARES = np.random.default_rng(0).random((40, 6, 5, 1))
SHARES[0, 0, 0], SHARES[0, 0, 1] = 0, 1
LABELS = np.arange(40) % 2


@pytest.mark.parametrize(
    ("images", "scale", "black", "white"),
    [
        (SHARES, 1, 0, 1),
        (SHARES * 1.0001, 1, 0, 1),
        (SHARES * 1.04 - 0.02, 1, 0, 1),
        (SHARES * 2 - 1, 1, -1, 1),
        (SHARES - 0.5, 1, -0.5, 0.5),
        (SHARES * 3.2 - 0.42, 1, -0.42, 2.78),
        (SHARES * 255, 255, 0, 255),
        (SHARES * 14.5, 14.5, 0, 14.5),
        (SHARES * 100, 100, 0, 100),
        (np.rint(SHARES * 15), 15, 0, 15),
        (np.rint(SHARES * 16), 16, 0, 16),
        (np.rint(SHARES * 4095), 4095, 0, 4095),
        (np.rint(SHARES * 65535), 65535, 0, 65535),
        (np.rint(SHARES * 255) - 128, 255, -128, 127),
    ],
)
def test_the_range_is_learned_from_the_values(images, scale, black, white):
    extent = extent_of(images)
    assert scale_of(extent) == scale
    low, high = levels_of(extent, scale)
    assert low == pytest.approx((black,))
    assert high == pytest.approx((white,))


def test_standardised_colour_has_black_and_white_of_its_own_in_each_channel():
    colour = np.concatenate([SHARES * 4 - 2, SHARES * 5 - 2.5, SHARES * 3 - 1], axis=-1)
    black, white = levels_of(extent_of(colour), 1.0)
    rule = PictureRule(black, white)
    assert black == pytest.approx((-2, -2.5, -1))
    assert rule.shares(colour) == pytest.approx(np.repeat(SHARES, 3, axis=-1), abs=1e-6)
    assert rule.values(rule.shares(colour), np.dtype(np.float32)) == pytest.approx(colour, abs=1e-5)
    assert np.array_equal(rule.shown(colour[..., :])[0, 0, 1], [255] * 3)


@pytest.mark.parametrize("test", [SHARES * 255, SHARES * 2 - 1, np.rint(SHARES * 255).astype(np.uint8)])
def test_a_test_part_on_another_scale_is_refused(tmp_path, test):
    np.savez(tmp_path / "d.npz", x_train=SHARES, y_train=LABELS, x_test=test, y_test=LABELS)
    with pytest.raises(DataError, match=r"the test part is on another scale than the training part: its pixels are .*, those"):
        read(tmp_path / "d.npz", "npz")


def test_the_range_is_kept_with_the_data_set_and_recorded_with_runs(tmp_path):
    np.savez(tmp_path / "d.npz", X=SHARES * 2 - 1, y=LABELS)
    data.add("centred", tmp_path / "d.npz")
    dataset = data.load(DataSpec(name="centred"))
    assert dataset.pictures == PictureRule((-1.0,), (1.0,))
    assert dataset.facts().pictures == dataset.pictures
    assert any(note == "Pixels lie on both sides of 0 (-1 to 1): black is -1, white 1." for note in dataset.notes)


def test_content_that_was_decoded_without_a_range_gets_one():
    images = (SHARES * 2 - 1).astype(np.float32)
    content = Content({"train": Labelled(images, LABELS.astype(np.int32))}, ("a", "b"), 1.0)
    assert picture_rule(content) == PictureRule((-1.0,), (1.0,))


def test_rows_of_colour_pixels_are_read_in_the_order_in_which_neighbours_are_alike(tmp_path):
    ramp = np.linspace(0, 90, 32)
    images = np.stack([ramp[:, None] + ramp + shift for shift in (0, 40, 75)], axis=-1)
    images = np.clip(images + np.arange(40)[:, None, None, None] % 7, 0, 255).astype(np.uint8)
    for name, rows in (("last", images), ("first", images.transpose(0, 3, 1, 2))):
        np.savez(tmp_path / f"{name}.npz", X=rows.reshape(40, -1), y=LABELS)
        content = read(tmp_path / f"{name}.npz", "npz")
        assert np.array_equal(content.parts["train"].images, images), name
        assert any("channel by channel" in rule for rule in content.rules) is (name == "first")


def test_arrays_of_class_names_and_of_the_split_are_used_and_others_named(tmp_path):
    images, labels = digits_like()
    split = np.array(["train"] * 20 + ["val"] * 10 + ["test"] * 10)
    more = {"weights": np.zeros(3), "x_extra": images, "classes": np.array(["cat", "dog"]), "split": split}
    np.savez(tmp_path / "d.npz", X=images, y=labels, **more)
    content = read(tmp_path / "d.npz", "npz")
    assert content.classes == ("cat", "dog")
    assert {part: len(each.labels) for part, each in content.parts.items()} == {"train": 20, "validation": 10, "test": 10}
    assert any("Not read: 2 arrays (weights, x_extra): no images or labels." in rule for rule in content.rules)


def test_a_test_part_without_labels_is_named(tmp_path):
    images, labels = digits_like()
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images)
    content = read(tmp_path / "d.npz", "npz")
    assert set(content.parts) == {"train"}
    assert "Not read: array x_test, since the test part has no labels." in content.rules


def test_transpose_swaps_rows_and_columns_and_emnist_needs_no_option(tmp_path):
    images, labels = digits_like()
    np.savez(tmp_path / "d.npz", X=images, y=labels)
    options = ReadOptions(transpose=True)
    content = read(tmp_path / "d.npz", kind_of(tmp_path / "d.npz", options), options)
    assert np.array_equal(content.parts["train"].images[..., 0], images.swapaxes(1, 2))


@pytest.mark.parametrize(
    ("scale", "black", "white", "fits", "refused"),
    [
        (255, 0, 255, [(0, 255), (0, 3), (0, 0), (-2, 260)], [(0, 1), (0, 300), (-128, 127)]),
        (1, 0, 1, [(0, 1), (0, 1.04), (0, 1e-3)], [(0, 16), (0, 255), (-1, 1)]),
        (14.5, 0, 14.5, [(0, 16), (0, 2)], [(0, 0.9), (0, 255)]),
        (1, -1, 1, [(-1, 1), (-0.2, 0.1)], [(0, 255), (0, 1)]),
        (1, -0.42, 2.78, [(-0.5, 3.3)], [(0, 255)]),
    ],
)
def test_new_images_must_be_on_the_scale_of_the_training_images(scale, black, white, fits, refused):
    levels = PictureRule((float(black),), (float(white),))
    for low, high in fits:
        check_like(np.array([low, high], float).reshape(1, 2, 1, 1), scale, levels, "images")
    for low, high in refused:
        with pytest.raises(DataError, match=f"black is {black}"):
            check_like(np.array([low, high], float).reshape(1, 2, 1, 1), scale, levels, "images")
