"""Network: one network from the inside, epoch by epoch, layer by layer, unit by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import Field

from seedbed import figures
from seedbed.diagnosis import explain
from seedbed.errors import RunError, StorageError
from seedbed.evaluation.browser import IN_BROWSER
from seedbed.models import LayerFacts, describe
from seedbed.records import Result
from seedbed.tables import Column, Table
from seedbed.web import networks
from seedbed.web.images import ShownPart
from seedbed.web.site import Here, PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_IMAGES = 2_000
PROBES = {"saturation": "saturation", "gradients": "gradient", "weights": "weights", "updates": "update"}
"""Name of a chart -> kind of the probes that it shows."""

router = APIRouter()


class InsideQuery(ViewQuery):
    """What is looked at.

    Attributes:
        epoch: "best", "last", or the number of an epoch whose weights the run kept.
        image: number of a validation image.
        layer: name of the layer whose units are looked at; empty means the first.
        unit: number of a unit, map or class of that layer.
    """

    epoch: Annotated[str, Field(pattern=r"^(best|last|[1-9]\d{0,5})$")] = "best"
    image: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    layer: Annotated[str, Field(max_length=40)] = ""
    unit: Annotated[int, Field(ge=0, le=1_000_000)] = 0


@dataclass(frozen=True, eq=False)
class InsideState:
    """A network.

    Attributes:
        result: its run; None where none is selected or has an epoch.
        layers: its layers; empty for a user's own network.
        epochs: what `epoch` can be, in the order of training.
        drawable: whether the browser computes it, and its weights were kept.
        message: why there is nothing to show, or less.
    """

    result: Result | None
    layers: list[LayerFacts]
    epochs: list[str]
    drawable: bool
    message: str = ""

    @property
    def table(self) -> Table[LayerFacts]:
        """Layers with shapes, parameters and operations."""
        columns: list[Column[LayerFacts]] = [
            Column("layer", lambda layer: layer.name, align="left"),
            Column("kind", lambda layer: layer.kind, align="left"),
            Column("output", lambda layer: " x ".join(map(str, layer.output_shape)), align="left"),
            Column("parameters", lambda layer: layer.parameters, ","),
            Column("operations per image", lambda layer: layer.operations, ","),
        ]
        return Table(columns, self.layers)

    @property
    def charts(self) -> list[str]:
        """Names of the charts that the run's probes allow."""
        return [name for name, kind in PROBES.items() if self.result and self.result.history.probes(kind)]

    @property
    def sentences(self) -> list[str]:
        """What the probes show, in words."""
        return explain(self.result.history, self.result.run.model.activation) if self.result else []

    def as_json(self) -> dict[str, Any]:
        name = self.result.name if self.result else None
        layers = [vars(layer) for layer in self.layers]
        return {
            "name": name,
            "layers": layers,
            "epochs": self.epochs,
            "charts": self.charts,
            "sentences": self.sentences,
            "message": self.message,
        }


def state(site: PageSite, query: InsideQuery) -> InsideState:
    """Find the network of the first selected run; without a selection, the newest."""
    chosen = _chosen(site, query.name)
    if chosen is None:
        return InsideState(None, [], [], drawable=False, message="There is no such run." if query.name else "")
    try:
        result = site.live.result(chosen)
    except StorageError as error:
        return InsideState(None, [], [], drawable=False, message=str(error))
    if result is None:
        return InsideState(None, [], [], drawable=False, message=f"{chosen} has no epoch yet; this page follows it.")
    return _inside(site, result)


def _chosen(site: PageSite, names: Sequence[str]) -> str | None:
    """The run of the first name, or the first of its group; without a name, the one that was written last."""
    listing = site.live.listing()
    if not names:
        whole = [listed.name for listed in listing if listed.record and listed.status != "pruned"]
        return max(whole, key=lambda name: site.live.stamp(name)[1], default=None)
    for name in names:
        for listed in listing:
            if name == listed.name or (listed.record and name == listed.record.group):
                return listed.name
    return None


def _inside(site: PageSite, result: Result) -> InsideState:
    record = site.live.find(result.name).record
    own = result.run.model.family not in IN_BROWSER
    layers = [] if own else describe(result.run.model, result.data.image_shape, len(result.data.classes))
    kept = bool(record and record.has_weights)
    epochs = [*map(str, site.home.kept_epochs(result.name)), "best", "last"] if kept else []
    message = ""
    if own:
        message = "This network is of your own code: its probes are shown, and Draw asks the server for its answers."
    elif not kept:
        busy = not (record and record.ended)
        message = "Its weights are on this page when it is finished." if busy else "It kept no weights."
    return InsideState(result, layers, epochs, kept and not own, message)


@router.get("/images/{run}", response_class=Response)
def images(
    site: Here,
    run: str,
    part: ShownPart = "validation",
    start: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Query(ge=1, le=MOST_IMAGES)] = 1,
) -> Response:
    """Consecutive images of a run's data from number `start` on, as float32 pixels; with labels and total in the headers."""
    chosen = networks.shown_part(site, run, part)
    rows = np.arange(min(start, len(chosen) - 1), min(start + count, len(chosen)))
    headers = {"x-labels": ",".join(map(str, chosen.labels[rows].tolist())), "x-total": str(len(chosen))}
    return Response(chosen.take(rows).astype("<f4").tobytes(), media_type="application/octet-stream", headers=headers)


def _chart(kind: str) -> Any:
    def draw(site: PageSite, query: InsideQuery) -> AnyChart:
        result = state(site, query).result
        if result is None:
            raise RunError("No run is selected.")
        return figures.probes_over_epochs(result.history, kind)

    return draw


VIEW = View(
    "inside",
    "Network",
    InsideQuery,
    state,
    key="n",
    charts={name: _chart(kind) for name, kind in PROBES.items()},
    router=router,
    script=True,
)
