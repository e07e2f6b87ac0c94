"""Workers: processes with one device each, which train populations and stream their reports back.

`pool` dispatches tasks to workers of any kind; `local` starts processes on this machine, `ray` actors on a cluster, and
`standing` keeps workers from one call to the next.
"""

from __future__ import annotations

from seedbed.executor.engine import LOCAL, Engine
from seedbed.executor.local import LocalExecutor
from seedbed.executor.protocol import Executor, Lost, Message, Slow
from seedbed.executor.standing import standing

__all__ = ["LOCAL", "Engine", "Executor", "LocalExecutor", "Lost", "Message", "Slow", "standing"]
