"""Simple classifiers that a network should beat, computed once for each data set and split, and kept in the home.

Largest class, nearest class mean, nearest neighbour and logistic regression see the training images and labels as a network
does, and answer for the same validation images. All of them together take a few seconds on a core: the first two use every
training image, the others an even sample of them where there are many.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, storage
from seedbed.data import Dataset, Part
from seedbed.data.content import evenly
from seedbed.devices import cores, yield_to_other_threads
from seedbed.errors import DataError, StorageError
from seedbed.runs import RunStore
from seedbed.specs import DataSpec
from seedbed.statistics import Interval, wilson
from seedbed.threads import meanwhile
from seedbed.words import counted, percent

FORMAT = 1
"""Version of the kept file; those of other versions are computed again."""

FOLDER = ".baselines"

DISTANCES = 4e10
"""Multiplications that the distances of the nearest neighbour may take: about a second of a core."""

FITTED = 1e7
"""Pixels of the images that the logistic regression is fitted to: 12,755 images of MNIST."""

LEAST = 100
"""Training images that a sample has at least, where there are as many."""

AT_ONCE = 2_000
"""Images that are gathered at once."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """A simple classifier on the validation part.

    Attributes:
        name: its name, as in sentences.
        images: number of training images that it used.
        of: number of training images that there are.
        correct: whether it is right on each validation image, `(n,)`.
    """

    name: str
    images: int
    of: int
    correct: NDArray[np.bool_]

    @property
    def accuracy(self) -> Interval:
        """Validation accuracy with Wilson's interval."""
        return wilson(int(self.correct.sum()), len(self.correct))

    def as_json(self) -> dict[str, Any]:
        """The baseline as JSON values."""
        interval = self.accuracy
        return {
            "name": self.name,
            "accuracy": interval.mean,
            "interval": interval.pair(),
            "n": interval.n,
            "images": self.images,
        }

    @property
    def text(self) -> str:
        """Name, accuracy, and the sample where there is one."""
        sample = f" (fitted to {counted(self.images, 'image')})" if self.images < self.of else ""
        return f"{self.name} {percent(self.accuracy.mean)}{sample}"


def baselines(home: RunStore, spec: DataSpec) -> list[Baseline]:
    """The baselines of a data set and split, from the home or computed.

    A kept file that is damaged or of another version is computed again; the data are loaded only for that.

    Args:
        spec: data spec with its digest, as runs have it.

    Raises:
        DataError: the data cannot be found.
        StorageError: the baselines could not be kept.
    """
    path = _path(home, spec)
    kept = _read(path)
    if kept is None:
        kept = computed(data.load(spec))
        _keep(kept, path)
    return kept


@contextmanager
def computed_meanwhile(home: RunStore, dataset: Dataset) -> Iterator[None]:
    """Compute the baselines of a data set while something else is done, in time that no one else needs, and then keep them.

    Raises:
        StorageError: the baselines could not be kept.
    """
    path = _path(home, dataset.spec)
    if _read(path) is not None:
        yield
        return
    future = meanwhile(_computed_in_spare_time, dataset)
    yield
    with suppress(DataError):  # told where the baselines are asked for
        _keep(future.result(), path)


def _computed_in_spare_time(dataset: Dataset) -> list[Baseline]:
    yield_to_other_threads()
    return computed(dataset, threads=1)


def computed(dataset: Dataset, threads: int = 0) -> list[Baseline]:
    """Fit the baselines to the training part, and answer for the validation part.

    Args:
        threads: number of threads. 0 means one for each core.
    """
    from threadpoolctl import threadpool_limits

    labels, everything = dataset.validation.labels, len(dataset.train)

    def fitted(name: str) -> Baseline:
        size, answers = CLASSIFIERS[name]
        rows = evenly(everything, max(size(dataset), LEAST))
        return Baseline(name, len(rows), everything, answers(dataset, rows) == labels)

    # Each has hundreds of small products: in threads of its own it would mostly wait, and next to other work, spin.
    with threadpool_limits(1):
        if threads == 1:
            return list(map(fitted, CLASSIFIERS))  # in this thread: a pool's are waited for when the process ends
        with ThreadPoolExecutor(threads or cores()) as pool:
            return list(pool.map(fitted, CLASSIFIERS))


def _path(home: RunStore, spec: DataSpec) -> Path:
    return home.root / FOLDER / f"{spec.identity}.jsonl"


def _keep(found: Sequence[Baseline], path: Path) -> None:
    rows = [{"format": FORMAT, "name": each.name, "images": each.images, "of": each.of} | _bits(each) for each in found]
    storage.write_lines(path, rows)


def _read(path: Path) -> list[Baseline] | None:
    try:
        rows = storage.read_lines(path)
        kept = [Baseline(row["name"], row["images"], row["of"], _correct(row)) for row in rows if row["format"] == FORMAT]
    except (StorageError, KeyError, TypeError, ValueError):
        return None
    return kept if [each.name for each in kept] == list(CLASSIFIERS) else None


def _bits(baseline: Baseline) -> dict[str, Any]:
    return {"n": len(baseline.correct), "correct": np.packbits(baseline.correct).tobytes().hex()}


def _correct(row: dict[str, Any]) -> NDArray[np.bool_]:
    bits = np.frombuffer(bytes.fromhex(row["correct"]), dtype=np.uint8)
    if not len(bits) == -(-row["n"] // 8):
        raise ValueError(f"{len(bits)} bytes are not the bits of {row['n']} images")
    return np.unpackbits(bits, count=row["n"]).astype(np.bool_)


# The classifiers: training rows that they may use, and their answers for the validation images


def _all_images(dataset: Dataset) -> int:
    return len(dataset.train)


def _few_distances(dataset: Dataset) -> int:
    return int(DISTANCES / (len(dataset.validation) * np.prod(dataset.image_shape)))


def _few_pixels(dataset: Dataset) -> int:
    return int(FITTED / np.prod(dataset.image_shape))


def _largest_class(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    largest = np.bincount(dataset.train.labels[rows]).argmax()
    return np.full(len(dataset.validation), largest)


def _nearest_class_mean(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    labels, classes = dataset.train.labels, len(dataset.classes)
    sums = np.zeros((classes, int(np.prod(dataset.image_shape))), dtype=np.float64)
    for chunk, pixels in _pixels(dataset, dataset.train, rows):
        sums += np.eye(classes, dtype=np.float32)[labels[chunk]].T @ pixels
    counts = np.bincount(labels[rows], minlength=classes)
    present = np.flatnonzero(counts)
    means = (sums[present] / counts[present, None]).astype(np.float32)
    return present[_nearest(dataset, means)]


def _nearest_neighbour(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    known = np.concatenate([pixels for _, pixels in _pixels(dataset, dataset.train, rows)])
    answers: NDArray[np.int64] = dataset.train.labels[rows][_nearest(dataset, known)].astype(np.int64)
    return answers


def _logistic_regression(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    labels = dataset.train.labels[rows]
    if len(np.unique(labels)) < 2:
        return np.full(len(dataset.validation), labels[0], dtype=np.int64)
    known = np.concatenate([pixels for _, pixels in _pixels(dataset, dataset.train, rows)])
    model = LogisticRegression()  # its 100 iterations need not converge for a baseline
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(known, labels)
    parts = [model.predict(pixels) for _, pixels in _pixels(dataset, dataset.validation, np.arange(len(dataset.validation)))]
    return np.concatenate(parts).astype(np.int64)


def _nearest(dataset: Dataset, points: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of the point `(k, pixels)` with the least squared distance to each validation image."""
    halves = (points**2).sum(axis=1) / 2
    every = _pixels(dataset, dataset.validation, np.arange(len(dataset.validation)))
    return np.concatenate([(halves - pixels @ points.T).argmin(axis=1) for _, pixels in every])


def _pixels(dataset: Dataset, part: Part, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Rows of a part and their pixels `(k, pixels)` as the network sees them, some at once."""
    for chunk in np.array_split(rows, range(AT_ONCE, len(rows), AT_ONCE)):
        yield chunk, part.take(chunk).reshape(len(chunk), -1).astype(np.float32) / np.float32(dataset.scale)


CLASSIFIERS: dict[str, tuple[Callable[[Dataset], int], Callable[[Dataset, NDArray[np.int64]], NDArray[np.int64]]]] = {
    "largest class": (_all_images, _largest_class),
    "nearest class mean": (_all_images, _nearest_class_mean),
    "nearest neighbour": (_few_distances, _nearest_neighbour),
    "logistic regression": (_few_pixels, _logistic_regression),
}
"""Name -> number of training images that it may use, and its answers `(n,)` when fitted to some rows of them."""


def line(found: Sequence[Baseline]) -> str:
    """All baselines in one line."""
    return f"Baselines: {', '.join(each.text for each in found)}."
