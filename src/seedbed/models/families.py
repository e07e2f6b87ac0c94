"""Families of networks: one object per family holds all code that depends on the family, except its spec.

No framework is loaded before a network is built.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from seedbed import kernels
from seedbed.devices import signals_held_back
from seedbed.kinds import Registry
from seedbed.models.architecture import (
    LARGEST_MICROBATCH,
    MICROBATCH,
    ImageShape,
    LayerFacts,
    Shapes,
    conv_layers,
    conv_shapes,
    conv_weight_shapes,
    dense_layers,
    dense_weight_shapes,
    microbatch,
)
from seedbed.records import DataFacts, ModelFacts
from seedbed.specs import Conv, Dense, Keras, ModelSpec, Plan

if TYPE_CHECKING:
    from seedbed.models.protocol import Population

MIB = 2**20
SpecT = TypeVar("SpecT", bound=ModelSpec)


@dataclass(frozen=True)
class Pace:
    """How fast a core of a CPU trains a family, for forecasts.

    Attributes:
        share: share of the core's speed of large matrix products that training reaches.
        compilation: time to compile a program (s).
        member: what each member adds to that (s).
    """

    share: float
    compilation: float
    member: float


class Family(ABC, Generic[SpecT]):
    """A family of networks.

    Attributes:
        name: name in specs.
        pace: how fast a core trains it.
        process: memory of a worker before its first task, without the files of libraries, which all workers share (bytes).
        compilation: memory that compiling a program takes (bytes).
        constants: number of further copies of each parameter that a compiled program holds.
        images: images per evaluation batch on a CPU.
    """

    name: ClassVar[str]
    pace: ClassVar[Pace] = Pace(share=0.1, compilation=8.0, member=0.0)
    process: ClassVar[int] = 160 * MIB
    compilation: ClassVar[int] = 200 * MIB
    constants: ClassVar[int] = 0
    images: ClassVar[int] = 50

    @abstractmethod
    def population(self, specs: Sequence[SpecT], shape: ImageShape, classes: int, precision: str, on_cpu: bool) -> Population:
        """Build networks of this family that train together, as one block of a compiled program."""

    @abstractmethod
    def layers(self, spec: SpecT, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
        """Layers, first to last, with shapes, parameters and operations for one image."""

    @abstractmethod
    def program(self, spec: SpecT) -> Hashable:
        """Key that is equal for networks that one compiled program can train; networks with dropout need another program."""

    def order(self, spec: SpecT) -> tuple[Any, ...]:
        """Sort key that places equal networks of a program next to each other."""
        return ()

    def weight_shapes(self, spec: SpecT, image_shape: ImageShape, classes: int) -> Shapes | None:
        """Names and shapes of a network's arrays; None where they are known only once the network is built."""
        return None

    def compiled_layers(self, specs: Sequence[SpecT]) -> int:
        """Number of layers with weights, over the distinct shapes among these networks; 0 where it is unknown."""
        return 0

    def training_operations(self, spec: SpecT, facts: ModelFacts, image_shape: ImageShape, classes: int) -> int:
        """Operations per image of a training step: three forward passes, without the gradient of the first layer's inputs."""
        first, *later = [layer.operations for layer in self.layers(spec, image_shape, classes) if layer.operations]
        return 2 * first + 3 * sum(later)

    def numbers(self, specs: Sequence[SpecT], data: DataFacts, *, batch: int, blocks: int, on_cpu: bool) -> int:
        """Peak number of float32 values that a training step or an evaluation holds, without weights.

        On a CPU the networks run one at a time, on a GPU all at once.
        """
        images = self.images if on_cpu else 500
        step = self.microbatch(specs[0], data, batch) if on_cpu else batch
        networks = 1 if on_cpu else len(specs) * blocks
        activations = 2 * max(step, images) * self.numbers_per_image(specs[0], data, on_cpu)
        return networks * (activations + 2 * max(batch, images) * math.prod(data.image_shape))

    def traits(self, spec: SpecT, image_shape: ImageShape, classes: int) -> tuple[str, ...]:
        """What is to be known of the network besides its size, see `ModelFacts`."""
        return ()

    def remarks(self, spec: SpecT, image_shape: ImageShape, classes: int, plan: Plan) -> list[str]:
        """Sentences for the user about a network that is about to be trained."""
        return []

    def microbatch(self, spec: SpecT, data: DataFacts, batch: int) -> int:
        """Images per microbatch on a CPU."""
        return batch

    def numbers_per_image(self, spec: SpecT, data: DataFacts, on_cpu: bool) -> int:
        """Values per image in a forward pass: the output of each layer, before and after its activation."""
        return sum(2 * math.prod(layer.output_shape) for layer in known_layers(spec, data.image_shape, len(data.classes)))


class DenseFamily(Family[Dense]):
    """Fully connected networks: any mix of widths, depths and activations shares a program."""

    name = "dense"
    pace = Pace(share=0.6, compilation=2.0, member=0.1)
    compilation = 40 * MIB
    constants = 5
    images = 500

    def population(self, specs: Sequence[Dense], shape: ImageShape, classes: int, precision: str, on_cpu: bool) -> Population:
        from seedbed.models.dense import DensePopulation

        return DensePopulation(specs, shape, classes, precision=precision, on_cpu=on_cpu)

    def layers(self, spec: Dense, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
        drop = f", dropout {spec.dropout:g}" if spec.dropout else ""
        return list(dense_layers([math.prod(image_shape), *spec.hidden, classes], f"{spec.activation}{drop}"))

    def program(self, spec: Dense) -> Hashable:
        return "dense"

    def order(self, spec: Dense) -> tuple[Any, ...]:
        return spec.activation, len(spec.hidden), spec.hidden

    def weight_shapes(self, spec: Dense, image_shape: ImageShape, classes: int) -> Shapes:
        return dense_weight_shapes([math.prod(image_shape), *spec.hidden, classes])

    def compiled_layers(self, specs: Sequence[Dense]) -> int:
        return sum(len(hidden) + 1 for hidden, _ in {(spec.hidden, spec.activation) for spec in specs})

    def numbers(self, specs: Sequence[Dense], data: DataFacts, *, batch: int, blocks: int, on_cpu: bool) -> int:
        units = sum(sum(spec.hidden) + len(data.classes) for spec in specs)
        inputs = math.prod(data.image_shape)
        return blocks * (max(4 * batch, 3 * self.images) * units + 2 * max(batch, self.images) * inputs)


class ConvFamily(Family[Conv]):
    """Convolutional networks: networks with equal shapes share a program."""

    name = "conv"
    pace = Pace(share=0.4, compilation=1.5, member=0.2)
    compilation = 100 * MIB

    def population(self, specs: Sequence[Conv], shape: ImageShape, classes: int, precision: str, on_cpu: bool) -> Population:
        from seedbed.models.conv import ConvPopulation

        return ConvPopulation(specs, shape, classes, precision=precision, on_cpu=on_cpu)

    def layers(self, spec: Conv, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
        layers = list(conv_layers(spec, image_shape))
        return [*layers, *dense_layers([*layers[-1].output_shape, *spec.hidden, classes], spec.activation)]

    def program(self, spec: Conv) -> Hashable:
        return spec.changed(dropout=0.0)

    def weight_shapes(self, spec: Conv, image_shape: ImageShape, classes: int) -> Shapes:
        return conv_weight_shapes(spec, image_shape, classes)

    def compiled_layers(self, specs: Sequence[Conv]) -> int:
        shapes = {(spec.filters, spec.hidden, spec.activation) for spec in specs}
        return sum(len(filters) + len(hidden) + 1 for filters, hidden, _ in shapes)

    def microbatch(self, spec: Conv, data: DataFacts, batch: int) -> int:
        return min(batch, microbatch(conv_shapes(spec, data.image_shape)))

    def numbers_per_image(self, spec: Conv, data: DataFacts, on_cpu: bool) -> int:
        """Values per image in a forward pass; on a CPU these are patches, their products with the kernels, and pooled maps."""
        if not on_cpu:
            return super().numbers_per_image(spec, data, on_cpu)
        return sum(block.numbers for block in conv_shapes(spec, data.image_shape)) + sum(spec.hidden)


class KerasFamily(Family[Keras]):
    """The user's own networks: only equal networks share a program."""

    name = "keras"
    process = 330 * MIB
    images = LARGEST_MICROBATCH

    def population(self, specs: Sequence[Keras], shape: ImageShape, classes: int, precision: str, on_cpu: bool) -> Population:
        from seedbed.models.keras import KerasPopulation

        return KerasPopulation(specs, shape, classes, on_cpu=on_cpu)

    def layers(self, spec: Keras, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
        with signals_held_back():
            from seedbed.models.keras import describe_keras
            from seedbed.models.keras_backend import load_keras

            load_keras()

        return describe_keras(spec, image_shape, classes)

    def program(self, spec: Keras) -> Hashable:
        return spec

    def traits(self, spec: Keras, image_shape: ImageShape, classes: int) -> tuple[str, ...]:
        from seedbed.models.keras import traits

        return traits(spec, image_shape, classes)

    def remarks(self, spec: Keras, image_shape: ImageShape, classes: int, plan: Plan) -> list[str]:
        from seedbed.models.keras import remarks

        return remarks(spec, image_shape, classes, plan)

    def training_operations(self, spec: Keras, facts: ModelFacts, image_shape: ImageShape, classes: int) -> int:
        """Operations per image of a training step: three forward passes, since the first layer is not known."""
        return 3 * facts.operations

    def microbatch(self, spec: Keras, data: DataFacts, batch: int) -> int:
        kinds = [layer.kind for layer in known_layers(spec, data.image_shape, len(data.classes))]
        parts = any("Conv" in kind for kind in kinds) and "BatchNormalization" not in kinds and not kernels.support().lanes
        return min(batch, MICROBATCH) if parts else batch

    def numbers_per_image(self, spec: Keras, data: DataFacts, on_cpu: bool) -> int:
        """Values per image in a forward pass: outputs of the layers, and patches of convolutions."""
        maps = [layer for layer in known_layers(spec, data.image_shape, len(data.classes)) if len(layer.output_shape) == 3]
        patches = sum(layer.operations // (2 * layer.output_shape[-1]) for layer in maps)
        return super().numbers_per_image(spec, data, on_cpu) + patches


FAMILIES: Registry[Family[Any]] = Registry("family", DenseFamily(), ConvFamily(), KerasFamily())


def build(
    specs: Sequence[ModelSpec], image_shape: ImageShape, classes: int, *, precision: str = "f32", on_cpu: bool = True
) -> Population:
    """Build a population of networks of one family that can share a program."""
    return FAMILIES[specs[0].family].population(specs, image_shape, classes, precision, on_cpu)


def describe(spec: ModelSpec, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
    """Layers, first to last, with shapes, parameters and operations for one image."""
    return FAMILIES[spec.family].layers(spec, image_shape, classes)


@lru_cache(maxsize=4096)
def known_layers(spec: ModelSpec, image_shape: ImageShape, classes: int) -> tuple[LayerFacts, ...]:
    """Layers as from `describe`, cached; only for specs that identify their code, such as those of runs."""
    return tuple(describe(spec, image_shape, classes))


def facts(spec: ModelSpec, image_shape: ImageShape, classes: int) -> ModelFacts:
    """Parameters, operations for one image, and hidden units (dense units before the last layer, convolution filters)."""
    layers = known_layers(spec, image_shape, classes)
    units = sum(layer.output_shape[-1] for layer in layers[:-1] if layer.parameters and layer.output_shape)
    traits = FAMILIES[spec.family].traits(spec, image_shape, classes)
    return ModelFacts(sum(layer.parameters for layer in layers), sum(layer.operations for layer in layers), units, traits)
