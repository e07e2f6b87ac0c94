"""Photos of drawn signs: the ink is found, and placed as that of the training images is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import seedbed as sb
from drawn import INK, PAPER, drawn, save
from hostile.engine import here
from seedbed import data
from seedbed.data import Dataset
from seedbed.data.readers.options import ReadOptions
from seedbed.evaluation import predict
from seedbed.evaluation.familiarity import Familiarity
from seedbed.evaluation.photos import InkLayout, find_ink, local_ground, placed
from seedbed.evaluation.prediction import border_of, ink_layout, prepared
from seedbed.runs import RunStore

BOX, SIDE = 20, 28


def as_mnist(images: Any) -> Any:
    """The embedded digits, in a box of 20 of 28 pixels with their centre of mass in the middle."""
    framed = np.zeros((len(images), SIDE, SIDE), np.uint8)
    for image, digit in zip(framed, images, strict=True):
        columns = np.flatnonzero(digit.any(axis=0))
        cut = Image.fromarray((digit[:, columns[0] : columns[-1] + 1] * 15.9).astype(np.uint8))
        scaled = np.asarray(cut.resize((max(1, round(BOX * cut.width / 8)), BOX), Image.Resampling.BICUBIC))
        strokes = (np.clip((scaled / 255.0 - 0.3) * 3, 0, 1) * 255).astype(np.uint8)
        rows, across = np.indices(strokes.shape)
        top, left = (
            round(SIDE / 2 - 0.5 - float((place * (strokes / 255)).sum() / (strokes / 255).sum())) for place in (rows, across)
        )
        top, left = min(max(top, 0), SIDE - BOX), min(max(left, 0), SIDE - strokes.shape[1])
        image[top : top + BOX, left : left + strokes.shape[1]] = strokes
    return framed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """A home with the run `net`, trained on the embedded digits as MNIST's are."""
    folder = tmp_path_factory.mktemp("photos")
    digits = data.load(data.resolve(sb.DataSpec(name="digits")))
    parts = {"train": digits.train, "val": digits.validation, "test": digits.test}
    arrays: dict[str, Any] = {}
    for name, part in parts.items():
        assert part is not None
        arrays |= {f"x_{name}": as_mnist(part.images[..., 0]), f"y_{name}": part.labels}
    np.savez(folder / "framed.npz", **arrays)
    data.add("framed", folder / "framed.npz", ReadOptions(), replace=True)
    with here():
        sb.train(sb.Dense(hidden=(64,)), "framed", name="net", epochs=25, home=folder / "runs", device="cpu", workers=1)
    return RunStore(folder / "runs")


@pytest.fixture(scope="module")
def framed(home: RunStore) -> Dataset:
    return data.load(home.find("net")[0].run.data)


def test_the_place_of_the_ink_is_measured_on_the_training_images(framed: Dataset) -> None:
    layout = ink_layout(framed, border_of(framed))
    assert layout is not None
    assert round(layout.side * SIDE) == BOX
    assert layout.by_mass
    assert layout.light
    assert 0.08 < layout.stroke < 0.3


def test_signs_that_fill_their_images_and_colour_have_no_place(framed: Dataset) -> None:
    digits = data.load(data.resolve(sb.DataSpec(name="digits")))
    assert ink_layout(digits, border_of(digits)) is None


def test_drawn_pages_with_shadow_rotation_and_off_centre_are_read(home: RunStore, framed: Dataset, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    test = framed.test
    assert test is not None
    pages = [save(drawn(image / 255, random), tmp_path / f"{n}.jpg") for n, image in enumerate(test.images[:60, ..., 0])]
    plain = np.mean(
        [each.best for each in predict(home, "net", pages, crop="none")] == np.array(framed.classes)[test.labels[:60]]
    )
    found = predict(home, "net", pages)
    right = np.mean([each.best for each in found] == np.array(framed.classes)[test.labels[:60]])
    assert right >= 0.8
    assert right > plain + 0.3
    assert np.mean([each.remark == "" for each in found]) >= 0.8
    assert found[0].preprocessing[0].startswith("Dark ink was found in rows ")
    assert "its longer side has 20 of 28 pixels, and its centre of mass is in the middle" in found[0].preprocessing[1]


def page(ink: float = INK, paper: float = PAPER) -> Any:
    """A page of 100 x 160 pixels with an L of ink, 40 high and 20 wide, its corner at (30, 50)."""
    made = np.full((100, 160), paper, np.float32)
    made[30:70, 50:55] = made[65:70, 50:70] = ink
    return made


@pytest.mark.parametrize(("ink", "paper", "light"), [(0.2, 0.86, False), (0.9, 0.1, True)])
def test_ink_is_what_differs_from_its_ground_dark_or_light(ink: float, paper: float, light: bool) -> None:
    found = find_ink(page(ink, paper))
    assert found is not None
    assert found.light is light
    rows, columns = found.box
    assert abs(rows.start - 30) <= 1
    assert abs(rows.stop - 70) <= 1
    assert abs(columns.start - 50) <= 1
    assert abs(columns.stop - 70) <= 1


def shadow(whole: Any) -> None:
    whole[:, 120:] *= 0.5


def table(whole: Any) -> None:
    whole[90:] = 0.1


def other_mark(whole: Any) -> None:
    whole[5:9, 5:20] = INK


@pytest.mark.parametrize(("added", "others"), [(shadow, 0), (table, 0), (other_mark, 1)])
def test_a_shadows_edge_the_papers_end_and_other_signs_are_left_out(added: Any, others: int) -> None:
    whole = page()
    added(whole)
    found = find_ink(whole)
    assert found is not None
    assert abs(found.box[0].start - 30) <= 1
    assert abs(found.box[1].start - 50) <= 1
    assert found.mask.shape[0] <= 42
    assert found.others == others


def test_an_empty_page_has_no_ink() -> None:
    noise = 0.02 * np.random.default_rng(0).standard_normal((100, 160))
    assert find_ink((PAPER + noise).astype(np.float32)) is None


def test_the_ground_follows_a_shadow() -> None:
    whole = page()
    whole[:, :40] *= 0.5
    ground = local_ground(whole)
    assert ground[50, 20] == pytest.approx(PAPER / 2, abs=0.02)
    assert ground[50, 52] == pytest.approx(PAPER, abs=0.02)


@pytest.mark.parametrize("by_mass", [True, False])
def test_ink_is_placed_by_its_mass_or_by_its_box(by_mass: bool) -> None:
    found = find_ink(page())
    assert found is not None
    image = placed(found, InkLayout(0.0, BOX / SIDE, by_mass, 0.125), (SIDE, SIDE))
    rows, columns = np.flatnonzero(image.max(axis=1) > 0.5), np.flatnonzero(image.max(axis=0) > 0.5)
    assert abs(len(rows) - BOX) <= 1
    assert abs(len(columns) - BOX / 2) <= 1
    mass = (np.arange(SIDE) * image.sum(axis=1)).sum() / image.sum()
    middle = mass if by_mass else (rows[0] + rows[-1]) / 2
    assert middle == pytest.approx((SIDE - 1) / 2, abs=0.6)


def test_thin_strokes_are_made_as_wide_as_those_of_the_training_images() -> None:
    thin = np.full((200, 200), PAPER, np.float32)
    thin[40:160, 80:83] = INK
    found = find_ink(thin)
    assert found is not None
    image = placed(found, InkLayout(0.0, BOX / SIDE, True, 0.15), (SIDE, SIDE))
    assert 2 <= (image[SIDE // 2] > 0.5).sum() <= 4


def test_a_picture_of_the_training_images_size_is_left_whole(framed: Dataset, tmp_path: Path) -> None:
    border = border_of(framed)
    image = framed.validation.images[0, ..., 0]
    Image.fromarray(image).save(tmp_path / "x.png")
    layout = ink_layout(framed, border)
    found, steps = prepared(tmp_path / "x.png", framed, border, "auto", layout)
    assert np.array_equal(found[..., 0], image)
    assert not any("ink" in step for step in steps)


def test_invert_decides_whether_ink_is_dark_or_light(framed: Dataset, tmp_path: Path) -> None:
    path, border = tmp_path / "x.png", border_of(framed)
    Image.fromarray((page() * 255).astype(np.uint8)).save(path)
    layout = ink_layout(framed, border)
    yes, no = (prepared(path, framed, border, invert, layout) for invert in ("yes", "no"))  # type: ignore[arg-type]
    assert yes[1][0].startswith("Dark ink was found")
    assert no[1][0] == "No ink was found."


def test_images_unlike_all_training_images_are_remarked(framed: Dataset) -> None:
    familiarity = Familiarity.of(framed)
    shares = framed.pictures.shares(framed.validation.images)
    assert np.mean([familiarity.remark(each) == "" for each in shares]) >= 0.97
    noise = np.random.default_rng(0).random((SIDE, SIDE, 1)).astype(np.float32)
    assert "times as far from the nearest of them" in familiarity.remark(noise)
    assert "nothing in the training images" in familiarity.remark(1 - shares[0])
    assert "hardly any contrast" in familiarity.remark(np.zeros((SIDE, SIDE, 1), np.float32))


def test_large_images_are_compared_by_averages_of_squares() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 70, 65, 3)).astype(np.uint8)
    framed = data.load(data.resolve(sb.DataSpec(name="digits")))
    from dataclasses import replace

    from seedbed.data.parts import Part, Pictures
    from seedbed.records import PictureRule

    part = Part(Pictures(images), np.arange(60), np.zeros(60, np.int32))
    familiarity = Familiarity.of(replace(framed, train=part, pictures=PictureRule((0.0,), (255.0,))))
    assert familiarity.points.shape[1] == 24 * 22 * 3
