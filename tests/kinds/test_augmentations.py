"""Random changes of images, inside the compiled program."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from seedbed.kinds import AUGMENTATIONS, augmentations

KINDS: tuple[str, ...] = ("shift", "affine", "elastic")


def digit(count: int = 40) -> Any:
    """Equal images with all of their ink well inside, so that nothing is shifted out."""
    image = np.zeros((28, 28, 2), np.float32)
    image[9:19, 10:17, 0] = np.random.default_rng(0).random((10, 7))
    image[9:19, 10:17, 1] = 1
    return np.repeat(image[None], count, axis=0)


def changed(kind: str, key: int = 0) -> Any:
    return np.asarray(jax.jit(AUGMENTATIONS[kind].function)(digit(), jax.random.key(key)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_a_function_of_the_key_and_each_image_has_its_own(kind: str) -> None:
    first, other = changed(kind), changed(kind, key=1)
    assert first.shape == digit().shape
    assert np.array_equal(first, changed(kind))
    assert not np.array_equal(first, other)
    assert len({image.tobytes() for image in first}) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_keeps_the_range_of_the_pixels_and_about_the_ink(kind: str) -> None:
    out, before = changed(kind), digit()
    assert out.min() >= 0
    assert out.max() <= 1 + 1e-6
    ink, was = out.sum(axis=(1, 2, 3)), before.sum(axis=(1, 2, 3))
    assert np.all((ink > was / 2.5) & (ink < 2.5 * was))
    assert ink.mean() == pytest.approx(was.mean(), rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_the_channels_of_an_image_move_together(kind: str) -> None:
    images = np.repeat(digit()[..., :1], 3, axis=-1)
    out = np.asarray(AUGMENTATIONS[kind].function(images, jax.random.key(2)))
    assert np.array_equal(out[..., 0], out[..., 1])
    assert np.array_equal(out[..., 0], out[..., 2])


def test_a_shift_moves_whole_pixels_up_to_its_reach_and_keeps_the_content() -> None:
    moves = set()
    for out, image in zip(changed("shift"), digit(), strict=True):
        rows, columns = (np.flatnonzero(out[..., 1].any(axis=axis))[0] for axis in (1, 0))
        move = (int(rows) - 9, int(columns) - 10)
        assert np.array_equal(out, np.roll(image, move, axis=(0, 1)))
        moves.add(move)
    assert {abs(part) for move in moves for part in move} == {0, 1, 2}


def test_an_elastic_field_displaces_as_far_as_simards_recipe() -> None:
    """Made here as the paper says, in the middle of a large image, where no edge matters."""
    from scipy.ndimage import gaussian_filter

    side, middle = 87, slice(20, -20)
    noise = np.random.default_rng(0).uniform(-1, 1, (40, side, side))
    theirs = 34 * np.stack([gaussian_filter(field, 4.0) for field in noise])[:, middle, middle]
    rows, columns = map(np.asarray, augmentations._elastic_field((40, 29, 29, 1), jax.random.key(0)))
    y, x = np.mgrid[:29, :29]
    ours = np.stack([rows - y, columns - x])
    assert theirs.std() == pytest.approx(1.384, rel=0.05)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05)


def test_what_comes_in_from_outside_is_black() -> None:
    full = np.ones((20, 8, 8, 1), np.float32)
    out = np.asarray(AUGMENTATIONS["shift"].function(full, jax.random.key(0)))
    assert set(np.unique(out)) == {0.0, 1.0}


def test_bilinear_samples_lie_between_their_pixels() -> None:
    image = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)[None, :, :, None]
    rows = np.array([[[0.5, 0.0], [1.0, 1.5]]], np.float32)
    columns = np.array([[[0.5, -0.5], [0.25, 1.0]]], np.float32)
    sampled = jax.jit(augmentations._sampled)(image, rows, columns)
    np.testing.assert_allclose(sampled[0, :, :, 0], [[1.5, 0.0], [2.25, 1.5]], atol=1e-6)


def test_no_augmentation_gives_the_images_back() -> None:
    images = digit(2)
    assert AUGMENTATIONS["none"].function(images, jax.random.key(0)) is images
