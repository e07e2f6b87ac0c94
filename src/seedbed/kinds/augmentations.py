"""Augmentations: random changes of a minibatch's images in the compiled program, equal for all members of a block."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed.kinds.registry import Registry

if TYPE_CHECKING:
    from jax import Array

SHIFT = 2 / 28
"""Largest shift as a share of an image's side, in whole pixels: 2 of MNIST's 28."""
TURN, SCALE, SHEAR = math.radians(12), 0.12, 0.15
"""Affine changes: rotations up to 12 degrees, scales from 1/1.12 to 1.12, shears up to 0.15."""
_SIGMA, _ALPHA, _SIDE = 4.0, 34.0, 29
ELASTIC_SIGMA = _SIGMA / _SIDE
ELASTIC_REACH = _ALPHA * math.sqrt(1 / 3) / (2 * math.sqrt(math.pi) * _SIGMA) / _SIDE
"""Elastic distortion: smoothing width, and standard deviation of the displacement, as shares of an image's side.

Source: Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks": uniform noise in (-1, 1) at each
of 29 x 29 pixels, a Gaussian of sigma 4, times alpha = 34. The noise's standard deviation is sqrt(1/3), and a Gaussian whose
weights sum to 1 leaves 1 / (2 sqrt(pi) sigma) of it: 1.38 pixels of 29.
"""


@dataclass(frozen=True)
class Augmentation:
    """A random change of each training image, drawn again at every step.

    Attributes:
        name: name in plans.
        function: images `(B, h, w, c)` and a key -> changed images of the same shape; pixels from outside the image are 0.
    """

    name: str
    function: Callable[[Array, Array], Array]


def _none(images: Array, key: Array) -> Array:
    return images


def _shift(images: Array, key: Array) -> Array:
    """Shift by whole pixels, vertically and horizontally."""
    import jax
    import jax.numpy as jnp

    _, height, width, _ = images.shape
    reach = max(1, round(SHIFT * max(height, width)))
    padded = jnp.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    corners = jax.random.randint(key, (images.shape[0], 2), 0, 2 * reach + 1)

    def cut(image: Array, corner: Array) -> Array:
        return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), images.shape[1:])

    return jax.vmap(cut)(padded, corners)


def _grid(height: int, width: int) -> tuple[Array, Array]:
    """Pixel coordinates relative to the center, `(h, 1)` and `(1, w)`."""
    import jax.numpy as jnp

    rows, columns = (jnp.arange(side, dtype=jnp.float32) - (side - 1) / 2 for side in (height, width))
    return rows[:, None], columns[None, :]


def _affine(images: Array, key: Array) -> Array:
    return _sampled(images, *_affine_field(images.shape, key))


def _affine_field(shape: tuple[int, ...], key: Array) -> tuple[Array, Array]:
    """Source coordinates of each pixel: rows and columns, each `(B, h, w)`."""
    import jax
    import jax.numpy as jnp

    images, height, width, _ = shape
    draws = jax.random.uniform(key, (images, 6), minval=-1.0, maxval=1.0)
    angle, shear = draws[:, 0] * TURN, draws[:, 1] * SHEAR
    sizes = jnp.exp(draws[:, 2:4] * math.log1p(SCALE))
    moves = draws[:, 4:6] * SHIFT * max(height, width)
    y, x = _grid(height, width)
    y, x = y[None] - moves[:, 0, None, None], x[None] - moves[:, 1, None, None]
    cos, sin = jnp.cos(angle)[:, None, None], jnp.sin(angle)[:, None, None]
    rows = (cos * y - sin * x) * sizes[:, 0, None, None]
    columns = (sin * y + cos * x) * sizes[:, 1, None, None] + shear[:, None, None] * rows
    return rows + (height - 1) / 2, columns + (width - 1) / 2


def _elastic(images: Array, key: Array) -> Array:
    return _sampled(images, *_elastic_field(images.shape, key))


def _elastic_field(shape: tuple[int, ...], key: Array) -> tuple[Array, Array]:
    """Source coordinates for a smooth random displacement; the smoothing is two small matrix products."""
    import jax
    import jax.numpy as jnp

    images, height, width, _ = shape
    side = max(height, width)
    noise = jax.random.normal(key, (2, images, height, width))
    smooth = jnp.einsum("yi,kbij,xj->kbyx", _blur(height, side), noise, _blur(width, side), precision="float32")
    moves = smooth * ELASTIC_REACH * side
    y, x = _grid(height, width)
    return moves[0] + y + (height - 1) / 2, moves[1] + x + (width - 1) / 2


def _blur(size: int, side: int) -> Array:
    """Gaussian smoothing along one axis as a matrix, scaled so that white noise keeps standard deviation 1."""
    import jax.numpy as jnp

    places = jnp.arange(size, dtype=jnp.float32)
    distance = places[:, None] - places[None, :]
    weights = jnp.exp(-0.5 * jnp.square(distance / (ELASTIC_SIGMA * side)))
    return weights / jnp.sqrt(jnp.sum(jnp.square(weights), axis=1, keepdims=True))


def _sampled(images: Array, rows: Array, columns: Array) -> Array:
    """Bilinear samples of images `(B, h, w, c)` at rows and columns `(B, h, w)`."""
    import jax.numpy as jnp

    _, height, width, _ = images.shape
    top, left = jnp.floor(rows), jnp.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    flat = images.reshape(images.shape[0], height * width, -1)

    def at(y: Array, x: Array) -> Array:
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        place = jnp.clip(y, 0, height - 1) * width + jnp.clip(x, 0, width - 1)
        index = place.astype(jnp.int32).reshape(images.shape[0], -1, 1)
        values = jnp.take_along_axis(flat, index, axis=1, mode="promise_in_bounds").reshape(images.shape)
        return jnp.where(inside[..., None], values, 0.0)

    above = at(top, left) * (1 - right) + at(top, left + 1) * right
    below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return above * (1 - down) + below * down


AUGMENTATIONS = Registry(
    "augment",
    Augmentation("none", _none),
    Augmentation("shift", _shift),
    Augmentation("affine", _affine),
    Augmentation("elastic", _elastic),
)
