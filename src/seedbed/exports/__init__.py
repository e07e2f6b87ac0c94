"""Exports: trained networks and their metrics as files for other programs.

protocol.py      what a format is: its drafts of files, and how its own runtime loads them
outcome.py       what was written, and how far it differs
networks.py      exports of a network: each file is loaded again by its runtime and compared before it is written
selection.py     the network or the runs that a name stands for
metrics.py       exports of runs, groups, sweeps and searches
javascript.py    programs of this machine that run JavaScript, for the check of pages
paths.py         where the files go
graph.py         a network as a graph of plain operations, for formats that are written operation by operation
formats/         one module per format, and their registry
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Literal

from seedbed.exports.formats import FORMATS
from seedbed.exports.metrics import export_metrics
from seedbed.exports.networks import export_network
from seedbed.exports.outcome import Export
from seedbed.exports.protocol import ExportOptions, NetworkFormat
from seedbed.exports.selection import network_of, runs_of
from seedbed.runs import RunStore, Which

__all__ = ["FORMATS", "Export", "export"]


def export(
    what: Any,
    format: str,  # noqa: A002
    path: str | os.PathLike[str] | None = None,
    *,
    weights: Which = "best",
    quantize: Literal["int8"] | None = None,
    check: bool = True,
    home: str | os.PathLike[str] | None = None,
) -> Export:
    """Write a network, or the metrics of runs, into files for other programs.

        export("first", "onnx")
        export("widths", "csv", "widths.csv")

    A network's files are loaded again by the format's own runtime before they are written: on 256 validation images the
    probabilities must be those of the network to 1e-5.

    Args:
        what: name of a run, a group, a sweep or a search; a `Network`; a result; a sweep, a comparison or a search; or a
            list of names, results or groups. Of a group, formats of networks take the run with the best validation accuracy.
        format: name of the format: "keras", "onnx", "torch", "c", "html", "safetensors"; or "csv", "json", "latex",
            "tensorboard".
        path: file to write, or a folder, which ends with a slash if it is new. None means `exports/NAME` with the format's
            ending.
        weights: "best" for the network of the best epoch, "last" for that of the last.
        quantize: "int8" for weights and activations of 8 bits, in C.
        check: whether a network's files are compared with it. Only needed where the format's runtime is missing.
        home: home of the runs that are named. None means `SEEDBED_HOME`, or `./runs`.

    Raises:
        SpecError: an unknown format, an option that it does not take, or several networks for a format that holds one.
        UnknownRun, RunHalfDone: no finished run has this name.
        ExportError: the network has what the format cannot hold, the runtime is missing, or the probabilities differ.
    """
    chosen, store = FORMATS[format], RunStore.at(home)
    options = ExportOptions(quantize, check)
    if not isinstance(chosen, NetworkFormat):
        return export_metrics(runs_of(store, what), chosen, path)
    network, selected = network_of(store, what, weights)
    written = export_network(network, chosen, path, options)
    return replace(written, lines=(*selected, *written.lines))
