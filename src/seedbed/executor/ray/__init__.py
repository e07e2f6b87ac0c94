"""Workers as actors of Ray, on one machine or many. No other package imports ray.

No shared file system is needed: tasks, images and the text of a user's network are sent to the actors, reports come back, and
only the driver writes. Every machine needs seedbed and its numerical libraries in the driver's versions.
"""

from __future__ import annotations

from seedbed.executor.ray.executor import RayExecutor

__all__ = ["RayExecutor"]
