"""Mistakes: the confusion matrix, whose cells open their images; an image, what each network says about it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seedbed import figures
from seedbed.data import Dataset
from seedbed.errors import RunError, SeedbedError
from seedbed.evaluation import PartEvaluation, assess
from seedbed.records import Result
from seedbed.web import images
from seedbed.web.selection import Selection, select
from seedbed.web.site import PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_NETWORKS = 12
PER_PAGE = 60
MOST_CLASSES = 30
"""Classes up to which the matrix is a table of links."""

Order = Literal["confidence", "disagreement"]
ClassNumber = Annotated[int | None, Field(ge=0, le=1_000_000)]


class MistakesQuery(ViewQuery):
    """Which mistakes.

    Attributes:
        true, predicted: numbers of classes; only images of the one that some network takes for the other.
        sort: surest mistakes first, or those on which the networks disagree most.
        image: number of the image that is opened.
        page: which sixty images, from 1.
    """

    true: ClassNumber = None
    predicted: ClassNumber = None
    sort: Order = "confidence"
    image: Annotated[int | None, Field(ge=0, le=2**40)] = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions of several networks for the same validation images.

    Attributes:
        results: the networks' runs.
        probabilities: `(networks, images, C)`.
        labels: `(images,)`.
        left_out: name of a run -> why it is not among them.
        dataset: the images; None where they are not at hand.
        unavailable: why they are not.
    """

    results: list[Result]
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    left_out: dict[str, str]
    dataset: Dataset | None
    unavailable: str

    @property
    def classes(self) -> tuple[str, ...]:
        return self.results[0].data.classes

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Why runs are left out -> their names."""
        found: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            found.setdefault(reason, []).append(name)
        return found

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted classes, `(networks, images)`."""
        return np.asarray(self.probabilities.argmax(axis=2), dtype=np.int64)

    @cached_property
    def wrong(self) -> NDArray[np.bool_]:
        return np.asarray(self.predicted != self.labels)

    @cached_property
    def matrix(self) -> NDArray[np.int64]:
        """Counts over all networks, true classes in rows."""
        size = len(self.classes)
        places = self.labels * size + self.predicted
        return np.bincount(places.ravel(), minlength=size * size).reshape(size, size)

    def rows(self, asked: MistakesQuery) -> NDArray[np.int64]:
        """Numbers of the images that a query asks for, in its order."""
        hits = self.wrong
        if asked.true is not None:
            hits = (self.labels == asked.true) & (np.ones_like(hits) if asked.predicted == asked.true else hits)
        if asked.predicted is not None:
            hits = hits & (self.predicted == asked.predicted)
        chosen = np.flatnonzero(hits.any(axis=0))
        confidence = np.where(hits, self.probabilities.max(axis=2), 0.0)[:, chosen].max(axis=0, initial=0.0)
        keys = (-confidence,) if asked.sort == "confidence" else (-confidence, -self._disagreement(chosen))
        return np.asarray(chosen[np.lexsort(keys)], dtype=np.int64)

    def _disagreement(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Entropy of the networks' answers for each image (nats): 0 where all say the same."""
        votes = np.stack([(self.predicted[:, rows] == each).mean(axis=0) for each in range(len(self.classes))])
        return np.asarray(-(votes * np.log(np.where(votes > 0, votes, 1.0))).sum(axis=0), dtype=np.float64)


@dataclass(frozen=True)
class MistakenImage:
    """An image of the list."""

    index: int
    label: str
    says: str
    confidence: float
    wrong: int
    picture: str


@dataclass(frozen=True)
class NetworkAnswer:
    """What a network says about an image: classes with their probabilities, the highest first."""

    run: str
    right: bool
    top: list[tuple[str, float]]


@dataclass(frozen=True, eq=False)
class MistakesState:
    """What the view shows.

    Attributes:
        judged: None where no selected run kept predictions.
    """

    asked: MistakesQuery
    selection: Selection
    judged: Judged | None

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        return self.judged.rows(self.asked) if self.judged else np.zeros(0, dtype=np.int64)

    @property
    def pages(self) -> int:
        return max(1, math.ceil(len(self.rows) / PER_PAGE))

    @property
    def as_table(self) -> bool:
        """Whether the matrix is small enough for a table of links."""
        return self.judged is not None and len(self.judged.classes) <= MOST_CLASSES

    @property
    def cells(self) -> list[list[tuple[int, int]]]:
        """Count and shade (0 to 10, by share of the true class) of each cell of the matrix."""
        if self.judged is None:
            return []
        counts = self.judged.matrix
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shades = np.where(counts > 0, np.maximum(1, np.ceil(10 * np.sqrt(shares))), 0).astype(int)
        return [list(zip(row.tolist(), shade.tolist(), strict=True)) for row, shade in zip(counts, shades, strict=True)]

    @cached_property
    def shown(self) -> list[MistakenImage]:
        """The images of this page."""
        judged = self.judged
        first = PER_PAGE * (self.asked.page - 1)
        rows = self.rows[first : first + PER_PAGE]
        if judged is None or not len(rows):
            return []
        pictures = (
            images.small(judged.dataset, judged.dataset.validation, rows.tolist()) if judged.dataset else [""] * len(rows)
        )
        return [_mistaken(judged, int(row), picture) for row, picture in zip(rows, pictures, strict=True)]

    @cached_property
    def opened(self) -> list[NetworkAnswer]:
        """What each network says about the opened image."""
        judged, row = self.judged, self.asked.image
        if judged is None or row is None or row >= len(judged.labels):
            return []
        return [_answer(judged, place, row) for place in range(len(judged.results))]

    @property
    def opened_label(self) -> str:
        assert self.judged
        return self.judged.classes[int(self.judged.labels[self.asked.image or 0])]

    def link(self, **changes: Any) -> str:
        """The query of this view with other parameters."""
        plain = {**self.asked.model_dump(exclude_defaults=True), **changes}
        return urlencode({name: value for name, value in plain.items() if value not in (None, "", [])}, doseq=True)

    def as_json(self) -> dict[str, Any]:
        judged = self.judged
        if judged is None:
            return {"networks": [], "images": []}
        return {
            "networks": [result.name for result in judged.results],
            "left_out": judged.left_out,
            "classes": judged.classes,
            "confusion": judged.matrix,
            "matching": len(self.rows),
            "images": [{name: value for name, value in vars(each).items() if name != "picture"} for each in self.shown],
            "image": [vars(each) for each in self.opened],
        }


def _mistaken(judged: Judged, row: int, picture: str) -> MistakenImage:
    wrong = judged.wrong[:, row]
    says = Counter(judged.predicted[wrong, row].tolist() or judged.predicted[:, row].tolist()).most_common(1)[0][0]
    confidence = float(judged.probabilities[:, row, says].max())
    return MistakenImage(row, judged.classes[judged.labels[row]], judged.classes[says], confidence, int(wrong.sum()), picture)


def _answer(judged: Judged, place: int, row: int) -> NetworkAnswer:
    shares = judged.probabilities[place, row]
    top = [(judged.classes[each], float(shares[each])) for each in np.argsort(-shares, kind="stable")[:5]]
    return NetworkAnswer(judged.results[place].name, bool(~judged.wrong[place, row]), top)


def judged_by(site: PageSite, selection: Selection) -> Judged | None:
    """The stored predictions of a selection's finished networks on the images of the first of them."""
    names = selection.finished
    return site.once(("judged", selection.key), lambda: _judged(site, names)) if names else None


def _judged(site: PageSite, names: Sequence[str]) -> Judged | None:
    used: list[tuple[Result, NDArray[np.float32]]] = []
    left_out: dict[str, str] = {}
    labels: NDArray[np.int64] | None = None
    for name in names:
        if len(used) == MOST_NETWORKS:
            left_out[name] = f"the first {MOST_NETWORKS} are shown"
            continue
        try:
            result = site.live.result(name)
            if result is None or not result.best:
                left_out[name] = "none of its epochs has a finite loss"
                continue
            arrays = site.home.predictions(name)
        except SeedbedError as error:
            left_out[name] = str(error)
            continue
        own = arrays["validation_labels"].astype(np.int64)
        labels = own if labels is None else labels
        if not np.array_equal(own, labels):
            left_out[name] = "it judged other validation images"
            continue
        used.append((result, arrays["validation_probabilities"]))
    if not used or labels is None:
        return None
    dataset, unavailable = _images(site, used[0][0])
    return Judged([result for result, _ in used], np.stack([each for _, each in used]), labels, left_out, dataset, unavailable)


def _images(site: PageSite, result: Result) -> tuple[Dataset | None, str]:
    try:
        return images.dataset_of(site, result.run.data), ""
    except SeedbedError as error:
        return None, str(error)


def state(site: PageSite, asked: MistakesQuery) -> MistakesState:
    selection = select(site, asked.name)
    return MistakesState(asked, selection, judged_by(site, selection))


def _judged_or_error(site: PageSite, asked: MistakesQuery) -> Judged:
    judged = judged_by(site, select(site, asked.name))
    if judged is None:
        raise RunError("No selected run is finished and kept its predictions.")
    return judged


def _confusion(site: PageSite, asked: MistakesQuery) -> AnyChart:
    judged = _judged_or_error(site, asked)
    return figures.confusion(judged.matrix, judged.classes)


def _first(site: PageSite, asked: MistakesQuery) -> tuple[Judged, PartEvaluation]:
    judged = _judged_or_error(site, asked)
    if judged.dataset is None:
        raise RunError(judged.unavailable)
    return judged, assess(judged.probabilities[0], judged.dataset.validation, judged.classes)


def _per_class(site: PageSite, asked: MistakesQuery) -> AnyChart:
    judged, scores = _first(site, asked)
    return figures.per_class(scores.per_class, judged.classes)


def _reliability(site: PageSite, asked: MistakesQuery) -> AnyChart:
    return figures.reliability_curve(_first(site, asked)[1].calibration)


VIEW = View(
    "mistakes",
    "Mistakes",
    MistakesQuery,
    state,
    key="m",
    charts={"confusion": _confusion, "per_class": _per_class, "reliability": _reliability},
)
