"""A Ray cluster of this machine alone: `python -m seedbed.executor.ray.head CORES GPUS`.

A process of its own, because Ray takes over the process group and the environment of whoever starts a cluster. It listens on
loopback only, wants the token that its environment holds, has no dashboard, and ends when its standard input does: with
whoever started it, however that ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Starts the cluster, prints its address as a line of JSON, and keeps it until nobody holds this process's input."""
    cores, gpus = map(int, sys.argv[1:3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # has Ray take 127.0.0.1 for this machine's address, on any system
    root = Path("/tmp") if sys.platform != "win32" else None  # noqa: S108 - a short path: names of sockets have few letters
    folder = tempfile.mkdtemp(prefix="seedbed-ray-", dir=root)
    try:
        _serve(cores, gpus, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(cores: int, gpus: int, folder: str) -> None:
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    class Head(Node):  # type: ignore[misc]
        """Only what actors need. `ray.init` would also start a server for questions about the cluster, a monitor that asks for
        more machines, and one that reads log files: over half a second to start, and 1 % of a core from then on."""

        def start_api_server(self, **_: object) -> None:
            """Starts none: nobody asks, with `ray status` or in a browser, about a cluster that has one program."""

    config = RayParams(
        node_ip_address="127.0.0.1",
        num_cpus=cores,
        num_gpus=gpus,
        include_dashboard=False,
        no_monitor=True,
        include_log_monitor=False,
        temp_dir=folder,
    )
    head = Head(config, head=True, shutdown_at_exit=False, spawn_reaper=True)
    try:
        sys.stdout.write(json.dumps({"address": head.gcs_address}) + "\n")
        sys.stdout.flush()  # fails where whoever started this is gone already
        sys.stdin.read()
    finally:
        head.kill_all_processes(check_alive=False, allow_graceful=True)


if __name__ == "__main__":
    main()
