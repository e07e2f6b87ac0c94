"""Sweeps: a grid of settings, each trained with the same seeds, all of them side by side.

`grid` knows the fields and their values, `naming` what each setting is called, `design` lays the runs out and trains them by
one call of `train_runs`, `outcome` holds what came of them and what may be said of it, `files` writes it down.
"""

from __future__ import annotations

from seedbed.sweeps.design import Design, design
from seedbed.sweeps.files import save
from seedbed.sweeps.grid import Grid, field
from seedbed.sweeps.outcome import Outcome, Sweep

__all__ = ["Design", "Grid", "Outcome", "Sweep", "design", "field", "save"]
