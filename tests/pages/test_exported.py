"""The page of one network answers as `seedbed predict` does, fetches nothing, and is usable by keys."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbed import data, models
from seedbed.data import Dataset
from seedbed.evaluation.browser import browser_network, network_page
from seedbed.evaluation.prediction import border_of, prepared
from seedbed.specs import Conv, DataSpec, Dense, RunSpec

RUN = RunSpec(model=Conv(filters=(6, 4), hidden=(12,)), data=DataSpec(name="digits"))
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return data.load(RUN.data)


def weights_of(run: RunSpec, dataset: Dataset) -> dict[str, Any]:
    [weights] = models.build([run.model], dataset.image_shape, len(dataset.classes)).initial(0)
    return {name: array * 3 for name, array in weights.items()}


@pytest.fixture(scope="module")
def opened(browser: Any, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, list[str]]]:
    """The page, opened from disk, and what went wrong on it: errors, refusals by its policy, requests."""
    file = tmp_path_factory.mktemp("exported") / "network.html"
    file.write_text(network_page(browser_network("first", RUN, dataset, HOSTILE), weights_of(RUN, dataset), command="c"))
    page, wrong = browser.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
    page.goto(file.as_uri())
    yield page, wrong
    page.close()


def draw(page: Any) -> None:
    box = page.locator("canvas.sheet").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    for across, down in ((0.7, 0.25), (0.5, 0.55), (0.4, 0.9)):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=4)
    page.mouse.up()


def shares(page: Any) -> list[float]:
    """The probabilities on the page after the next frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[float] = page.evaluate(
        "() => [...document.querySelectorAll('.bars tr')].map((row) => Number(row.dataset.share))"
    )
    return found


def test_a_drawing_gets_the_answer_of_predict(opened: tuple[Any, list[str]], dataset: Dataset, tmp_path: Path) -> None:
    page, wrong = opened
    draw(page)
    found = shares(page)
    content = page.evaluate("() => document.querySelector('canvas.sheet').toDataURL('image/png')")
    path = tmp_path / "drawn.png"
    path.write_bytes(base64.b64decode(content.partition(",")[2]))
    image, steps = prepared(path, dataset, border_of(dataset), "auto")
    assert image.max() > 10
    classes = len(dataset.classes)
    [row] = models.probabilities(
        RUN.model, weights_of(RUN, dataset), image[None], normalization=dataset.normalization, classes=classes
    )
    np.testing.assert_allclose(found, row, atol=0.02)
    assert page.locator(".best").inner_text().startswith(dataset.classes[int(row.argmax())])
    assert page.locator(".steps").inner_text() == " ".join(steps)
    assert wrong == []
    assert HOSTILE in page.locator(".panel").inner_text()


def test_sliders_keys_and_the_clear_button_change_the_answer(opened: tuple[Any, list[str]]) -> None:
    page, wrong = opened
    page.get_by_role("button", name="Clear").click()
    empty = shares(page)
    page.locator("canvas.sheet").focus()
    for key in ("Space", *["ArrowDown"] * 6, *["ArrowRight"] * 6, "Space"):
        page.keyboard.press(key)
    drawn = shares(page)
    assert drawn != empty
    page.get_by_label("Turn (degrees)").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    assert shares(page) != drawn
    page.get_by_role("button", name="Undo shifts and turn").click()
    assert shares(page) == drawn
    page.keyboard.press("Tab")
    page.get_by_text("Show the pixels that speak").click()
    page.get_by_text("What each layer gives").click()
    shares(page)
    sizes = page.evaluate("() => [...document.querySelectorAll('.layer canvas')].map((each) => each.width * each.height > 1)")
    assert sizes == [True] * 6  # two convolutions with pools, two dense layers
    assert wrong == []


def test_the_page_fits_a_phone(opened: tuple[Any, list[str]]) -> None:
    page, _ = opened
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375


def test_the_exercises_networks_take_less_than_two_megabytes(dataset: Dataset) -> None:
    shape = (28, 28, 1)
    for model in (Dense(), Conv()):
        [weights] = models.build([model], shape, 10).initial(0)
        large = replace(dataset, image_shape=shape)
        page = network_page(browser_network("n", RUN.changed(model=model), large, ""), weights, command="c")
        assert len(page.encode()) < 2_000_000
