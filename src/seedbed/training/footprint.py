"""Memory that a worker needs to train a population, estimated from specs and sizes.

Pure, and without JAX: the planner needs it before anything is allocated. `docs/reference/reliability.md` explains what is
counted, and has the measurements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seedbed.kinds import OPTIMIZERS
from seedbed.models.families import FAMILIES, known_layers
from seedbed.records import DataFacts
from seedbed.specs import ModelSpec, Plan, RunSpec

MIB, GIB = 2**20, 2**30
FLOAT = 4

RESIDENT_BYTES = 256 * MIB
"""Largest training part that is held on the device (bytes); a larger one stays in its file, which all workers share."""

PIECE_BYTES = 16 * MIB
"""Images per chunk where they are read from their file (bytes); up to three chunks are in memory at a time.

Small enough for a processor's last-level cache, and for memory to be reused instead of allocated for each chunk.
"""

COMPILING_A_LAYER = 4 * MIB
"""Memory for compiling, per layer of each shape among a population's members (bytes, jaxlib 0.10.2)."""


@dataclass(frozen=True)
class Site:
    """Device and pixel size of a population, on which its memory depends.

    Attributes:
        on_cpu: whether the device is a CPU. On a GPU all convolutional members run at once, and the memory is the device's.
        pixel_bytes: bytes per pixel and channel: 1 for uint8, 4 for float32.
    """

    on_cpu: bool = True
    pixel_bytes: int = 1


UINT8_ON_CPU = Site()
"""A CPU, with images stored as uint8."""


@dataclass(frozen=True)
class Footprint:
    """Peak memory of a population (bytes), without pages of mapped files, which the operating system can drop.

    Attributes:
        process: the worker itself; 0 on a GPU.
        compilation: compiling the population's programs; 0 on a GPU.
        networks: weights, moments, best weights, and the larger of gradients and the copies for a save.
        predictions: logits of the evaluation.
        images: images of training and evaluation that are in memory.
        activations: activations of a minibatch or an evaluation batch.
        message: a save in transfer to the driver.
    """

    process: int
    compilation: int
    networks: int
    predictions: int
    images: int
    activations: int
    message: int

    @property
    def growing(self) -> int:
        """The part that grows with the number of members."""
        return self.networks + self.predictions + self.activations + self.message

    @property
    def fixed(self) -> int:
        return self.process + self.compilation + self.images

    @property
    def total(self) -> int:
        return self.fixed + self.growing


def footprint(runs: Sequence[RunSpec], data: DataFacts, site: Site = UINT8_ON_CPU, *, blocks: int = 1) -> Footprint:
    """Estimate the peak memory of a population.

    Args:
        runs: runs of one block.
        data: sizes of the data set.
        site: device and pixel size.
        blocks: number of blocks that train at once.
    """
    first, specs, on_cpu = runs[0], [run.model for run in runs], site.on_cpu
    family = FAMILIES[first.model.family]
    numbers = blocks * sum(_parameters(run.model, data) for run in runs)
    slots = len(OPTIMIZERS[first.plan.optimizer].slots)
    saved = (2 + slots) * FLOAT * numbers
    in_programs = family.constants * FLOAT * numbers
    in_a_step = (7 + slots) * FLOAT * numbers
    logits = FLOAT * len(runs) * blocks * len(data.classes) * data.validation
    return Footprint(
        process=family.process if on_cpu else 0,
        compilation=family.compilation + COMPILING_A_LAYER * family.compiled_layers(specs) if on_cpu else 0,
        networks=saved + in_programs + (max(2 * saved, in_a_step) if on_cpu else in_a_step),
        predictions=7 * logits,
        images=_images(data, first.plan.batch_size, blocks, site.pixel_bytes),
        activations=FLOAT * family.numbers(specs, data, batch=first.plan.batch_size, blocks=blocks, on_cpu=on_cpu),
        message=2 * saved if on_cpu else 0,
    )


def certainly(plan: Plan, parameters: int) -> int:
    """Lower bound on the memory in which a network of this size can be trained (bytes), whatever the errors of the estimate."""
    return (3 + len(OPTIMIZERS[plan.optimizer].slots)) * FLOAT * parameters


def shortage(plan: Plan, parameters: int, memory: int) -> str:
    """Error message if one network of this size certainly needs more than `memory` bytes; else ""."""
    needed = certainly(plan, parameters)
    if needed <= memory:
        return ""
    return (
        f"Out of memory: a network of {parameters:,} parameters with {plan.optimizer!r} takes at least "
        f"{needed / GIB:.1f} GiB, and {memory / GIB:.1f} GiB are free. Use a smaller network, or a machine with more memory."
    )


def _parameters(model: ModelSpec, data: DataFacts) -> int:
    return sum(layer.parameters for layer in known_layers(model, data.image_shape, len(data.classes)))


def _images(data: DataFacts, batch_size: int, blocks: int, pixel_bytes: int) -> int:
    image = math.prod(data.image_shape) * pixel_bytes
    resident = data.train * image <= RESIDENT_BYTES
    train = data.train * image if resident else 3 * max(PIECE_BYTES, batch_size * blocks * image)
    evaluation = (data.validation + min(data.validation, data.train)) * image
    orders = 16 * blocks * data.train
    return train + (evaluation if evaluation <= PIECE_BYTES else 3 * PIECE_BYTES) + orders
