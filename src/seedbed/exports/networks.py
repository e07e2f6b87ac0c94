"""Exports of a network: drafted, loaded again by the format's runtime, compared, and only then written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, storage, words
from seedbed.data import Dataset, Part
from seedbed.errors import ExportError, RunError, SpecError
from seedbed.exports.outcome import Export
from seedbed.exports.paths import target
from seedbed.exports.protocol import TOLERANCE, Draft, ExportOptions, NetworkFormat, Predictor
from seedbed.network import Network

CHECKED = 256
"""Validation images on which an exported file is compared with its network."""


def export_network(
    network: Network, chosen: NetworkFormat, path: str | os.PathLike[str] | None, options: ExportOptions
) -> Export:
    """Write a network in a format.

    Args:
        path: file to write, or a folder. None means `exports/NAME` with the format's ending.

    Raises:
        SpecError: an option that the format does not take, or a path with another format's ending.
        ExportError: the network has what the format cannot hold, the runtime is missing, or the probabilities differ.
    """
    if options.quantize and not chosen.quantizes:
        raise SpecError(f"quantize = {options.quantize!r}: only the format 'c' takes it, not {chosen.name!r}.")
    if network.result.run.data.permutation is not None:
        raise RunError(f"Run {network.name!r} was trained on permuted pixels, so its network cannot read an ordinary picture.")
    folder, stem = target(path, network.name, chosen)
    dataset = data.load(network.result.run.data)
    draft = chosen.draft(network, dataset, stem, options)
    difference, lines = _checked(network, dataset, chosen, draft, options)
    files = {folder / name: content for name, content in draft.files.items()}
    storage.write_all(files)
    size = sum(map(len, files.values()))
    return Export(network.name, chosen.name, tuple(files), size, difference, (*lines, *draft.lines))


def _checked(
    network: Network, dataset: Dataset, chosen: NetworkFormat, draft: Draft, options: ExportOptions
) -> tuple[float | None, tuple[str, ...]]:
    """The largest difference of a probability, and the sentences about the check.

    Raises:
        ExportError: the difference is too large.
    """
    if not options.check:
        return None, ("Not checked, as requested: the file may differ from the network.",)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:  # Windows removes no library that is loaded
        folder = Path(name)
        storage.write_all({folder / file: content for file, content in draft.files.items()})
        predict = chosen.load(folder / next(iter(draft.files)), network)
        if isinstance(predict, str):
            return None, (predict,)
        images = dataset.validation.sample(CHECKED)
        difference = largest_difference(predict(images), network.probabilities(images))
        where = f"{words.counted(len(images), 'validation image')}, by {chosen.runtime}"
        if options.quantize:
            lines = (f"The largest difference of a probability is {difference:.2g} ({where}).",)
            return difference, (*lines, *_accuracies(network, dataset.validation, predict))
    if not difference <= TOLERANCE:
        raise ExportError(
            f"The format {chosen.name!r} does not hold this network: probabilities differ by up to {difference:.2g} ({where}), "
            f"and {TOLERANCE:g} is allowed. Nothing was written."
        )
    return difference, (f"Checked: the probabilities differ by at most {difference:.2g} ({where}).",)


def largest_difference(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest absolute difference; infinite where shapes differ or a number is not finite."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found.astype(np.float64) - expected).max(initial=0.0))


def _accuracies(network: Network, part: Part, predict: Predictor) -> tuple[str, ...]:
    """Sentences on the accuracy of the validation part before and after quantization, with intervals."""
    from seedbed.statistics import wilson

    images = part.images
    before, after = (run(images).argmax(axis=1) == part.labels for run in (network.probabilities, predict))
    texts = []
    for right in (before, after):
        interval = wilson(int(right.sum()), len(right))
        texts.append(f"{words.percent(interval.mean, 2)} (95 % interval {words.ends(*interval.pair())})")
    return (
        f"Validation accuracy: {texts[0]} before quantization, {texts[1]} after, on {words.counted(len(part), 'image')}.",
        f"{words.counted(int((before != after).sum()), 'image')} changed between right and wrong.",
    )
