"""How much XLA optimizes what tests compile: hardly, since programs take few steps."""

from __future__ import annotations

import pytest

from seedbed.training import program

LEVEL = "xla_backend_optimization_level"
HARDLY: dict[str, str | bool] = {LEVEL: "0", **program.OLDER_EMITTERS}
"""The older loop emitters write slow code, but quickly: a training step of two small blocks compiles in 0.3 s, not in 1.1."""
AS_WORKERS = dict(program.OPTIONS["cpu"])
FLAGS = f"--{LEVEL}={HARDLY[LEVEL]} --xla_cpu_parallel_codegen_split_count=1"
"""For what tests compile themselves."""


def optimize(patch: pytest.MonkeyPatch, options: dict[str, str | bool]) -> None:
    """Programs of training are compiled with these options from now on."""
    patch.setitem(program.OPTIONS, "cpu", options)
