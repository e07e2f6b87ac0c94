"""How much work a search does: fixed beforehand, so that a search which was stopped and goes on does the same."""

from __future__ import annotations

from dataclasses import dataclass

from seedbed.sizing.networks import Family

SURE = 1.64
"""So many standard deviations above what is needed, an accuracy disappoints once in twenty times."""


@dataclass(frozen=True)
class Effort:
    """The work of each step.

    Attributes:
        epochs: of a whole training; scouts get a quarter.
        haste: how many times the mistakes of a tuned network one makes that is not, and was trained briefly; near the best
            accuracy that there is, that is worth many times the parameters.
        caution: so many standard deviations more than a claim takes must a network have, while choosing, for the tests to
            begin with it: with many they begin with larger ones than necessary, with few they more often need a second chance.
        most: parameters beyond which nothing is tried.
        rates: learning rates of scouts, and of the first round of tuning.
        activations: of the first round of tuning.
        batch_sizes, penalties: of its second round, the first of them also before it; penalties are l2.
        kept: settings that go on from each round.
        forms: that are followed to other sizes.
        factors: sizes of a ladder, over the size where the target is expected.
        seeds: of the last look before the claim.
        claims_at_once: sizes whose claims are trained together.
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
        """A part of the epochs, one at least."""
        return max(1, round(self.epochs / share))


EFFORTS: dict[Family, Effort] = {
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
