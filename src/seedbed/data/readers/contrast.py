"""Notes about images that show nothing: blank ones, equal ones, or without contrast."""

from __future__ import annotations

import numpy as np

from seedbed.data.content import Content, evenly
from seedbed.records import PictureRule

LOOKED_AT = 1000
"""Training images that are looked at, evenly over all."""

FLAT = 0.05
"""Range between the darkest and the brightest value, as a share of black to white, below which there is hardly contrast."""


def notes(content: Content) -> list[str]:
    """At most one sentence about training images that are equal, blank, or nearly without contrast."""
    images = content.parts["train"].images
    rows = evenly(len(images), LOOKED_AT)
    rule = content.pictures or PictureRule((0.0,), (content.scale,))
    shares = rule.shares(images[rows]).reshape(len(rows), -1)
    ranges = shares.max(axis=1) - shares.min(axis=1)
    if (shares == shares[0]).all():
        return ["All training images are equal: there is nothing to learn from."]
    blank = int((ranges == 0).sum())
    if blank == len(rows):
        return ["Each training image has a single value: nothing is drawn in them."]
    if np.median(ranges) < FLAT:
        return [f"The training images have hardly any contrast: half of them span less than {FLAT:.0%} of black to white."]
    if blank:
        return [f"{blank:,} of {len(rows):,} training images looked at are blank: they have a single value."]
    return []
