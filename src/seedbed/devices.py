"""What this machine has, and the environment that a worker process needs.

Nothing here imports jax: what jax would see on an accelerator is asked of a worker, so that the driver stays light.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Where downloads, decoded images and compiled programs are kept: `SEEDBED_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("SEEDBED_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("seedbed", appauthor=False))


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
