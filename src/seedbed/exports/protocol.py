"""What a format is. Each is one record, in a module of its own below `formats`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.exports.selection import RunSelection
from seedbed.network import Network

TOLERANCE = 1e-5
"""Largest difference of a probability that is rounding of float32."""

BATCH = 256
"""Images per call of a runtime."""

Predictor = Callable[[NDArray[Any]], NDArray[np.float32]]
"""Images as stored, `(n, h, w, c)`, to probabilities, `(n, C)`."""


@dataclass(frozen=True)
class ExportOptions:
    """What a user asks of an export of a network.

    Attributes:
        quantize: number format of weights and activations. None means float32.
        check: whether the files are loaded again and compared with the network.
    """

    quantize: Literal["int8"] | None = None
    check: bool = True


@dataclass(frozen=True)
class Draft:
    """Files that are not yet written.

    Attributes:
        files: name -> content; the first is the file that other programs load. Names may have folders.
        lines: sentences about them for the user.
    """

    files: Mapping[str, bytes]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportFormat:
    """A format of files.

    Attributes:
        name: name in commands.
        title: what it is for, in a few words, for help.
        endings: endings of its files' names, that of the first file first. Empty means a folder of files.
    """

    name: str
    title: str
    endings: tuple[str, ...]


@dataclass(frozen=True)
class NetworkFormat(ExportFormat):
    """A format that holds a trained network.

    Attributes:
        draft: makes the files of a network, given its data, a stem for their names, and the options.
        load: loads the first file by the format's own runtime, as a function of images; or says in a sentence why the file can
            be written without having been run.
        runtime: name of that runtime in sentences.
        quantizes: whether it takes `quantize`.
    """

    draft: Callable[[Network, Dataset, str, ExportOptions], Draft]
    load: Callable[[Path, Network], Predictor | str]
    runtime: str
    quantizes: bool = False


@dataclass(frozen=True)
class MetricsFormat(ExportFormat):
    """A format that holds the metrics of runs.

    Attributes:
        draft: makes the files of a selection of runs, given a stem for their names.
    """

    draft: Callable[[RunSelection, str], Draft]
