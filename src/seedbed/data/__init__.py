"""Images and labels: found, verified, read and split."""

from __future__ import annotations

from seedbed.data.dataset import Dataset, Part
from seedbed.data.library import load, resolve

__all__ = ["Dataset", "Part", "load", "resolve"]
