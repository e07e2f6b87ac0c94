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

    Before Python 3.13 a process is aborted that ends while such a thread runs C++, as XLA's compiler: wait for that.

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
