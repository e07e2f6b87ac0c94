"""Workers: processes with one device each, which train populations and stream their reports back."""

from __future__ import annotations

from seedbed.executor.local import LocalExecutor

__all__ = ["LocalExecutor"]
