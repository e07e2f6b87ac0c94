"""The main program of a worker process: `python -m seedbed.executor.worker`. It serves tasks from standard input.

Standard output is the channel to the driver; prints of a user's model file or a library go to standard error.
"""

from __future__ import annotations

import importlib
import os
import queue
import signal
import threading
from pathlib import Path

from seedbed import data
from seedbed.executor.channel import STOP, Channel, of_standard_streams
from seedbed.executor.serving import Server
from seedbed.lazy import loaded_when_used
from seedbed.training.reports import Task


def main() -> None:
    """Serve tasks, one at a time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = of_standard_streams()
    tasks: queue.Queue[Task] = queue.Queue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(channel, tasks, stop), daemon=True).start()
    server = Server(data.load, stop.is_set, Path(os.environ["JAX_COMPILATION_CACHE_DIR"]))
    importlib.import_module("seedbed.training.job")  # the slow imports, while the driver plans
    with loaded_when_used("pandas"):  # Keras imports it to train on data frames
        while True:
            for report in server.reports(tasks.get()):
                channel.send(report)


def _listen(channel: Channel, tasks: queue.Queue[Task], stop: threading.Event) -> None:
    """Queue tasks; end this process at once when the driver has ended."""
    while True:
        try:
            message = channel.receive()
        except (EOFError, OSError):
            os._exit(0)
        if message == STOP:
            stop.set()
        else:
            tasks.put(message)


if __name__ == "__main__":
    main()
