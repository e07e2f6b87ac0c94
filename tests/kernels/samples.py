"""Networks' logits and the classes of their images, as the tests of losses and sums draw them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from models.samples import VARIANTS

SCORED = {
    "members": st.integers(1, 4),
    "classes": st.integers(1, 12),
    "images": st.integers(1, 70),
    "spread": st.sampled_from([0.1, 3.0, 60.0]),
    "variant": st.sampled_from(VARIANTS or ["none"]),
}
"""Sizes, how far logits spread, and the instruction set."""


def logits_and_labels(members: int, classes: int, images: int, spread: float) -> tuple[Any, Any, np.random.Generator]:
    """Logits `(M, C, B)`, classes `(B,)`, and what draws further numbers."""
    draws = np.random.default_rng(images)
    logits = (spread * draws.normal(size=(members, classes, images))).astype(np.float32)
    return logits, draws.integers(classes, size=images).astype(np.int32), draws
