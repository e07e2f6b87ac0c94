"""How much memory a worker takes to train a population, known beforehand from specs and sizes.

Pure, and without jax: the planner asks before anything is allocated. What is counted, and what was measured:
`docs/reliability.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from seedbed.models import LayerFacts, describe
from seedbed.models.architecture import conv_shapes, microbatch
from seedbed.records import DataFacts
from seedbed.specs import Conv, Dense, Keras, ModelSpec, Optimizer, RunSpec

MIB = 2**20
FLOAT = 4
MICROBATCH = 32
"""Images at a time of a user's convolutional network."""

RESIDENT_BYTES = 256 * MIB
"""Training images of more bytes than this stay in their file, which all workers share."""

PIECE_BYTES = 16 * MIB
"""How many bytes of images a piece holds where they come from their file; up to three pieces are in memory at a time.

Small enough that memory is used again instead of being asked of the system for each, and for a processor's last cache."""

PROCESS = {"dense": 150 * MIB, "conv": 150 * MIB, "keras": 330 * MIB}
"""A worker before its first task; its libraries' own files, another 200 MiB that all workers share, not counted."""
COMPILING = {"dense": 40 * MIB, "conv": 200 * MIB, "keras": 200 * MIB}
COMPILING_A_LAYER = 4 * MIB
"""What compiling takes, and what each layer of each shape among a population's members adds (jaxlib 0.10.2)."""

CONSTANTS = 5
"""How often a number of a dense network is there besides: whose it is, an index in every compiled program."""

SLOTS: dict[Optimizer, int] = {"sgd": 0, "momentum": 1, "nesterov": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
"""Arrays that an optimizer keeps beside the weights (`training.optimizers.SLOTS`)."""

EVAL_IMAGES = {"dense": 500, "conv": 50, "keras": 50}
"""Images that an evaluation looks at at a time on a CPU."""


@dataclass(frozen=True)
class Footprint:
    """Bytes that a population takes at its peak, pages of mapped files left out, which the system can drop.

    Attributes:
        process: the worker itself; 0 on a GPU, whose memory they are not in.
        compilation: what compiling its programs takes beside.
        networks: weights, moments, best weights, and the largest of what comes and goes: gradients, or the copies of a save.
        answers: logits of the evaluation.
        images: of training and evaluation, as far as they are in memory.
        activations: of a minibatch or an evaluation's chunk.
        message: a save on its way through the driver.
    """

    process: int
    compilation: int
    networks: int
    answers: int
    images: int
    activations: int
    message: int

    @property
    def growing(self) -> int:
        """The part that grows with the members."""
        return self.networks + self.answers + self.activations + self.message

    @property
    def fixed(self) -> int:
        return self.process + self.compilation + self.images

    @property
    def total(self) -> int:
        return self.fixed + self.growing


def footprint(
    runs: Sequence[RunSpec], data: DataFacts, *, blocks: int = 1, pixel_bytes: int = 1, on_cpu: bool = True
) -> Footprint:
    """What a population of these runs, so many seeds abreast, will take at its peak.

    Args:
        runs: of one block.
        pixel_bytes: of an image's number in memory: 1 as uint8, 4 as float32.
        on_cpu: on a GPU all convolutional members work abreast, and the memory is the device's.
    """
    first = runs[0]
    numbers = blocks * sum(_parameters(run.model, data) for run in runs)
    slots = SLOTS[first.plan.optimizer]
    saved = (2 + slots) * FLOAT * numbers
    in_programs = CONSTANTS * FLOAT * numbers if isinstance(first.model, Dense) else 0
    coming_and_going = max(2 * saved, (7 + slots) * FLOAT * numbers)
    answers = FLOAT * len(runs) * blocks * len(data.classes) * data.validation
    return Footprint(
        process=PROCESS[first.model.family] if on_cpu else 0,
        compilation=COMPILING[first.model.family] + COMPILING_A_LAYER * _layers_to_compile(runs) if on_cpu else 0,
        networks=saved + in_programs + (coming_and_going if on_cpu else (7 + slots) * FLOAT * numbers),
        answers=7 * answers,
        images=_images(data, first.plan.batch_size, blocks, pixel_bytes),
        activations=_activations(runs, data, blocks, on_cpu),
        message=2 * saved if on_cpu else 0,
    )


def _layers_to_compile(runs: Sequence[RunSpec]) -> int:
    """Layers with weights, of all different shapes; a user's network counts as none."""
    shapes = {
        (model.filters if isinstance(model, Conv) else (), model.hidden, model.activation)
        for model in (run.model for run in runs)
        if not isinstance(model, Keras)
    }
    return sum(len(filters) + len(hidden) + 1 for filters, hidden, _ in shapes)


def certainly(runs: Sequence[RunSpec], data: DataFacts) -> int:
    """Bytes without which these runs cannot be trained together, whatever else is estimated wrongly."""
    numbers = sum(_parameters(run.model, data) for run in runs)
    return (3 + SLOTS[runs[0].plan.optimizer]) * FLOAT * numbers


def _parameters(model: ModelSpec, data: DataFacts) -> int:
    return sum(layer.parameters for layer in _layers(model, data.image_shape, len(data.classes)))


@lru_cache(maxsize=4096)
def _layers(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> tuple[LayerFacts, ...]:
    return tuple(describe(model, image_shape, classes))


def _images(data: DataFacts, batch_size: int, blocks: int, pixel_bytes: int) -> int:
    one = math.prod(data.image_shape) * pixel_bytes
    resident = data.train * one <= RESIDENT_BYTES
    train = data.train * one if resident else 3 * max(PIECE_BYTES, batch_size * blocks * one)
    evaluation = (data.validation + min(data.validation, data.train)) * one
    orders = 16 * blocks * data.train
    return train + (evaluation if evaluation <= PIECE_BYTES else 3 * PIECE_BYTES) + orders


def _activations(runs: Sequence[RunSpec], data: DataFacts, blocks: int, on_cpu: bool) -> int:
    model = runs[0].model
    inputs, batch = math.prod(data.image_shape), runs[0].plan.batch_size
    evaluation = EVAL_IMAGES[model.family] if on_cpu else 500
    if isinstance(model, Dense):
        units = sum(sum(run.model.hidden) + len(data.classes) for run in runs if isinstance(run.model, Dense))
        return FLOAT * blocks * (max(4 * batch, 3 * evaluation) * units + 2 * max(batch, evaluation) * inputs)
    abreast = 1 if on_cpu else len(runs) * blocks
    numbers = _conv_numbers(model, data) if isinstance(model, Conv) and on_cpu else _layer_numbers(model, data)
    step = _at_a_time(model, data, batch) if on_cpu else batch
    return FLOAT * abreast * (2 * max(step, evaluation) * numbers + 2 * max(batch, evaluation) * inputs)


def _at_a_time(model: Conv | Keras, data: DataFacts, batch: int) -> int:
    """Images of a minibatch that go through a step together on a CPU."""
    if isinstance(model, Conv):
        return min(batch, microbatch(conv_shapes(model, data.image_shape)))
    return min(batch, MICROBATCH) if _in_microbatches(model, data) else batch


def _in_microbatches(model: Keras, data: DataFacts) -> bool:
    """Whether a network of a user's goes through training in parts of a minibatch (`KerasPopulation`)."""
    kinds = [layer.kind for layer in _layers(model, data.image_shape, len(data.classes))]
    return any("Conv" in kind for kind in kinds) and "BatchNormalization" not in kinds


def _conv_numbers(model: Conv, data: DataFacts) -> int:
    """Numbers that one image takes on its way through: patches, what comes of them, and the pooled maps."""
    return sum(shape.numbers for shape in conv_shapes(model, data.image_shape)) + sum(model.hidden)


def _layer_numbers(model: ModelSpec, data: DataFacts) -> int:
    """The same of any network: every layer's output, and the patches of a convolution."""
    numbers = 0
    for layer in _layers(model, data.image_shape, len(data.classes)):
        outputs = math.prod(layer.output_shape)
        patches = layer.operations // (2 * layer.output_shape[-1]) if len(layer.output_shape) == 3 else 0
        numbers += 2 * outputs + (patches if isinstance(model, Keras) else 0)
    return numbers
