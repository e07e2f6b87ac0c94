"""Work in a thread of its own."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from seedbed.threads import meanwhile


def test_a_result_or_what_was_raised_comes_where_it_is_asked_for() -> None:
    found = meanwhile(lambda *numbers: (sum(numbers), threading.current_thread()), 1, 2).result(60)
    assert found[0] == 3
    assert found[1] is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        meanwhile(lambda: 1 / 0).result(60)


def test_whoever_settles_a_future_first_is_right() -> None:
    going = threading.Event()
    future = meanwhile(going.wait)
    future.set_result(False)
    going.set()
    assert future.result(60) is False


def test_a_process_ends_without_waiting() -> None:
    code = "import threading; from seedbed.threads import meanwhile; meanwhile(threading.Event().wait)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
