"""`static/prepare.js` turns a picture into the input that `seedbed predict` gives the network."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from seedbed import data
from seedbed.evaluation.browser import picture_target
from seedbed.evaluation.prediction import border_of, prepared
from seedbed.specs import DataSpec

PREPARE = """async ({ width, height, pixels, target }) => {
  const { prepare } = await import("/prepare.js");
  const data = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const { values, steps } = prepare({ width, height, data }, target);
  return [[...values], steps];
}"""


def digit(mode: str, size: tuple[int, int], paper: Any, ink: Any) -> Image.Image:
    picture = Image.new(mode, size, paper)
    pen = ImageDraw.Draw(picture)
    pen.line(
        [(size[0] * 0.3, size[1] * 0.2), (size[0] * 0.6, size[1] * 0.5), (size[0] * 0.4, size[1] * 0.9)], ink, size[0] // 9
    )
    return picture


PICTURES = {
    "white on black": digit("L", (280, 280), 0, 255),
    "black on white": digit("RGB", (280, 280), "white", "navy"),
    "pencil on grey paper": digit("L", (200, 200), 190, 60),
    "wide": digit("RGB", (301, 160), "white", "black"),
    "small": digit("L", (5, 5), 0, 255),
    "clear": digit("RGBA", (120, 120), (0, 0, 0, 0), (10, 20, 30, 180)),
    "as it is": digit("L", (8, 8), 0, 200),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_becomes_the_input_that_predict_makes_of_it(modules: Any, tmp_path: Path, name: str) -> None:
    picture, path = PICTURES[name], tmp_path / "picture.png"
    picture.save(path)
    dataset = data.load(DataSpec(name="digits"))
    image, steps = prepared(path, dataset, border_of(dataset), "auto")
    rgba = np.asarray(picture.convert("RGBA"))
    given = {"width": picture.width, "height": picture.height, "pixels": base64.b64encode(rgba.tobytes()).decode()}
    values, sentences = modules.evaluate(PREPARE, {**given, "target": picture_target(dataset)})
    np.testing.assert_allclose(values, image.ravel(), atol=0.07)  # of 16: rounding to bytes before may differ by one of 255
    assert sentences == list(steps)
