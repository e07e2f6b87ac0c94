"""Work in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


def meanwhile(function: Callable[..., T], *arguments: Any) -> Future[T]:
    """Call a function in a thread of its own, which does not keep the process from ending.

    Before Python 3.14 a process is aborted whose interpreter is torn down while such a thread is in C++, as in XLA's compiler:
    where it may be, wait for it. (The command line ends without that.)

    Returns:
        The future result. What the function raises is raised where the result is asked for. Others may settle it first.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            settled = partial(future.set_result, function(*arguments))
        except BaseException as error:  # Ctrl-C reaches the main thread alone
            settled = partial(future.set_exception, error)
        with suppress(InvalidStateError):
            settled()

    threading.Thread(target=work, daemon=True).start()
    return future
