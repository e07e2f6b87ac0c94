"""Images of data sets for pages: small ones inside a page, single ones by their number. The test part is not reachable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from seedbed import data, figures
from seedbed.data import Dataset, Part
from seedbed.errors import DataUnavailable, UnknownDataset, UnknownRun, nearest
from seedbed.specs import DataSpec
from seedbed.web.site import Here, PageSite

ShownPart = Literal["training", "validation"]
SIDE = 56
"""Longest side of small images (pixels)."""


def dataset_of(site: PageSite, spec: DataSpec) -> Dataset:
    """The images of a run's data, if they are decoded on this machine; a page never starts a download.

    Raises:
        DataUnavailable: they are not.
    """

    def load() -> Dataset:
        found = data.at_hand(spec)
        if found is None:
            raise DataUnavailable(
                f"The images of {spec.name} are not on this machine as this run saw them. "
                f"`seedbed visualize --data {spec.name}` reads or downloads them."
            )
        return found

    return site.once(("dataset", spec.identity), load)


def known_dataset(site: PageSite, name: str) -> Dataset:
    """A data set by its name, if it is on this machine, split by the honest protocol.

    Raises:
        UnknownDataset: no data set has this name; a path is no name.
        DataUnavailable: it would have to be downloaded.
    """
    known = {each.name: each for each in data.known()}
    if name not in known:
        raise UnknownDataset(f"No data set is named {name!r}.{nearest(name, known)} Known here: {', '.join(known)}.")
    if not known[name].where:
        raise DataUnavailable(f"{name} is not on this machine. `seedbed visualize --data {name}` downloads it.")
    return site.once(("data set", name, known[name].where), lambda: data.load(DataSpec(name=name)))


def part_of(dataset: Dataset, part: ShownPart) -> Part:
    """A part that may be shown."""
    return dataset.train if part == "training" else dataset.validation


def small(dataset: Dataset, part: Part, rows: Sequence[int]) -> list[str]:
    """Images of a part as addresses that hold them."""
    if not len(rows):
        return []
    return figures.thumbnails(dataset.pictures.shown(part.take(np.asarray(rows))), side=SIDE)


def png(dataset: Dataset, part: Part, row: int) -> bytes:
    """An image of a part as PNG, in its own size.

    Raises:
        UnknownRun: the part has no image of this number.
    """
    from PIL import Image

    if not 0 <= row < len(part):
        raise UnknownRun(f"image = {row}: the part has images 0 to {len(part) - 1:,}.")
    pixels = dataset.pictures.shown(part.take(np.array([row])))[0]
    return figures.picture_bytes(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def routes() -> APIRouter:
    """The route of single images: by a run's name or a data set's, and their number."""
    router = APIRouter(prefix="/api/image", tags=["images"])

    @router.get("", response_class=Response)
    def image(
        site: Here,
        index: Annotated[int, Query(ge=0, le=2**40)],
        run: str = "",
        data: str = "",
        part: ShownPart = "validation",
    ) -> Response:
        """An image of a run's data, or of a data set, as PNG."""
        if run:
            record = site.live.find(run).record
            if record is None:
                raise UnknownRun(f"Run {run!r} is damaged.")
            dataset = dataset_of(site, record.run.data)
        else:
            dataset = known_dataset(site, data)
        content = png(dataset, part_of(dataset, part), index)
        return Response(content, media_type="image/png", headers={"cache-control": "private, max-age=600"})

    return router
