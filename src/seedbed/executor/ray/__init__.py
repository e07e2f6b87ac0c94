"""Workers as actors of Ray, on one machine or many. No other room imports ray.

Needs no shared file system: tasks, images and the text of a user's network go to the actors, reports come back, and the
driver alone writes. Every machine needs seedbed and what it computes with, in the driver's versions.
"""

from __future__ import annotations

from seedbed.executor.ray.executor import RayExecutor

__all__ = ["RayExecutor"]
