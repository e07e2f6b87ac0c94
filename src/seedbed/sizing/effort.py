"""The amount of work of a search: fixed beforehand, so that a search that was stopped and resumed does the same."""

from __future__ import annotations

from dataclasses import dataclass

SURE = 1.64
"""Standard deviations above the needed accuracy; a network chosen with this margin fails the test once in twenty times."""


@dataclass(frozen=True)
class Effort:
    """The work of each step.

    Attributes:
        epochs: epochs of a whole training; scouts get a quarter.
        haste: mistakes of a briefly trained, untuned network, over those of a tuned one; near the best possible accuracy that
            is worth many times the parameters.
        caution: margin of the network with which the tests begin, in standard deviations above the accuracy that a claim
            needs. A wide margin begins with larger networks than necessary; a narrow one needs a second chance more often.
        most: largest number of parameters that is tried.
        rates: learning rates of scouts, and of the first round of tuning.
        activations: activations of the first round of tuning.
        batch_sizes, penalties: values of the second round of tuning, the first of each also before it; penalties are l2.
        kept: number of settings that each round keeps.
        forms: number of forms that are followed to other sizes.
        factors: sizes of a ladder, over the size where the target is expected.
        seeds: seeds of the last choice before the claim.
        claims_at_once: number of sizes whose claims are trained together.
    """

    epochs: int
    haste: float
    caution: float
    most: int
    rates: tuple[float, ...]
    activations: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    penalties: tuple[float, ...]
    kept: int
    forms: int
    factors: tuple[float, ...]
    seeds: tuple[int, ...]
    claims_at_once: int

    def short(self, share: int) -> int:
        """Return a part of the epochs, at least one."""
        return max(1, round(self.epochs / share))


EFFORTS: dict[str, Effort] = {
    "dense": Effort(
        epochs=60,
        haste=1.3,
        caution=SURE,
        most=2_000_000,
        rates=(1e-3, 3e-3, 1e-2),
        activations=("relu", "tanh", "silu"),
        batch_sizes=(128, 64),
        penalties=(0.0, 1e-4, 3e-4, 1e-3),
        kept=4,
        forms=2,
        factors=(0.75, 0.82, 0.9, 1.0, 1.1, 1.25, 1.5),
        seeds=(0, 1),
        claims_at_once=4,
    ),
    "conv": Effort(
        epochs=24,
        haste=2.0,
        caution=0.5,
        most=200_000,
        rates=(3e-3, 1e-2),
        activations=("relu", "silu"),
        batch_sizes=(64,),
        penalties=(0.0,),
        kept=3,
        forms=1,
        factors=(0.75, 0.87, 1.0, 1.2, 1.5),
        seeds=(0,),
        claims_at_once=1,
    ),
}
"""Convolutional networks cost much more for each parameter, and differ less by how they are trained."""
