"""How much XLA optimizes what tests compile: hardly, where programs take few steps."""

from __future__ import annotations

import pytest

from seedbed.training import program

LEVEL = "xla_backend_optimization_level"
HARDLY, AS_WORKERS = "0", program.OPTIONS["cpu"][LEVEL]
FLAGS = f"--{LEVEL}={HARDLY} --xla_cpu_parallel_codegen_split_count=1"
"""For what tests compile themselves."""


def optimize(patch: pytest.MonkeyPatch, level: str | bool) -> None:
    """Programs of training are compiled with this level from now on."""
    patch.setitem(program.OPTIONS["cpu"], LEVEL, level)
