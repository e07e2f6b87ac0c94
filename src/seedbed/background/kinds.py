"""The functions that do work in processes of its own: JSON values in and out, and one line before each piece of it.

How a kind is added: a function here whose first argument takes the lines, and its record in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seedbed import data, figures
from seedbed.specs import DataSpec

WatchWork = Callable[[str], None]


def survey(on_event: WatchWork, data_spec: Mapping[str, Any]) -> dict[str, Any]:
    """Survey a data set: sentences, pictures as addresses for light and dark pages, and charts as Vega-Lite."""
    from seedbed.visualize import drawing, sentences, survey

    facts = survey(data.load(DataSpec(**data_spec)), on_event)
    pictures = {
        name: {mode: figures.picture_address(png) for mode, png in themed.items()}
        for name, themed in drawing.grids(facts).items()
    }
    charts = {name: {**figures.specification(chart), "config": {}} for name, chart in drawing.charts(facts).items()}
    return {"sentences": sentences.write(facts), "pictures": pictures, "charts": charts}


def class_means(_on_event: WatchWork, data_spec: Mapping[str, Any], most: int, side: int) -> list[str]:
    """The mean training image of each of the first classes, as addresses that hold it.

    Args:
        most: number of classes.
        side: longest side of a picture (pixels).
    """
    from seedbed.data.facts import class_pictures

    dataset = data.load(DataSpec(**data_spec))
    means = class_pictures(dataset.train, len(dataset.classes)).mean
    return figures.thumbnails(dataset.pictures.shown(np.nan_to_num(means[:most])), side=side)


def importances(
    _on_event: WatchWork,
    points: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    dimensions: Mapping[str, str],
    seed: int,
) -> list[dict[str, Any]]:
    """The importance of each dimension of a search, see `seedbed.searches.importance`; dimensions are Optuna's, as JSON."""
    from optuna.distributions import json_to_distribution

    from seedbed.searches.importance import importances

    known = {name: json_to_distribution(text) for name, text in dimensions.items()}
    return [vars(each) for each in importances(points, values, known, seed=seed)]


KINDS: dict[str, Callable[..., Any]] = {"survey": survey, "class_means": class_means, "importances": importances}
