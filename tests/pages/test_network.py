"""`static/network.js` computes what the engine computes, in a real browser, for everything that a spec can ask for."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.samples import switched
from seedbed import models
from seedbed.kinds import ACTIVATIONS
from seedbed.models.protocol import Hyperparameters
from seedbed.runs.arrays import safetensors_pieces
from seedbed.specs import Conv, Dense, ModelSpec

GREY, COLOUR = (9, 8, 1), (9, 8, 3)
CLASSES = 4
SCALE = 255.0
NORMALIZATION = {"scale": SCALE, "mean": [0.0], "deviation": [1.0]}

DENSE = [Dense(hidden=(6, 5), activation=name) for name in ACTIVATIONS]
CONV = {
    **{name: Conv(filters=(4, 3), activation=name, hidden=(5,)) for name in ("relu", "gelu")},
    "valid": Conv(filters=(4,), kernel=(3,), padding="valid", pool=(1,)),
    "strides": Conv(filters=(4, 3), kernel=(4, 3), stride=(2, 1), pool=(1, 2)),
    "strides and valid": Conv(filters=(4,), kernel=(2,), stride=(3,), pool=(1,), padding="valid"),
    "pools": Conv(filters=(4, 3), kernel=(2, 1), pool=(3, 2)),
    "average": Conv(filters=(4,), head="average"),
    "separable": Conv(filters=(4, 6, 3), kernel=(3,), pool=(1, 2, 1), separable=True, activation="tanh"),
    "separable strides": Conv(filters=(4, 6), kernel=(3, 5), stride=(1, 2), pool=(1,), separable=True, head="average"),
    "dropout": Conv(filters=(4,), hidden=(5,), dropout=0.5),
}

RUN = """async ({ cases, saliency }) => {
  const { Network, readSafetensors } = await import("/network.js");
  return cases.map(({ description, weights, images }) => {
    const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
    const network = new Network(description, readSafetensors(bytes.buffer));
    return images.map((image) => {
      const { logits, layers } = network.run(image);
      const shapes = layers.map(({ name, shape, values }) => [name, shape, values.length]);
      const gradient = saliency ? [...network.saliency(2)] : [];
      const single = layers.every(({ name, values }) => String(network.output(image, name)) === String(values));
      return { logits: [...logits], shapes, saliency: gradient, single };
    });
  });
}"""


def pixels(shape: tuple[int, int, int]) -> Any:
    return np.random.default_rng(5).integers(0, 256, (3, *shape)).astype(np.float32)


@cache
def weights_of(spec: ModelSpec, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Weights large enough that every activation is met on both of its sides, with biases."""
    [arrays] = models.build([spec], shape, CLASSES).initial(1)
    draw = np.random.default_rng(2)
    return {name: (2 * array + draw.normal(0, 0.3, array.shape)).astype(np.float32) for name, array in arrays.items()}


def logits(specs: Sequence[ModelSpec], shape: tuple[int, int, int], x: Any) -> Any:
    """The engine's logits of inputs, `(members, images, classes)`."""
    population, none = models.build(specs, shape, CLASSES), jnp.zeros(len(specs))
    params, state = population.pack([weights_of(spec, shape) for spec in specs])
    computed = jax.jit(lambda images: population.apply(params, state, images, Hyperparameters(none, none, none), None)[0])(x)
    return jnp.swapaxes(computed, 1, 2)


def case(spec: ModelSpec, shape: tuple[int, int, int], normalization: dict[str, Any] = NORMALIZATION) -> dict[str, Any]:
    pieces = safetensors_pieces(weights_of(spec, shape))
    classes = [str(number) for number in range(CLASSES)]
    description = {"model": spec.plain(), "image_shape": shape, "classes": classes, "normalization": normalization}
    images = pixels(shape).reshape(3, -1).tolist()
    return {"description": description, "weights": base64.b64encode(b"".join(pieces)).decode(), "images": images}


def test_dense_networks_give_the_engines_logits_with_every_activation(modules: Any) -> None:
    found = modules.evaluate(RUN, {"cases": [case(spec, GREY) for spec in DENSE], "saliency": False})
    expected = logits(DENSE, GREY, jnp.asarray(pixels(GREY) / np.float32(SCALE)))
    for own, spec, engine in zip(found, DENSE, expected, strict=True):
        np.testing.assert_allclose([each["logits"] for each in own], engine, atol=1e-4, err_msg=spec.activation)


@pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])
def test_convolutional_networks_give_the_engines_logits_in_every_form(modules: Any, shape: tuple[int, int, int]) -> None:
    chosen = CONV if shape == GREY else {name: CONV[name] for name in ("relu", "valid", "separable")}
    found = modules.evaluate(RUN, {"cases": [case(spec, shape) for spec in chosen.values()], "saliency": False})
    for own, (name, spec) in zip(found, chosen.items(), strict=True):
        [engine] = logits([spec], shape, jnp.asarray(pixels(shape) / np.float32(SCALE)))
        np.testing.assert_allclose([each["logits"] for each in own], engine, atol=1e-4, err_msg=name)
        described = [[layer.name, list(layer.output_shape)] for layer in models.describe(spec, shape, CLASSES)]
        assert [layer[:2] for layer in own[0]["shapes"]] == described, name
        assert all(length == np.prod(sides) for _, sides, length in own[0]["shapes"])
        assert all(each["single"] for each in own), "a layer by itself is what it is among all"


@pytest.mark.parametrize("spec", [DENSE[5], CONV["separable"], CONV["pools"], CONV["gelu"]], ids=lambda spec: spec.title)
def test_saliency_is_the_gradient_of_the_logit(modules: Any, spec: ModelSpec) -> None:
    [found] = modules.evaluate(RUN, {"cases": [case(spec, GREY)], "saliency": True})
    x = jnp.asarray(pixels(GREY) / np.float32(SCALE))
    with switched("off"):  # native kernels leave out the gradient of their inputs in the first layer
        engine = jax.grad(lambda images: jnp.sum(logits([spec], GREY, images)[0][:, 2]))(x)
    np.testing.assert_allclose([each["saliency"] for each in found], engine.reshape(3, -1), atol=1e-4)


def test_pixels_are_normalized_channel_by_channel(modules: Any) -> None:
    spec = Dense(hidden=(6,))
    normalization = {"scale": SCALE, "mean": [0.2, 0.4, 0.6], "deviation": [0.5, 0.25, 0.1]}
    [found] = modules.evaluate(RUN, {"cases": [case(spec, COLOUR, normalization)], "saliency": False})
    x = (pixels(COLOUR) / SCALE - normalization["mean"]) / normalization["deviation"]
    [engine] = logits([spec], COLOUR, jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose([each["logits"] for each in found], engine, atol=1e-4)


def test_the_families_and_activations_are_those_of_the_engine(modules: Any) -> None:
    names = modules.evaluate(
        "async () => { const all = await import('/network.js'); return [all.FAMILIES, Object.keys(all.ACTIVATIONS)]; }"
    )
    assert names == [[name for name in models.FAMILIES if name != "keras"], list(ACTIVATIONS)]
