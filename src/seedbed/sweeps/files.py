"""The YAML that repeats a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from seedbed.data import ARRAYS
from seedbed.records import finite
from seedbed.specs import RunSpec
from seedbed.sweeps.grid import Grid


def to_yaml(base: RunSpec, grid: Grid, seeds: Sequence[int], folds: int = 1) -> str:
    """Write a sweep as the YAML file that `seedbed sweep -m NAME FILE.yaml` takes."""
    plain: dict[str, Any] = {"model": base.model.plain(), "plan": base.plan.written(), "data": base.data.written()}
    if not base.data.name.startswith(ARRAYS):  # which nothing but their digest identifies
        plain["data"].pop("digest")
    plain["model"].pop("digest", None)
    values = {name: finite(each) for name, each in grid.asked.items()}
    counted = len(seeds) if list(seeds) == list(range(len(seeds))) else list(seeds)
    asked = {"base": plain, "grid": values, "seeds": counted, **({"folds": folds} if folds > 1 else {})}
    return yaml.safe_dump(asked, sort_keys=False, allow_unicode=True)
