"""The views, in the order of the navigation; the first is the start page."""

from __future__ import annotations

from typing import Any

from seedbed.web.site import View
from seedbed.web.views import compare, curves, data, draw, inside, mistakes, overfitting, playground, run, runs, search

VIEWS: tuple[View[Any], ...] = (
    runs.VIEW,
    curves.VIEW,
    compare.VIEW,
    search.VIEW,
    inside.VIEW,
    mistakes.VIEW,
    data.VIEW,
    draw.VIEW,
    playground.VIEW,
    overfitting.VIEW,
    run.VIEW,
)
