"""Layers of several networks against products in float64, over drawn blocks; their bits; and calls that do not fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.samples import QUICK, VARIANTS, close
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.kernels.products import SPARE, Block, Diagonal, multiply

pytestmark = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")


@st.composite
def layers(draw: Any) -> Diagonal:
    """Blocks whose inputs are in another order than their outputs; or one whose inputs are images."""
    lanes = INSTRUCTION_SETS[draw(st.sampled_from(VARIANTS))]
    if draw(st.booleans()):
        return Diagonal((Block(1, draw(st.integers(1, 40)), draw(st.integers(1, 900))),), lanes, images=True)
    sizes = st.tuples(st.integers(1, 3), st.integers(1, 30), st.integers(1, 40))
    shapes = draw(st.lists(sizes, min_size=1, max_size=4))
    starts, next_row = dict[int, int](), 0
    for number in draw(st.permutations(range(len(shapes)))):
        starts[number] = next_row
        next_row += shapes[number][0] * shapes[number][2]
    return Diagonal(tuple(Block(*shape, starts[number]) for number, shape in enumerate(shapes)), lanes)


def arrays(layer: Diagonal, images: int) -> tuple[Any, ...]:
    """Kernels, biases, inputs, and the gradient of the output."""
    draws = np.random.default_rng(0)
    inputs = sum(block.members * block.inputs for block in layer.blocks)
    numbers = sum(block.members * block.outputs * block.inputs for block in layer.blocks)
    shapes = ((numbers,), (layer.outputs,), (images, inputs) if layer.images else (inputs, images), (layer.outputs, images))
    return tuple(draws.normal(size=shape).astype(np.float32) for shape in shapes)


def whole(layer: Diagonal, kernels: Any) -> Any:
    """The matrix with its zeros, `(outputs, inputs)`."""
    matrix = np.zeros((layer.outputs, sum(block.members * block.inputs for block in layer.blocks)))
    at = row = 0
    for block in layer.blocks:
        for member in range(block.members):
            column, size = block.start + member * block.inputs, block.outputs * block.inputs
            part = kernels[at : at + size].reshape(block.outputs, block.inputs)
            matrix[row : row + block.outputs, column : column + block.inputs] = part
            at, row = at + size, row + block.outputs
    return matrix


def by_kernels(layer: Diagonal, kernels: Any, biases: Any, x: Any, dz: Any) -> tuple[Any, ...]:
    z, backward = jax.vjp(lambda *parts: multiply(layer, *parts), kernels, biases, x)
    return z, *backward(dz)


@settings(max_examples=30, deadline=None)
@given(layer=layers(), images=st.integers(1, 70))
def test_outputs_and_gradients_are_those_of_the_whole_matrix_in_float64(layer: Diagonal, images: int) -> None:
    kernels, biases, x, dz = arrays(layer, images)
    z, dkernels, dbiases, dx = by_kernels(layer, kernels, biases, x, dz)
    matrix, rows = whole(layer, kernels.astype(np.float64)), x.T if layer.images else x
    close(z, matrix @ rows + biases[:, None], 3e-6, least=1)
    close(dbiases, dz.sum(axis=1, dtype=np.float64), 3e-6, least=1)
    close(
        whole(layer, np.asarray(dkernels)),
        (whole(layer, np.ones(len(kernels))) > 0) * (dz.astype(float) @ rows.T),
        3e-6,
        least=1,
    )
    close(dx, 0 * x if layer.images else matrix.T @ dz, 3e-6, least=1)


LAYER = Diagonal((Block(2, 70, 30), Block(1, 20, 900, start=60)), INSTRUCTION_SETS[VARIANTS[0]] if VARIANTS else 0)


def test_the_same_call_gives_the_same_bits_from_any_thread_and_in_pieces() -> None:
    """The second block is divided among the program's threads; with many images, a call takes memory of its own."""
    for images in (130, 600):
        assert (900 * images > SPARE) == (images == 600)
        given_arrays = arrays(LAYER, images)
        compiled = jax.jit(lambda *parts: by_kernels(LAYER, *parts), compiler_options=QUICK)
        first = compiled(*given_arrays)
        with ThreadPoolExecutor(4) as threads:
            for again in threads.map(lambda _, run=compiled, parts=given_arrays: run(*parts), range(8)):
                assert jax.tree.all(jax.tree.map(np.array_equal, again, first))
        kernels, biases, x, _ = given_arrays
        for block, rows in ((LAYER.blocks[0], slice(0, 140)), (replace(LAYER.blocks[1], start=0), slice(140, 160))):
            size, inputs = block.members * block.outputs * block.inputs, slice(0, 60) if block.members == 2 else slice(60, 960)
            own = kernels[:size] if block.members == 2 else kernels[-size:]
            alone = multiply(Diagonal((block,), LAYER.lanes), own, biases[rows], x[inputs])
            np.testing.assert_array_equal(alone, first[0][rows])


def test_several_sets_of_networks_are_computed_one_by_one() -> None:
    kernels, biases, x, _ = arrays(LAYER, 5)
    both = jax.vmap(lambda kernels: multiply(LAYER, kernels, biases, x))(np.stack([kernels, 2 * kernels]))
    for found, factor in zip(both, (1, 2), strict=True):
        np.testing.assert_array_equal(found, multiply(LAYER, factor * kernels, biases, x))


@pytest.mark.parametrize(
    "wrong",
    [
        (Block(1, 4, 3), Block(1, 4, 3)),
        (Block(1, 4, 3), Block(1, 4, 3, start=4)),
        (Block(1, 4, 6), Block(1, 4, 3, start=6)),
        (Block(0, 4, 3), Block(1, 8, 6)),
        (),
    ],
)
def test_blocks_that_do_not_fit_the_arrays_are_an_error(wrong: tuple[Block, ...]) -> None:
    lanes = INSTRUCTION_SETS[VARIANTS[0]]
    right = Diagonal((Block(1, 4, 3), Block(1, 4, 3, start=3)), lanes)
    kernels, biases, x, _ = arrays(right, 2)
    multiply(right, kernels, biases, x).block_until_ready()
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        multiply(_Saying(wrong, lanes, outputs=8), kernels, biases, x).block_until_ready()
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        multiply(right, kernels, biases, jnp.ones((3, 2))).block_until_ready()


class _Saying(Diagonal):
    """Blocks that claim to have so many rows."""

    def __init__(self, blocks: tuple[Block, ...], lanes: int, outputs: int) -> None:
        super().__init__(blocks, lanes)
        object.__setattr__(self, "_outputs", outputs)

    @property
    def outputs(self) -> int:
        return int(self._outputs)  # type: ignore[attr-defined]


def test_vectors_that_no_processor_has_are_an_error() -> None:
    kernels, biases, x, _ = arrays(LAYER, 2)
    with pytest.raises(jax.errors.JaxRuntimeError, match="no such vectors"):
        multiply(replace(LAYER, lanes=3), kernels, biases, x).block_until_ready()
