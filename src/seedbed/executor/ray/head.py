"""A Ray cluster of this machine alone: `python -m seedbed.executor.ray.head CORES GPUS`.

A process of its own, because Ray takes over the process group and the environment of whoever starts a cluster. It listens on
loopback only, wants the token that its environment holds, has no dashboard, and ends when its standard input does: with
whoever started it, however that ended.
"""

from __future__ import annotations

import json
import logging
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
    import ray

    context = ray.init(
        num_cpus=cores,
        num_gpus=gpus,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _temp_dir=folder,
        _system_config={"prestart_worker_first_driver": False},
    )
    try:
        sys.stdout.write(json.dumps({"address": context.address_info["gcs_address"]}) + "\n")
        sys.stdout.flush()  # fails where whoever started this is gone already
        sys.stdin.read()
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
