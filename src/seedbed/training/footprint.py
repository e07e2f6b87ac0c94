"""How much memory a worker takes to train a population, known beforehand from specs and sizes.

Pure, and without jax: the planner asks before anything is allocated. What is counted, and what was measured:
`docs/reliability.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seedbed.kinds import OPTIMIZERS
from seedbed.models.families import FAMILIES, known_layers
from seedbed.records import DataFacts
from seedbed.specs import ModelSpec, RunSpec

MIB = 2**20
FLOAT = 4

RESIDENT_BYTES = 256 * MIB
"""Training images of more bytes than this stay in their file, which all workers share."""

PIECE_BYTES = 16 * MIB
"""How many bytes of images a piece holds where they come from their file; up to three pieces are in memory at a time.

Small enough that memory is used again instead of being asked of the system for each, and for a processor's last cache."""

COMPILING_A_LAYER = 4 * MIB
"""What each layer of each shape among a population's members adds to what compiling takes (jaxlib 0.10.2)."""


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
    first, specs = runs[0], [run.model for run in runs]
    family = FAMILIES[first.model.family]
    numbers = blocks * sum(_parameters(run.model, data) for run in runs)
    slots = len(OPTIMIZERS[first.plan.optimizer].slots)
    saved = (2 + slots) * FLOAT * numbers
    in_programs = family.constants * FLOAT * numbers
    coming_and_going = max(2 * saved, (7 + slots) * FLOAT * numbers)
    answers = FLOAT * len(runs) * blocks * len(data.classes) * data.validation
    return Footprint(
        process=family.process if on_cpu else 0,
        compilation=family.compilation + COMPILING_A_LAYER * family.compiled_layers(specs) if on_cpu else 0,
        networks=saved + in_programs + (coming_and_going if on_cpu else (7 + slots) * FLOAT * numbers),
        answers=7 * answers,
        images=_images(data, first.plan.batch_size, blocks, pixel_bytes),
        activations=FLOAT * family.numbers(specs, data, batch=first.plan.batch_size, blocks=blocks, on_cpu=on_cpu),
        message=2 * saved if on_cpu else 0,
    )


def certainly(runs: Sequence[RunSpec], data: DataFacts) -> int:
    """Bytes without which these runs cannot be trained together, whatever else is estimated wrongly."""
    numbers = sum(_parameters(run.model, data) for run in runs)
    return (3 + len(OPTIMIZERS[runs[0].plan.optimizer].slots)) * FLOAT * numbers


def _parameters(model: ModelSpec, data: DataFacts) -> int:
    return sum(layer.parameters for layer in known_layers(model, data.image_shape, len(data.classes)))


def _images(data: DataFacts, batch_size: int, blocks: int, pixel_bytes: int) -> int:
    one = math.prod(data.image_shape) * pixel_bytes
    resident = data.train * one <= RESIDENT_BYTES
    train = data.train * one if resident else 3 * max(PIECE_BYTES, batch_size * blocks * one)
    evaluation = (data.validation + min(data.validation, data.train)) * one
    orders = 16 * blocks * data.train
    return train + (evaluation if evaluation <= PIECE_BYTES else 3 * PIECE_BYTES) + orders
