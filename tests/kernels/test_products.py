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
from seedbed.kernels.calls import Ranges
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.kernels.products import SPARE, Block, Diagonal, multiply

pytestmark = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")


@st.composite
def layers(draw: Any) -> Diagonal:
    """Blocks whose inputs are in another order than their outputs; or one whose inputs are images, of some networks."""
    lanes = INSTRUCTION_SETS[draw(st.sampled_from(VARIANTS))]
    if draw(st.booleans()):
        units = draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
        block = Block(1, sum(units), draw(st.integers(1, 900)))
        return Diagonal((block,), tuple(enumerate(units)), lanes, images=True)
    sizes = st.tuples(st.integers(1, 3), st.integers(1, 30), st.integers(1, 40))
    shapes = draw(st.lists(sizes, min_size=1, max_size=4))
    starts, next_row = dict[int, int](), 0
    for number in draw(st.permutations(range(len(shapes)))):
        starts[number] = next_row
        next_row += shapes[number][0] * shapes[number][2]
    return diagonal(tuple(Block(*shape, starts[number]) for number, shape in enumerate(shapes)), lanes)


def diagonal(blocks: tuple[Block, ...], lanes: int) -> Diagonal:
    """Blocks of networks that follow each other."""
    outputs = [block.outputs for block in blocks for _ in range(block.members)]
    return Diagonal(blocks, tuple(enumerate(outputs)), lanes)


def all_of(layer: Diagonal) -> Any:
    return np.ones(len(layer.owners), bool)


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


def by_kernels(layer: Diagonal, alive: Any, kernels: Any, biases: Any, x: Any, dz: Any) -> tuple[Any, ...]:
    z, backward = jax.vjp(lambda *parts: multiply(layer, alive, *parts), kernels, biases, x)
    return z, *backward(dz)


@settings(max_examples=50, deadline=None)
@given(layer=layers(), images=st.integers(1, 70), draws=st.data())
def test_outputs_and_gradients_are_those_of_the_whole_matrix_in_float64(layer: Diagonal, images: int, draws: Any) -> None:
    """Those of networks that are not alive are 0."""
    alive = draws.draw(st.just(all_of(layer)) | st.lists(st.booleans(), min_size=len(layer.owners), max_size=len(layer.owners)))
    kernels, biases, x, dz = arrays(layer, images)
    z, dkernels, dbiases, dx = by_kernels(layer, np.array(alive), kernels, biases, x, dz)
    units = np.repeat(alive, [count for _, count in layer.owners])[:, None]
    matrix, rows, dz = units * whole(layer, kernels.astype(np.float64)), x.T if layer.images else x, units * dz.astype(float)
    close(z, matrix @ rows + units * biases[:, None], 3e-6, least=1)
    close(dbiases, dz.sum(axis=1), 3e-6, least=1)
    close(whole(layer, np.asarray(dkernels)), (whole(layer, np.ones(len(kernels))) > 0) * (dz @ rows.T), 3e-6, least=1)
    close(dx, 0 * x if layer.images else matrix.T @ dz, 3e-6, least=1)


LAYER = diagonal((Block(2, 70, 30), Block(1, 20, 900, start=60)), INSTRUCTION_SETS[VARIANTS[0]] if VARIANTS else 0)
ALL = all_of(LAYER)


def test_the_same_call_gives_the_same_bits_from_any_thread_and_in_pieces() -> None:
    """The second block is divided among the program's threads; with many images, a call takes memory of its own."""
    for images in (130, 600):
        assert (900 * images > SPARE) == (images == 600)
        given_arrays = arrays(LAYER, images)
        compiled = jax.jit(lambda *parts: by_kernels(LAYER, ALL, *parts), compiler_options=QUICK)
        first = compiled(*given_arrays)
        with ThreadPoolExecutor(4) as threads:
            for again in threads.map(lambda _, run=compiled, parts=given_arrays: run(*parts), range(8)):
                assert jax.tree.all(jax.tree.map(np.array_equal, again, first))
        kernels, biases, x, _ = given_arrays
        for block, rows in ((LAYER.blocks[0], slice(0, 140)), (replace(LAYER.blocks[1], start=0), slice(140, 160))):
            size, inputs = block.members * block.outputs * block.inputs, slice(0, 60) if block.members == 2 else slice(60, 960)
            own = kernels[:size] if block.members == 2 else kernels[-size:]
            layer = diagonal((block,), LAYER.lanes)
            np.testing.assert_array_equal(multiply(layer, all_of(layer), own, biases[rows], x[inputs]), first[0][rows])


def test_several_sets_of_networks_are_computed_one_by_one() -> None:
    kernels, biases, x, _ = arrays(LAYER, 5)
    both = jax.vmap(lambda kernels: multiply(LAYER, ALL, kernels, biases, x))(np.stack([kernels, 2 * kernels]))
    for found, factor in zip(both, (1, 2), strict=True):
        np.testing.assert_array_equal(found, multiply(LAYER, ALL, factor * kernels, biases, x))


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
    right = diagonal((Block(1, 4, 3), Block(1, 4, 3, start=3)), lanes)
    kernels, biases, x, _ = arrays(right, 2)
    both = all_of(right)
    multiply(right, both, kernels, biases, x).block_until_ready()
    of_others = [replace(right, owners=owners) for owners in (((0, 4),), ((0, 4), (1, 5)), ((0, 4), (2, 4)), ((0, 4), (-1, 4)))]
    for layer in [_Saying(wrong, right.owners, lanes, outputs=8), *of_others]:
        with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
            multiply(layer, both, kernels, biases, x).block_until_ready()
    for alive, inputs in ((both.astype(np.float32), x), (both, jnp.ones((3, 2)))):
        with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
            multiply(right, alive, kernels, biases, inputs).block_until_ready()


class _Saying(Diagonal):
    """Blocks that claim to have so many rows."""

    def __init__(self, blocks: tuple[Block, ...], owners: Ranges, lanes: int, outputs: int) -> None:
        super().__init__(blocks, owners, lanes)
        object.__setattr__(self, "_outputs", outputs)

    @property
    def outputs(self) -> int:
        return int(self._outputs)  # type: ignore[attr-defined]


def test_vectors_that_no_processor_has_are_an_error() -> None:
    kernels, biases, x, _ = arrays(LAYER, 2)
    with pytest.raises(jax.errors.JaxRuntimeError, match="no such vectors"):
        multiply(replace(LAYER, lanes=3), ALL, kernels, biases, x).block_until_ready()
