"""Curves and pictures that several studies draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seedbed import figures
from seedbed.figures import NamedCurves, Picture
from seedbed.groups import Group
from seedbed.runs import RunStore

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart


def compared(
    groups: Sequence[Group], name: Callable[[Group], str], title: str, *, level: float | None = None
) -> list[AnyChart]:
    """Learning curves of several settings in one panel, as `figures.compared_curves` draws them; none where no run is left."""
    named = [NamedCurves(name(group), group.results) for group in groups if group.kept]
    return [figures.compared_curves(named, title, level=level)] if named else []


def weight_pictures(home: RunStore, group: Group, panel: str, most: int) -> list[Picture]:
    """Weights of the first layer of a group's first run, at the last epoch, as images: grey is 0, white positive.

    Args:
        panel: heading above the pictures.
        most: number of units or filters, those with the largest norm.

    Returns:
        The largest first; none where no run is left.
    """
    for result in group.kept[:1]:
        weights = home.weights(result.name, "last")
        kernel = weights[min(name for name in weights if name.endswith("kernel"))]  # conv_0 or dense_0
        if kernel.ndim == 2:
            kernel = kernel.reshape(*result.data.image_shape, -1)
        images = np.moveaxis(kernel, -1, 0)
        order = np.argsort(-np.linalg.norm(images.reshape(len(images), -1), axis=1), kind="stable")[:most]
        shown = images[order] if images.shape[-1] in (1, 3) else images[order].mean(axis=-1, keepdims=True)
        shades = 127.5 * (1 + shown / np.abs(shown).max())
        return [Picture(panel, address, ()) for address in figures.thumbnails(shades)]
    return []
