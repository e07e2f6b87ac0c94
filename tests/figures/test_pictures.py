from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seedbed.errors import SpecError
from seedbed.figures import picture_bytes, picture_grid, thumbnails

CHECKS = np.array([[0, 255], [255, 0]], dtype=np.uint8)[None, :, :, None]


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))


def test_pixels_become_crisp_squares() -> None:
    grid = pixels(picture_grid(CHECKS, [""], side=20, mode="dark"))
    tile = grid[-40:-20, 20:40]
    assert (tile == np.kron(CHECKS[0, :, :, 0], np.ones((10, 10)))[:, :, None]).all()


def test_values_are_drawn_up_to_the_value_that_is_white() -> None:
    sixteen = pixels(picture_grid(CHECKS.astype(np.float32) / 255 * 16, [""], top=16.0))
    assert (sixteen == pixels(picture_grid(CHECKS, [""]))).all()


def test_colours_stay_colours() -> None:
    red = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    red[..., 0] = 200
    assert (pixels(picture_grid(red, ["red"]))[-40, 40] == [200, 0, 0]).all()


def test_large_images_are_made_smaller_and_rows_filled() -> None:
    images = np.zeros((7, 300, 150, 1), dtype=np.uint8)
    grid = picture_grid(images, [str(i) for i in range(7)], columns=3, side=100)
    assert grid.width < 3 * 100 + 100
    assert grid.height > 3 * 100


def test_a_long_title_is_cut_and_not_drawn_over_its_neighbour() -> None:
    long = pixels(picture_grid(np.repeat(CHECKS, 2, axis=0), ["", "W" * 500], columns=2))
    none = pixels(picture_grid(np.repeat(CHECKS, 2, axis=0), ["", "W"], columns=2))
    assert long.shape == none.shape
    assert (long[:, :165] == none[:, :165]).all()


@pytest.mark.parametrize(("one", "other"), [("é", "è"), ("č", "ř"), ("Ж", "Ш"), ("λ", "μ")])
def test_letters_beyond_ascii_are_drawn_as_themselves(one: str, other: str) -> None:
    first, second = (pixels(picture_grid(CHECKS, [letter * 6])) for letter in (one, other))
    assert (first != second).any()


def test_signs_of_markup_in_a_title_are_text() -> None:
    assert (pixels(picture_grid(CHECKS, ["</text><rect/>&amp;"])) != pixels(picture_grid(CHECKS, [""]))).any()


def test_a_picture_is_a_png() -> None:
    content = picture_bytes(picture_grid(CHECKS, ["one"], heading="a heading"))
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"


def test_thumbnails_are_data_and_small() -> None:
    (address,) = thumbnails(np.zeros((1, 200, 100, 3), dtype=np.uint8))
    assert address.startswith("data:image/png;base64,")
    assert len(address) < 500


@pytest.mark.parametrize(
    ("images", "titles"),
    [(CHECKS, []), (CHECKS[:0], []), (np.zeros((1, 2, 2, 2)), ["a"]), (np.zeros((2, 2)), ["a", "b"])],
)
def test_images_and_titles_must_fit(images: NDArray[np.generic], titles: list[str]) -> None:
    with pytest.raises(SpecError):
        picture_grid(images, titles)
