"""The views, in the order of the navigation; the first is the start page."""

from __future__ import annotations

from typing import Any

from seedbed.web.site import View
from seedbed.web.views import compare, curves, data, mistakes, overfitting, run, runs, search

VIEWS: tuple[View[Any], ...] = (
    runs.VIEW,
    curves.VIEW,
    compare.VIEW,
    search.VIEW,
    mistakes.VIEW,
    data.VIEW,
    overfitting.VIEW,
    run.VIEW,
)
