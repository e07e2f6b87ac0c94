"""What seedbed shows in a Jupyter notebook while a cell runs: one place that changes, instead of lines."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

LEAST_BETWEEN = 0.2
"""Time between two changes of what is shown (s)."""

MOST_LINES = 5
"""Lines above the last one."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def option(name: str) -> str:
    """Write an option that is on as the user of this process does: `--resume`, or in a notebook `resume=True`."""
    return f"{name}=True" if in_notebook() else f"--{name}"


class Place:
    """A place below a cell with some lines and a last one, all of which can change.

    Args:
        label: beginning of the last line.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._lines: list[str] = []
        self._state = ""
        self._handle: Any = None
        self._begun = self._shown = 0.0

    def line(self, text: str) -> None:
        """Add a line; beyond `MOST_LINES` the first ones make way."""
        self._lines = [*self._lines, text][-MOST_LINES:]
        self._show(now=True)

    def state(self, done: float, left: str) -> None:
        """Change the last line.

        Args:
            done: share of the work that is done.
            left: time left, in words; empty if it is not known.
        """
        self._begun = self._begun or time.monotonic()
        parts = [f"{self._label}{100 * done:.0f} % done", *([left] if left else [])]
        finished = f"{self._label}done in {time.monotonic() - self._begun:.0f} s"
        self._state = finished if done >= 1 else ", ".join(parts)
        self._show(now=done >= 1)

    def _show(self, *, now: bool) -> None:
        moment = time.monotonic()
        if not now and moment - self._shown < LEAST_BETWEEN:
            return
        self._shown = moment
        from IPython.display import display

        text = "\n".join([*self._lines, *([self._state] if self._state else [])])
        bundle = {"text/plain": text, "text/html": f'<pre style="margin: 0">{escape(text)}</pre>'}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
