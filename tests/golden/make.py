"""Makes the golden home of the present format: `python -m golden.make` in tests/, once for each new format of run folders.

A home of an older format is never made anew: that this seedbed reads what an older one wrote is what it is kept for.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hostile.engine import entries, install
from hostile.test_populations import Stopping
from seedbed.runs import RunStore
from seedbed.runs.record import FORMAT
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import Conv, Dense

GOLDEN = Path(__file__).parent / f"format-{FORMAT}"


def make(root: Path) -> None:
    """A home with runs in every state: finished, diverged, interrupted with a save, failed; and one look at a test part."""
    home = RunStore(root)
    execution = Execution(home, device="cpu", workers=1)
    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        train_runs(entries(Dense(hidden=(3,)), Dense(hidden=(2, 2)), epochs=2, group="dense"), execution, save_every=0.0)
        train_runs(entries(Conv(filters=(2,)), epochs=2, group="conv"), execution, save_every=0.0)
        train_runs(entries(Dense(hidden=(2,)), epochs=2, group="diverged", learning_rate=1e20), execution, save_every=0.0)
        home.look("dense-0", {"accuracy": 0.5})
        install(patch, Stopping)
        with pytest.raises(KeyboardInterrupt):
            train_runs(entries(Dense(hidden=(3,)), Dense(hidden=(4,)), epochs=6, group="half"), execution, save_every=0.0)
        with home.claim(entries(Dense(hidden=(9,)), group="failed")):
            home.mark(["failed-0"], "failed", "Out of memory.")
    shutil.rmtree(root / ".locks")


if __name__ == "__main__":
    make(GOLDEN)
