"""Exports of four networks on three data sets, each loaded by its own runtime: writes the tables of docs/benchmarks/exports.md.

    python bench/exported.py --home exports-home

It needs onnx, onnxruntime, jax2onnx, torch, tensorflow, tensorboard and pandas, a C compiler, and Node.js or Chromium. Networks
are trained for a few epochs, or found in the home, whose folder `rows` keeps what was seen of each. The `.keras` file is loaded
in a process of its own under each of Keras's backends, since a process has one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import seedbed as sb
from seedbed.exports import Export
from seedbed.exports.networks import CHECKED
from seedbed.exports.protocol import TOLERANCE
from seedbed.network import Network
from seedbed.specs import DataSpec, ModelSpec

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks" / "exports.md"

NETWORKS: dict[str, ModelSpec] = {
    "dense": sb.Dense(),
    "convolutional": sb.Conv(),
    "separable": sb.Conv(filters=(2, 4, 5), kernel=(5, 5, 3), pool=(2,), separable=True, activation="silu"),
    "residual": sb.own_network(f"{HERE / 'own.py'}:residual"),
    "recurrent": sb.own_network(f"{HERE / 'own.py'}:recurrent"),
}
IMPOSSIBLE = {"residual": {"html"}, "recurrent": {"html", "torch", "c"}}
"""Network -> formats that refuse it, by design."""

BACKENDS = {"JAX": "jax", "TensorFlow": "tensorflow", "PyTorch": "torch"}
COMPARED = {"onnx": "onnxruntime", "torch": "PyTorch module", "c": "C", "html": "page's script"}

LOADED = """
import sys
import keras
import numpy as np

model = keras.saving.load_model(sys.argv[1])
saved = np.load(sys.argv[2])
found = model.predict(saved["images"].astype("float32"), batch_size=256, verbose=0)
print(float(np.abs(found.astype("float64") - saved["probabilities"]).max()))
"""


@dataclass(frozen=True)
class Row:
    """What was seen of one network on one data set.

    Attributes:
        title: data and network.
        differences: runtime -> largest difference of a probability.
        sizes: format -> bytes.
    """

    title: str
    differences: Mapping[str, float]
    sizes: Mapping[str, int]


def main() -> None:
    """Train or find the networks, export all of them, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="folder for the networks, the images and the exports")
    home = parser.parse_args().home.resolve()
    colour = photographs(home / "photographs")
    data: dict[str, Any] = {"digits": "digits", "MNIST": DataSpec(name="mnist", first=5000), "colour": str(colour)}
    rows = [row(named, data[named], network, home) for named in data for network in NETWORKS]
    write(differences_table(rows), sizes_table(rows), metrics_table(home))


def photographs(folder: Path) -> Path:
    """A folder with 600 pieces of each of scikit-learn's two photographs, 32 x 32 pixels in colour."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    random = np.random.default_rng(0)
    for name, photograph in zip(("temple", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(600):
            y, x = (int(random.integers(side - 64)) for side in photograph.shape[:2])
            Image.fromarray(photograph[y : y + 64, x : x + 64]).resize((32, 32)).save(folder / name / f"{number}.png")
    return folder


def row(named: str, images: Any, network: str, home: Path) -> Row:
    """Train a network, or find it, export it, and compare; or read what was kept of that."""
    name = f"{named}-{network}".lower()
    kept = home / "rows" / f"{name}.json"
    if not kept.exists():
        [run] = sb.train(NETWORKS[network], images, name=name, epochs=5, home=home / "runs")
        seen = compared(f"{named}, {network}", sb.load_network(run), IMPOSSIBLE.get(network, set()), home / "exports" / name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(vars(seen)), encoding="utf-8")
        print(seen, flush=True)
    return Row(**json.loads(kept.read_text(encoding="utf-8")))


def compared(title: str, network: Network, impossible: set[str], folder: Path) -> Row:
    """Export a network in all formats that hold it, and compare what each runtime computes."""
    differences: dict[str, float] = {}
    sizes: dict[str, int] = {"parameters": network.result.model.parameters}
    keras = network.export("keras", folder / "network.keras")
    images = sb.load(network.result.run.data).validation.sample(CHECKED)
    np.savez(folder / "saved.npz", images=images, probabilities=network.predict(images))
    for name, backend in BACKENDS.items():
        differences[f"Keras on {name}"] = under(backend, keras.files[0], folder / "saved.npz")
    sizes["keras"] = keras.size
    for form in (*COMPARED, "safetensors"):
        if form not in impossible:
            export: Export = network.export(form, f"{folder}/{form}/")
            assert export.difference is not None, export
            sizes[form] = export.size
            if form in COMPARED:
                differences[COMPARED[form]] = export.difference
    if "c" in sizes:
        sizes["constants, float32"] = constants(folder / "c")
        network.export("c", f"{folder}/int8/", quantize="int8")
        sizes["constants, int8"] = constants(folder / "int8")
    assert max(differences.values()) <= TOLERANCE, differences
    return Row(title, differences, sizes)


def constants(folder: Path) -> int:
    """Bytes of the arrays in an exported C file, as its header says."""
    [header] = folder.glob("*.h")
    found = re.search(r"([\d,]+) bytes of constants", header.read_text(encoding="utf-8"))
    assert found
    return int(found[1].replace(",", ""))


def under(backend: str, file: Path, saved: Path) -> float:
    """Largest difference of a probability, with the file loaded under a backend of Keras."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", LOADED, str(file), str(saved)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(run.stderr)
    return float(run.stdout.split()[-1])


# Metrics, read again by the programs that they are for


def metrics_table(home: Path) -> list[str]:
    """A row for each format of metrics: how it was read, and the largest relative difference of a number."""
    run = sb.find("digits-dense", home=home / "runs")[0]
    readers: dict[str, tuple[str, Callable[[Export], Mapping[str, Sequence[float]]]]] = {
        "csv": ("pandas", from_csv),
        "json": ("Python's json", from_json),
        "tensorboard": ("TensorBoard's EventAccumulator", from_tensorboard),
    }
    lines = ["| format | read by | bytes | largest relative difference |", "|---|---|---|---|"]
    for form, (reader, read) in readers.items():
        export = sb.export(run, form, f"{home}/exports/{form}/")
        lines.append(f"| `{form}` | {reader} | {export.size:,} | {relative_difference(read(export), run.history):.1g} |")
    names = [f"digits-{network}" for network in NETWORKS]
    table = sb.export(names, "latex", f"{home}/exports/latex/", home=home / "runs")
    lines.append(f"| `latex` | {typeset(table.files[0])} | {table.size:,} | |")
    return lines


def relative_difference(found: Mapping[str, Sequence[float]], history: Any) -> float:
    """The largest difference of a number that was read from that of the run, as a share of it."""
    assert len(found) >= 4
    pairs = [(np.asarray(values), np.asarray(history[name])) for name, values in found.items()]
    return max(float((np.abs(read - known) / np.maximum(np.abs(known), 1e-12)).max()) for read, known in pairs)


def from_csv(export: Export) -> dict[str, Sequence[float]]:
    """Column -> values."""
    import pandas

    return {str(name): list(values) for name, values in pandas.read_csv(export.files[0]).items() if name != "epoch"}


def from_json(export: Export) -> dict[str, Sequence[float]]:
    """Column -> values."""
    [run] = json.loads(export.files[0].read_text(encoding="utf-8"))["runs"]
    parts, metrics = ("train", "validation"), ("loss", "accuracy")
    return {f"{part}_{metric}": [epoch[part][metric] for epoch in run["curve"]] for part in parts for metric in metrics}


def from_tensorboard(export: Export) -> dict[str, Sequence[float]]:
    """Column -> values."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(export.files[0].parent))
    board.Reload()
    columns = {
        tag: "_".join(reversed(tag.split("/"))) for tag in board.Tags()["scalars"] if tag.startswith(("loss", "accuracy"))
    }
    return {column: [event.value for event in board.Scalars(tag)] for tag, column in columns.items()}


def typeset(table: Path) -> str:
    """Typeset a table with LaTeX, where it is installed: the words for its row."""
    if not shutil.which("pdflatex"):
        return "not typeset here"
    begin, end = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{", r"}\end{document}"
    document = begin + table.name + end
    (table.parent / "document.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    subprocess.run(command, cwd=table.parent, check=True, capture_output=True)
    return "pdfLaTeX"


# Tables


def differences_table(rows: Sequence[Row]) -> list[str]:
    """Differences in 1e-7."""
    return table([each.title for each in rows], [each.differences for each in rows], lambda value: f"{value * 1e7:.2g}")


def sizes_table(rows: Sequence[Row]) -> list[str]:
    """Sizes in bytes."""
    return table([each.title for each in rows], [each.sizes for each in rows], lambda value: f"{value:,.0f}")


def table(titles: Sequence[str], rows: Sequence[Mapping[str, float]], written: Callable[[float], str]) -> list[str]:
    """A table in Markdown with a column for each name; what a row lacks is an empty cell."""
    names = list(dict.fromkeys(name for each in rows for name in each))
    lines = [f"| data, network | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    cells = [" | ".join(written(each[name]) if name in each else "" for name in names) for each in rows]
    return [*lines, *(f"| {title} | {row} |" for title, row in zip(titles, cells, strict=True))]


def write(*tables: Sequence[str]) -> None:
    """Put the tables into the page, between the comments that name them."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in zip(("differences", "sizes", "metrics"), tables, strict=True):
        begin, end = f"<!-- {name}: written by bench/exported.py -->\n", f"<!-- end of {name} -->\n"
        before, rest = text.split(begin)
        text = before + begin + "\n" + "\n".join(table) + "\n\n" + end + rest.split(end)[1]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
