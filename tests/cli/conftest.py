"""What tests of commands share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from hostile.engine import here
from seedbed.scheduler import dispatching


@pytest.fixture
def engine_here() -> Iterator[None]:
    """The engine in this process, where its workers are not the question."""
    with here():
        yield


@pytest.fixture
def ctrl_c_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes once, while the first network trains. Processes that get it: `tests/hostile/test_kills.py`."""
    real, due = dispatching.Scheduler._segment, [signal.SIGINT]

    def struck(*arguments: object) -> None:
        if due:
            signal.raise_signal(due.pop())
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatching.Scheduler, "_segment", struck)
