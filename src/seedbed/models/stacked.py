"""Populations whose members have equal shapes: the numbers of a member are a row of a matrix of kernels, and one of the others.

So an optimizer's step is two loops, however many arrays a network has, and these compile in a fraction of the time of one per
array. A convolutional member works on more values than the caches hold, so on a CPU members and microbatches run in a loop,
each forward and backward at once; on a GPU they are vectorized (`vmap`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.kernels.sums import SIZES, SQUARES, norms
from seedbed.models import segments
from seedbed.models.architecture import Shapes, Weights
from seedbed.models.protocol import Batch, Hyperparameters, Outputs, Params, Penalty, State, loss_gradients
from seedbed.specs import ModelSpec

KERNELS, OTHERS = "kernels", "others"
"""Parts of the parameters, each `(M, numbers)`: kernels, which are penalized, and all others."""


class StackedPopulation(ABC):
    """The parts of the interface that follow from stacking; a family defines what one member computes.

    Args:
        specs: the members, with equal shapes.
        shapes: names and shapes of the arrays that training changes by a gradient.
        microbatch: images per microbatch in training. None means the whole minibatch.
        vectorized: whether to run all members at once instead of one after the other.
        multiple: microbatches are padded to a multiple of this number of images.
    """

    def __init__(
        self, specs: Sequence[ModelSpec], shapes: Shapes, *, microbatch: int | None, vectorized: bool, multiple: int = 1
    ) -> None:
        self.specs = tuple(specs)
        self.weight_shapes = shapes
        self._parts: dict[str, Shapes] = {KERNELS: {}, OTHERS: {}}
        for name, shape in shapes.items():
            self._parts[KERNELS if is_kernel(name) else OTHERS][name] = shape
        self.microbatch = microbatch
        self._multiple = multiple
        self.vectorized = vectorized

    classes: int

    @property
    @abstractmethod
    def signature(self) -> Hashable: ...

    @property
    def eval_batch_size(self) -> int:
        return 500 if self.vectorized else 50

    @property
    def form(self) -> str:
        """Name of the form of its computing; "" if there is only one."""
        return ""

    @property
    def lanes(self) -> int:
        return 0

    def enter(self, images: Array) -> Array:
        """Bring images `(B, h, w, c)` into the layout that `one` takes; once for all members."""
        return images

    @abstractmethod
    def one(self, params: Params, state: State, x: Array, count: int, dropout: Array, key: Array | None) -> Outputs:
        """Compute one member's logits `(C, count)`, new state and scalar probes; the arguments have no axis for members.

        Args:
            params, state: the member's own.
            x: images as `enter` returns them.
            count: number of images.
            dropout: rate.
            key: key of the random numbers. None means inference.
        """

    def one_with_loss(
        self, params: Params, state: State, x: Array, count: int, dropout: Array, key: Array
    ) -> tuple[Array, State, Array]:
        """Compute one member's logits and new state in training, and the sum of the losses that its layers add."""
        logits, state, _ = self.one(params, state, x, count, dropout, key)
        return logits, state, jnp.zeros(())

    @abstractmethod
    def initial(self, seed: int) -> list[Weights]: ...

    def own_penalty(self, params: Params) -> Array:
        """Penalty from one member's own layers (regularizers of a user's network)."""
        return jnp.zeros(())

    @property
    def raw_pixels(self) -> bool:
        return False

    def constrained(self, params: Params, alive: Params) -> Params:
        return params

    def apply(self, params: Params, state: State, images: Array, hyper: Hyperparameters, key: Array | None) -> Outputs:
        x, count = self.enter(images), len(images)

        def member(arguments: tuple[Params, State, Array]) -> Outputs:
            params, state, dropout = arguments
            return self.one(self.apart(params), state, x, count, dropout, key)

        return cast("Outputs", self._over_members(member, (params, state, hyper.dropout), hyper.alive))

    def gradients(self, params: Params, state: State, batch: Batch, hyper: Hyperparameters, key: Array) -> tuple[Params, State]:
        parts = _microbatches(batch, self.microbatch, self._multiple)
        entered = parts._replace(images=jax.vmap(self.enter)(parts.images))

        def member(arguments: tuple[Params, State, Hyperparameters]) -> tuple[Params, State]:
            return self._member_gradients(*arguments, entered, key)

        return cast("tuple[Params, State]", self._over_members(member, (params, state, hyper), hyper.alive))

    def _over_members(self, member: Callable[[Any], Any], arguments: Any, alive: Array | None) -> Any:
        """The results of all members; zeros of those that do not train, where members run one after the other."""
        if len(self.specs) == 1:
            alone = member(jax.tree.map(lambda leaf: leaf[0], arguments))
            return jax.tree.map(lambda leaf: leaf[None], alone)
        if self.vectorized:
            return jax.vmap(member)(arguments)
        if alive is None:
            return jax.lax.map(member, arguments)
        traced = jax.jit(member)  # once, for the shapes of its results and for the loop

        def of_living(arguments: tuple[Array, Any]) -> Any:
            alive, own = arguments
            nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(traced, own))
            return jax.lax.cond(alive, traced, lambda _: nothing, own)

        return jax.lax.map(of_living, (alive, arguments))

    def _member_gradients(
        self, params: Params, state: State, hyper: Hyperparameters, parts: Batch, key: Array
    ) -> tuple[Params, State]:
        """Sum the gradients of the layers' own penalties and, over microbatches, of the minibatch's mean loss."""
        parts = parts._replace(weights=parts.weights / jnp.sum(parts.weights))
        of_classes = None if hyper.class_weights is None else hyper.class_weights[None]
        count, size = parts.labels.shape

        def step(train_state: tuple[Params, State], numbered: tuple[Array, Batch]) -> tuple[tuple[Params, State], None]:
            total, state = train_state
            number, part = numbered
            its_key = jax.random.fold_in(key, number)

            def trained(params: Params) -> tuple[tuple[Array, Array], State]:
                arrays = self.apart(params)
                logits, after, added = self.one_with_loss(arrays, state, part.images, size, hyper.dropout, its_key)
                return (logits[None], added), after

            (logits, added), backward, state = jax.vjp(trained, params, has_aux=True)
            of_logits = loss_gradients(logits, part.labels, part.weights, of_classes, lanes=self.lanes)
            (gradients,) = backward((of_logits, jnp.ones_like(added)))
            return (jax.tree.map(jnp.add, total, gradients), state), None

        start = jax.grad(lambda params: self.own_penalty(self.apart(params)))(params)
        if count == 1:
            (total, state), _ = step((start, state), (jnp.zeros((), jnp.int32), jax.tree.map(lambda leaf: leaf[0], parts)))
            return total, state
        (total, state), _ = jax.lax.scan(step, (start, state), (jnp.arange(count), parts))
        return total, state

    def penalty(self, params: Params, hyper: Hyperparameters) -> Penalty:
        sums = self._sums([params], (SQUARES, SIZES))
        squares, sizes = (sum((of_both[kind] for of_both in sums.values()), jnp.zeros(())) for kind in range(2))
        own = jax.vmap(lambda params: self.own_penalty(self.apart(params)))(params)
        return Penalty(hyper.l2 * squares + hyper.l1 * sizes + own, {layer: of_both[0] for layer, of_both in sums.items()})

    def squares(self, trees: Sequence[Params]) -> dict[str, Array]:
        return self._sums(trees, (SQUARES,))

    def _sums(self, trees: Sequence[Params], kinds: tuple[int, ...]) -> dict[str, Array]:
        """Sums over each layer's kernels, layer -> `(trees * kinds, M)`.

        Args:
            kinds: which sums, as `kernels.sums` numbers them.
        """
        layers = [name.rpartition("/")[0] for name in self._parts[KERNELS]]  # a separable convolution has two kernels
        names, members = list(dict.fromkeys(layers)), len(self.specs)
        if self.lanes and names:
            of_arrays = [(names.index(layer) * members, size) for layer, size in zip(layers, self._sizes(KERNELS), strict=True)]
            ranges = tuple((first + member, size) for member in range(members) for first, size in of_arrays)
            each = [norms(tree[KERNELS], ranges, len(names) * members, self.lanes) for tree in trees]
            sums = jnp.stack([of_tree[kind] for of_tree in each for kind in kinds])
            return {name: sums[:, place * members : (place + 1) * members] for place, name in enumerate(names)}
        changed = jnp.stack([segments.ELEMENTWISE[kind](tree[KERNELS]) for tree in trees for kind in kinds])
        found: dict[str, Array] = {}
        for layer, part in zip(layers, segments.cut(changed, self._sizes(KERNELS), axis=2), strict=True):
            own = jnp.sum(part, axis=-1)
            found[layer] = found[layer] + own if layer in found else own
        return found

    def apart(self, params: Params) -> dict[str, Array]:
        """Each array by its name, from the rows of one member or of all."""
        found: dict[str, Array] = {}
        for part, shapes in self._parts.items():
            pieces = segments.cut(params[part], self._sizes(part), axis=params[part].ndim - 1)
            found |= {n: x.reshape(*x.shape[:-1], *shape) for (n, shape), x in zip(shapes.items(), pieces, strict=True)}
        return found

    def _sizes(self, part: str) -> list[int]:
        """Count of the numbers in each array of a part."""
        return [math.prod(shape) for shape in self._parts[part].values()]

    def joined(self, arrays: Mapping[str, Array]) -> Params:
        """Invert `apart`, for arrays of all members."""
        rows = {name: x.reshape(len(self.specs), -1) for name, x in arrays.items()}
        nothing = jnp.zeros((len(self.specs), 0), jnp.float32)
        return {
            part: jnp.concatenate([rows[name] for name in names], axis=1) if names else nothing
            for part, names in self._parts.items()
        }

    def broadcast(self, values: Array, params: Params) -> Params:
        return dict.fromkeys(self._parts, values[:, None])

    def kernels(self, params: Params) -> Params:
        return {part: part == KERNELS for part in self._parts}

    def unpack(self, params: Params, state: State, member: int) -> Weights:
        weights: Weights = {}
        for part, shapes in self._parts.items():
            pieces = segments.views(np.asarray(params[part][member]), self._sizes(part))
            weights |= {n: x.reshape(shape).copy() for (n, shape), x in zip(shapes.items(), pieces, strict=True)}
        return {name: weights[name] for name in self.weight_shapes} | {
            name: np.array(leaf[member]) for name, leaf in state.items()
        }

    def pack(self, members: Sequence[Weights]) -> tuple[Params, State]:
        nothing = np.zeros(0, np.float32)

        def row(weights: Weights, names: Iterable[str]) -> NDArray[np.float32]:
            return np.concatenate([nothing, *(weights[name].ravel() for name in names)])

        params = {part: np.stack([row(own, names) for own in members]) for part, names in self._parts.items()}
        names = [name for name in self.state_names() if name in members[0]]
        return params, {name: np.stack([weights[name] for weights in members]) for name in names}

    def state_names(self) -> tuple[str, ...]:
        """Names of the arrays that training changes without a gradient."""
        return ()


def is_kernel(name: str) -> bool:
    """Whether the array is penalized: a layer's kernel, not a bias or a parameter of a normalization."""
    return name.rpartition("/")[2].endswith("kernel")


def _microbatches(batch: Batch, size: int | None, multiple: int) -> Batch:
    """Split the minibatch into parts of equal size along a new leading axis; rows that pad the last part have weight 0."""
    images = batch.labels.shape[0]
    size = -(-min(size or images, images) // multiple) * multiple
    missing = -images % size

    def part(leaf: Array) -> Array:
        filled = jnp.pad(leaf, ((0, missing), *((0, 0),) * (leaf.ndim - 1)))
        return filled.reshape(-1, size, *leaf.shape[1:])

    return Batch(*map(part, batch))
