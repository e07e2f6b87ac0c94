"""Sweeps: a grid of settings, each trained with the same seeds, all of them side by side.

`grid` has the combinations of values, `design` plans the runs and trains them by one call of `train_groups`, `outcome` is the
trained sweep with its sentences and charts, `files` has its tables.
"""

from __future__ import annotations

from seedbed.groups.fields import field
from seedbed.sweeps.design import Design, design
from seedbed.sweeps.grid import Grid, names_of
from seedbed.sweeps.outcome import Sweep

__all__ = ["Design", "Grid", "Sweep", "design", "field", "names_of"]
