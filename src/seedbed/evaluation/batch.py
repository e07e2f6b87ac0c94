"""Predict the classes of many images: pictures, folders of them, and files of arrays; one row per image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import words
from seedbed.data.readers.decoding import SUFFIXES
from seedbed.data.readers.inventory import inventory_of
from seedbed.data.readers.unlabelled import is_array_file, read_unlabelled
from seedbed.errors import DataError, SpecError, nearest
from seedbed.evaluation.prediction import Cropping, Inversion, Prediction, predict
from seedbed.network import Network, load_network
from seedbed.records import finite_fields
from seedbed.runs import RunStore
from seedbed.tables import Column, Table

AT_ONCE = 1000
"""Images between two reports of progress."""

MOST_SEEN = 100
"""Pictures of which is kept what the network saw."""

Ask = Callable[[Sequence[Path]], list[Prediction]]
"""Predicts the classes of some pictures."""

OnProgress = Callable[[int, int], None]
"""Called with the number of images that are done, and with that of the file, or of the pictures, at hand."""

NAMES = ("image", "name", "file", "filename", "path")
IDS = ("id", "image_id", "imageid", "index")
LABELS = ("label", "class", "predicted", "prediction", "category", "target", "digit")
SHARES = ("probability", "confidence", "score")


@dataclass(frozen=True, eq=False)
class BatchPrediction:
    """Predictions for many images, one row per image.

    Attributes:
        run: name of the run whose network predicted.
        classes: names of the classes.
        images: names of the images: paths, or indices in a file of arrays.
        ids: the images' own ids: the index column of a table, the name of a picture without its ending, or the number of the
            row, from 1.
        probabilities: probabilities `(n, C)`.
        preprocessing: what was done to each picture first, in sentences; empty for arrays.
        remarks: a sentence where a picture looks like nothing in the training images, else ""; arrays have none.
        seen: row -> what the network saw of a picture, uint8 `(h, w, c)`; of the first `MOST_SEEN` pictures.
    """

    run: str
    classes: tuple[str, ...]
    images: tuple[str, ...]
    ids: tuple[str, ...]
    probabilities: NDArray[np.float32]
    preprocessing: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...]
    seen: Mapping[int, NDArray[np.uint8]]

    def __len__(self) -> int:
        return len(self.images)

    def top(self, row: int, count: int) -> list[tuple[str, float]]:
        """The most probable classes of an image with their probabilities, in descending order."""
        order = np.argsort(-self.probabilities[row], kind="stable")[:count]
        return [(self.classes[each], float(self.probabilities[row, each])) for each in order]

    def counts(self) -> list[str]:
        """How many images are predicted as each class, in words, the most frequent first."""
        found = Counter(self.probabilities.argmax(axis=1).tolist())
        return [f"{self.classes[label]}: {words.counted(count, 'image')}" for label, count in found.most_common()]

    def as_json(self) -> dict[str, Any]:
        """The contract of `predict --json`."""
        return {"name": self.run, "predictions": [self._row(row) for row in range(len(self))]}

    def _row(self, row: int) -> dict[str, Any]:
        ranked = self.top(row, len(self.classes))
        fields = {"predicted": ranked[0][0], "probabilities": dict(ranked), "preprocessing": self.preprocessing[row]}
        return finite_fields({"path": self.images[row], **fields, "remark": self.remarks[row] or None})

    def table(self, columns: Sequence[str] = (), top: int = 3) -> Table[int]:
        """Make a table with one row per image.

        Args:
            columns: headings of the columns, each a word for what it holds: `image`, `id`, `label`, `probability`, or a class
                for its probability. Empty means image, class and probability, and the `top` classes after the first.
            top: number of classes with their probabilities.

        Raises:
            SpecError: a column that is none of these.
        """
        if columns:
            return Table([self._column(each) for each in columns], range(len(self)))
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :top]
        ranked = np.take_along_axis(self.probabilities, order, axis=1)
        made: list[Column[int]] = [Column("image", self.images.__getitem__, align="left")]
        for place in range(order.shape[1]):
            suffix = f"_{place + 1}" if place else ""
            made += [
                _picked(f"class{suffix}", self.classes, order[:, place]),
                _shares(f"probability{suffix}", ranked[:, place]),
            ]
        return Table(made, range(len(self)))

    def _column(self, heading: str) -> Column[int]:
        word = heading.lower().replace(" ", "_")
        if heading in self.classes:
            return _shares(heading, self.probabilities[:, self.classes.index(heading)])
        if word in NAMES:
            return Column(heading, self.images.__getitem__, align="left")
        if word in IDS:
            return Column(heading, self.ids.__getitem__, align="left")
        if word in LABELS:
            return _picked(heading, self.classes, self.probabilities.argmax(axis=1))
        if word in SHARES:
            return _shares(heading, self.probabilities.max(axis=1))
        known = [each[0] for each in (NAMES, IDS, LABELS, SHARES)]
        raise SpecError(
            f"columns: {heading!r} is not known.{nearest(word, [*known, *self.classes])} Known: {', '.join(known)}, and the "
            f"names of the classes for their probabilities."
        )


def _picked(heading: str, names: Sequence[str], numbers: NDArray[np.int64]) -> Column[int]:
    chosen = [names[number] for number in numbers.tolist()]
    return Column(heading, chosen.__getitem__, align="left")


def _shares(heading: str, values: NDArray[np.float32]) -> Column[int]:
    rounded = values.astype(np.float64).round(6).tolist()
    return Column(heading, rounded.__getitem__)


def predict_batch(
    home: RunStore,
    name: str,
    paths: Sequence[Path],
    *,
    invert: Inversion = "auto",
    crop: Cropping = "auto",
    on_progress: OnProgress | None = None,
) -> BatchPrediction:
    """Predict the classes of all images at some paths with a run's best network.

    Args:
        home: store of the runs.
        name: name of a run, or of a group, whose run with the best validation accuracy is used.
        paths: pictures, folders of pictures at any depth, and files of arrays (.npz, .npy, IDX, .csv with one image per row).
        invert, crop: whether to invert pictures, and to look for their ink, see `predict`; arrays are taken as they are.
        on_progress: called after each `AT_ONCE` images.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        RunError: the network diverged, or it was trained on permuted pixels.
        DataError, CorruptData: there are no images, or a file cannot be read; the message names it.
    """
    network = load_network(home, name)
    blocks: list[BatchPrediction] = []
    ask = partial(predict, home, network.name, invert=invert, crop=crop)
    for block, total in _predicted(network, paths, ask):
        blocks.append(block)
        if on_progress:
            on_progress(sum(map(len, blocks)), total)
    return _joined(network, blocks)


Blocks = Iterator[tuple[BatchPrediction, int]]
"""Predictions of some images, and the number of all images of their file, or of the pictures, at hand."""


def _predicted(network: Network, paths: Sequence[Path], ask: Ask) -> Blocks:
    for are_arrays, group in groupby(paths, key=is_array_file):
        if are_arrays:
            yield from chain.from_iterable(map(partial(_of_arrays, network), group))
        else:
            yield from _of_pictures(network, _pictures(group), ask)


def _of_arrays(network: Network, path: Path) -> Blocks:
    found = read_unlabelled(path, network.image_shape)
    total = len(found.images)
    for start in range(0, total, AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        probabilities = network.predict(found.images[rows])
        names = tuple(f"{path.name}/{name}" for name in found.names[rows])
        ids = tuple(found.ids[rows]) or tuple(str(row + 1) for row in range(start, start + len(names)))
        nothing = ((),) * len(names), ("",) * len(names)
        yield BatchPrediction(network.name, network.classes, names, ids, probabilities, *nothing, {}), total


def _of_pictures(network: Network, files: Sequence[Path], ask: Ask) -> Blocks:
    for start in range(0, len(files), AT_ONCE):
        chosen = files[start : start + AT_ONCE]
        predictions = ask(chosen)
        names, ids = tuple(map(str, chosen)), tuple(each.stem for each in chosen)
        rows = np.stack([each.probabilities for each in predictions])
        steps, remarks = (tuple(getattr(each, name) for each in predictions) for name in ("preprocessing", "remark"))
        seen = {row: each.shown for row, each in enumerate(predictions[:MOST_SEEN])}
        yield BatchPrediction(network.name, network.classes, names, ids, rows, steps, remarks, seen), len(files)


def _pictures(paths: Iterable[Path]) -> list[Path]:
    """The paths themselves, and for a folder the pictures in it and in all folders below it.

    Raises:
        DataError: a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        inventory = inventory_of(path) if path.is_dir() else None
        inside = [path / file.name for file in inventory.files if file.suffix in SUFFIXES] if inventory else [path]
        if inventory and not inside:
            raise DataError(f"{path}: there are no pictures in it; there is {inventory.summary()}.")
        found += inside
    return found


def _joined(network: Network, blocks: Sequence[BatchPrediction]) -> BatchPrediction:
    none = np.zeros((0, len(network.classes)), np.float32)
    return BatchPrediction(
        network.name,
        network.classes,
        tuple(name for block in blocks for name in block.images),
        tuple(each for block in blocks for each in block.ids),
        np.concatenate([block.probabilities for block in blocks]) if blocks else none,
        tuple(steps for block in blocks for steps in block.preprocessing),
        tuple(remark for block in blocks for remark in block.remarks),
        dict(list(_all_seen(blocks))[:MOST_SEEN]),
    )


def _all_seen(blocks: Sequence[BatchPrediction]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    first = 0
    for block in blocks:
        yield from ((first + row, image) for row, image in block.seen.items())
        first += len(block)
