"""Learning rate schedules, computed outside the compiled program in float64 and passed to it as data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.kinds import OPTIMIZERS
from seedbed.kinds.optimizers import BETA_1, BETA_2
from seedbed.specs import Plan, Schedule

_RISE, _START, _END = 0.3, 1 / 25, 1 / 25e4


def factors(schedule: Schedule, steps: NDArray[np.int64], total: int) -> NDArray[np.float64]:
    """Factor of the plan's learning rate at each step.

    Args:
        schedule: name of the schedule.
        steps: step numbers, from 0 to `total - 1`, of any shape.
        total: number of steps of the whole training.

    Returns:
        Factors, in the shape of `steps`.

    Sources: cosine: Loshchilov and Hutter 2017, "SGDR" (without restarts); onecycle: Smith and Topin 2018,
    "Super-convergence", in the cosine form that PyTorch's OneCycleLR made usual.
    """
    done = np.minimum(steps / max(total, 1), 1.0)
    if schedule == "constant":
        return np.ones_like(done)
    if schedule == "cosine":
        return 0.5 * (1 + np.cos(np.pi * done))
    rising = _START + (1 - _START) * 0.5 * (1 - np.cos(np.pi * done / _RISE))
    falling = _END + (1 - _END) * 0.5 * (1 + np.cos(np.pi * (done - _RISE) / (1 - _RISE)))
    return np.where(done < _RISE, rising, falling)


def step_sizes(plans: Sequence[Plan], epoch: int, steps_per_epoch: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Step sizes of each member in one epoch (from 0).

    Returns:
        rates: factors of the optimizer's steps, Adam's bias correction included, `(steps, members)`.
        decays: shares by which kernels shrink before a step; 0 for optimizers without weight decay, `(steps, members)`.
    """
    steps = epoch * steps_per_epoch + np.arange(steps_per_epoch)
    rates = np.stack([p.learning_rate * factors(p.schedule, steps, p.epochs * steps_per_epoch) for p in plans], axis=1)
    decays = rates * np.array([p.weight_decay if "weight_decay" in OPTIMIZERS[p.optimizer].settings else 0.0 for p in plans])
    if OPTIMIZERS[plans[0].optimizer].corrects_bias:
        t = (steps + 1)[:, None]
        rates = rates * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    return rates.astype(np.float32), decays.astype(np.float32)
