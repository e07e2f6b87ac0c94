"""A Ray cluster on this machine alone: `python -m seedbed.executor.ray.head CORES GPUS`.

It is a process of its own, because Ray changes the process group and the environment of the process that starts a cluster. It
listens on loopback only, requires the token in its environment, has no dashboard, and ends when its standard input closes, that
is, whenever its parent process ends.
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
    """Start the cluster, print its address as a line of JSON, and keep it running until standard input closes."""
    cores, gpus = map(int, sys.argv[1:3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # makes Ray use 127.0.0.1 as this machine's address, on any system
    root = Path("/tmp") if sys.platform != "win32" else None  # noqa: S108 - a short path, since names of sockets are limited
    folder = tempfile.mkdtemp(prefix="seedbed-ray-", dir=root)
    try:
        _serve(cores, gpus, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(cores: int, gpus: int, folder: str) -> None:
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    class MinimalHead(Node):  # type: ignore[misc]
        """A head with only what actors need.

        `ray.init` would also start an API server, an autoscaling monitor and a log monitor: they take over half a second to
        start, and 1 % of a core afterwards.
        """

        def start_api_server(self, **_: object) -> None:
            """Start no API server: a cluster for one program needs neither `ray status` nor a dashboard."""

    config = RayParams(
        node_ip_address="127.0.0.1",
        num_cpus=cores,
        num_gpus=gpus,
        include_dashboard=False,
        no_monitor=True,
        include_log_monitor=False,
        temp_dir=folder,
    )
    head = MinimalHead(config, head=True, shutdown_at_exit=False, spawn_reaper=True)
    try:
        sys.stdout.write(json.dumps({"address": head.gcs_address}) + "\n")
        sys.stdout.flush()  # fails if the parent process has ended
        sys.stdin.read()
    finally:
        head.kill_all_processes(check_alive=False, allow_graceful=True)


if __name__ == "__main__":
    main()
