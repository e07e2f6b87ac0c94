"""Exports of a run under all runtimes that an environment has: the largest difference of a probability, as a table's rows.

    python bench/exported.py digits-dense digits-conv --home runs

Networks are written in each format that the environment can check. The `.keras` file is loaded in a process of its own under
each of Keras's backends, since a process has one. docs/benchmarks/exports.md has the results.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import seedbed as sb
from seedbed.exports import export
from seedbed.exports.networks import CHECKED

BACKENDS = ("tensorflow", "jax", "torch")
NEEDS = {"keras": "jax", "onnx": "onnxruntime", "torch": "torch", "c": "ctypes"}

LOADED = """
import sys
import keras
import numpy as np

model = keras.saving.load_model(sys.argv[1])
saved = np.load(sys.argv[2])
found = model.predict(saved["images"].astype("float32"), batch_size=256, verbose=0)
print(float(np.abs(found.astype("float64") - saved["probabilities"]).max()))
"""


def main() -> None:
    """Print a row for each run: its name, and the difference in each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--home", default=None)
    asked = parser.parse_args()
    for name in asked.names:
        with tempfile.TemporaryDirectory() as folder:
            found = differences(name, asked.home, Path(folder))
        print(f"| {name} | " + " | ".join(f"{form} {value:.1e}" for form, value in found.items()) + " |", flush=True)


def differences(name: str, home: str | None, folder: Path) -> dict[str, float]:
    """Runtime -> largest difference of a probability on the images of the check."""
    found: dict[str, float] = {}
    for form, package in NEEDS.items():
        if find_spec(package):
            written = export(name, form, folder, home=home)
            assert written.difference is not None
            found[form] = written.difference
    network = sb.load_network(name, home=home)
    images = sb.load(network.result.run.data).validation.sample(CHECKED)
    np.savez(folder / "saved.npz", images=images, probabilities=network.predict(images))
    for backend in BACKENDS:
        if find_spec(backend):
            found[f"keras on {backend}"] = _under(backend, folder / f"{name}.keras", folder / "saved.npz")
    return found


def _under(backend: str, file: Path, saved: Path) -> float:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", LOADED, str(file), str(saved)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(run.stderr)
    return float(run.stdout.split()[-1])


if __name__ == "__main__":
    main()
