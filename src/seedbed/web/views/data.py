"""Data: what a data set holds, before any network is trained on it; duplicates and a map of its images on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from seedbed import data, figures
from seedbed.background import Background, BackgroundWork
from seedbed.data import Dataset
from seedbed.data.description import Known
from seedbed.data.embedding import stratified
from seedbed.data.facts import class_balance
from seedbed.errors import SeedbedError
from seedbed.tables import Column, Table
from seedbed.web import images
from seedbed.web.images import ShownPart
from seedbed.web.site import Here, PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

EXAMPLES = 24
MOST_MEANS = 40
"""Classes of which the mean image is shown."""

DEFAULT = "digits"


class DataQuery(ViewQuery):
    """Which data set.

    Attributes:
        data: its name; that of the latest run if empty.
        part: part whose images are shown.
        label: number of the class whose images are shown; all if None.
        image: number of the training image that is opened.
        page: which images, from 1.
    """

    data: Annotated[str, Field(max_length=100)] = ""
    part: ShownPart = "training"
    label: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    image: Annotated[int | None, Field(ge=0, le=2**40)] = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


@dataclass(frozen=True)
class Example:
    """An image of the list, its class and its number in the part."""

    index: int
    label: str
    picture: str


@dataclass(frozen=True, eq=False)
class DataState:
    """What the view shows.

    Attributes:
        name: the data set's name.
        dataset: None where it is not on this machine.
        unavailable: why it is not.
        means: mean image of each class as an address; None until they are computed.
        survey: duplicates, leakage and map; None until it was asked for.
        surveying: what the survey is doing; empty if none is made.
        problem: why the last survey or the mean images could not be made.
    """

    asked: DataQuery
    name: str
    known: list[Known]
    dataset: Dataset | None
    unavailable: str
    means: list[str] | None
    examples: list[Example]
    counts: dict[str, Any]
    survey: Mapping[str, Any] | None
    surveying: str
    problem: str = ""

    @property
    def table(self) -> Table[str]:
        """Images of each class by part."""
        classes = list(self.dataset.classes) if self.dataset else []

        def count(part: str) -> Column[str]:
            return Column(part, lambda name: int(self.counts[part][classes.index(name)]), ",")

        return Table([Column("class", lambda name: name, align="left"), *map(count, self.counts)], classes)

    @property
    def sentences(self) -> list[str]:
        if self.dataset is None:
            return []
        facts = self.dataset.facts()
        height, width, channels = facts.image_shape
        kind = "grey" if channels == 1 else "in colour"
        parts = f"{facts.train:,} training, {facts.validation:,} validation and {facts.test:,} test images"
        locked = " The test part is locked: its images and labels are not shown." if facts.test else ""
        size = f"{height} x {width} pixels, {kind}, in {len(facts.classes)} classes"
        return [f"{self.name} has {parts} of {size}.{locked}", *self.dataset.notes]

    def as_json(self) -> dict[str, Any]:
        return {
            "data": self.name,
            "known": [vars(each) for each in self.known],
            "unavailable": self.unavailable,
            "classes": self.table.records(),
            "sentences": self.sentences,
            "examples": [{"index": each.index, "label": each.label} for each in self.examples],
            "survey": {"sentences": self.survey["sentences"]} if self.survey else None,
            "surveying": self.surveying,
        }


def _name(site: PageSite, asked: DataQuery) -> str:
    if asked.data:
        return asked.data
    records = [run.record for run in site.live.listing() if run.record]
    latest = max(records, key=lambda record: site.live.stamp(record.name)[1], default=None)
    known = {each.name for each in data.known()}
    return latest.run.data.name if latest and latest.run.data.name in known else DEFAULT


def state(site: PageSite, asked: DataQuery) -> DataState:
    name, known = _name(site, asked), data.known()
    try:
        dataset = images.known_dataset(site, name)
    except SeedbedError as error:
        return DataState(asked, name, known, None, str(error), [], [], {}, None, "")
    counts = {part: numbers.tolist() for part, numbers in class_balance(dataset).items()}
    background, work = _background(site), _survey(dataset)
    means = _means(site, dataset)
    problem = background.problem(work) or background.problem(_mean_images(dataset))
    survey, doing = work.find(), background.doing(work)
    return DataState(asked, name, known, dataset, "", means, _examples(dataset, asked), counts, survey, doing, problem)


def _survey(dataset: Dataset) -> BackgroundWork:
    return BackgroundWork.of("survey", data_spec=_identity(dataset))


def _mean_images(dataset: Dataset) -> BackgroundWork:
    return BackgroundWork.of("class_means", data_spec=_identity(dataset), most=MOST_MEANS, side=images.SIDE)


def _identity(dataset: Dataset) -> dict[str, Any]:
    return dataset.spec.model_dump(mode="json", exclude_defaults=True)


def _means(site: PageSite, dataset: Dataset) -> list[str] | None:
    """The mean image of each class, as addresses; None while another process reads all images for them."""
    work = _mean_images(dataset)
    means: list[str] | None = work.find()
    if means is None and not _background(site).problem(work):
        _begin(site, dataset.spec.name, work)
    return means


def _begin(site: PageSite, name: str, work: BackgroundWork) -> None:
    """Begin work on a data set; pages hear of it under the topic `data`."""

    def heard(line: str) -> None:
        site.hub.publish("data", {"data": name, "kind": work.kind, "done": False, "doing": line})

    def ended(problem: str) -> None:
        site.hub.publish("data", {"data": name, "kind": work.kind, "done": True, "problem": problem})

    _background(site).begin(work, heard, ended)


def _examples(dataset: Dataset, asked: DataQuery) -> list[Example]:
    part = images.part_of(dataset, asked.part)
    first = EXAMPLES * (asked.page - 1)
    if asked.label is None and asked.page == 1:
        rows = np.sort(stratified(part.labels, min(EXAMPLES, len(part))))
    else:
        chosen = np.arange(len(part)) if asked.label is None else np.flatnonzero(part.labels == asked.label)
        rows = chosen[first : first + EXAMPLES]
    labels = [dataset.classes[part.labels[row]] for row in rows]
    pictures = images.small(dataset, part, rows.tolist())
    return [Example(*each) for each in zip(rows.tolist(), labels, pictures, strict=True)]


def _background(site: PageSite) -> Background:
    background: Background = site.kept.setdefault("data", Background())
    return background


def _balance(site: PageSite, asked: DataQuery) -> AnyChart:
    dataset = images.known_dataset(site, _name(site, asked))
    return figures.class_balance(class_balance(dataset), dataset.classes)


# Routes of its own

router = APIRouter()


class SurveyRequest(BaseModel):
    """Which data set to survey."""

    model_config = ConfigDict(extra="forbid")

    data: Annotated[str, Field(max_length=100)]


@router.post("/survey", status_code=202)
def begin(site: Here, request: SurveyRequest) -> dict[str, str]:
    """Begin a survey of a data set: duplicates, leakage, and a map of its images. Its end is an event of the topic `data`."""
    _begin(site, request.data, _survey(images.known_dataset(site, request.data)))
    return {"data": request.data}


@router.get("/survey/chart")
def survey_chart(site: Here, data: str, chart: Annotated[str, Query(max_length=40)]) -> dict[str, Any]:
    """A chart of a survey that is done, as Vega-Lite."""
    survey = _survey(images.known_dataset(site, data)).find()
    charts: dict[str, Any] = survey["charts"] if survey else {}
    if chart not in charts:
        raise SeedbedError(f"There is no chart {chart!r} yet: begin a survey.")
    return dict(charts[chart])


VIEW = View("data", "Data", DataQuery, state, key="a", charts={"class_balance": _balance}, router=router, script=True)
