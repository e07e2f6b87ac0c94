"""Predictions in a process of its own, for those that must not load the engine: `python -m seedbed.playground.answering HOME`.

It stays, so that a network is built and compiled once.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from seedbed import storage
from seedbed.errors import SeedbedError
from seedbed.evaluation.prediction import Inversion, predict
from seedbed.executor.channel import Channel, child, ended, of_standard_streams
from seedbed.runs import RunStore


class AnsweringProcess:
    """The process, started with the first question; one question at a time.

    Args:
        home: home of the runs.
    """

    def __init__(self, home: RunStore) -> None:
        self._home = home
        self._channel: Channel | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()

    def predict(self, name: str, picture: bytes, invert: Inversion) -> dict[str, Any]:
        """Predict the class of a picture file, see `evaluation.predict`; returns `Prediction.as_json` without the path.

        Raises:
            SeedbedError: as `predict` raises them, or the process has ended.
        """
        with self._asking:
            if self._channel is None:
                self._process, self._channel = child("seedbed.playground.answering", str(self._home.root.resolve()))
            try:
                self._channel.send((name, picture, invert))
                answer = self._channel.receive()
            except (EOFError, OSError):
                self._end()
                raise SeedbedError("The process that predicts has ended; its messages are in the terminal.") from None
        if isinstance(answer, SeedbedError):
            raise answer
        plain: dict[str, Any] = answer
        return plain

    def close(self) -> None:
        """End the process."""
        with self._asking:
            self._end()

    def _end(self) -> None:
        if self._process:
            ended(self._process)
        self._process = self._channel = None


def _answer(home: RunStore, name: str, picture: bytes, invert: Inversion) -> dict[str, Any] | SeedbedError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        storage.write(path, picture)
        try:
            [prediction] = predict(home, name, [path], invert=invert)
        except SeedbedError as error:
            return type(error)(str(error).replace(f"{path}: ", ""))
    return {field: value for field, value in prediction.as_json().items() if field != "path"}


def main() -> None:
    """Answer until the process that asks has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    channel, home = of_standard_streams(), RunStore(Path(sys.argv[1]))
    while True:
        try:
            question = channel.receive()
        except (EOFError, OSError):
            return
        channel.send(_answer(home, *question))


if __name__ == "__main__":
    main()
