"""Draw: a drawn or opened picture, and what several networks answer, computed in the browser."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from seedbed.evaluation import Inversion
from seedbed.records import Result
from seedbed.runs import Listed
from seedbed.web import networks
from seedbed.web.site import Here, PageSite, View, ViewQuery

MOST = 6
"""Networks on the page at once."""

router = APIRouter()


@dataclass(frozen=True, eq=False)
class DrawState:
    """The networks that answer, and those that could.

    Attributes:
        results: the selected networks; where none is selected, the newest one.
        choices: names of all runs with a network.
        missing: selected names that have no network.
    """

    results: list[Result]
    choices: list[str]
    missing: list[str]

    @property
    def names(self) -> list[str]:
        return [result.name for result in self.results]

    def as_json(self) -> dict[str, Any]:
        networks = [{"name": each.name, "network": each.run.model.title, "data": each.run.data.name} for each in self.results]
        return {"networks": networks, "choices": self.choices, "missing": self.missing}


def state(site: PageSite, query: ViewQuery) -> DrawState:
    """Find the networks of the selected runs and groups; of a group the one with the best validation accuracy."""
    listing = [listed for listed in site.live.listing() if has_network(listed)]
    names = [listed.name for listed in listing]
    groups: dict[str, list[str]] = {}
    for listed in listing:
        assert listed.record
        groups.setdefault(listed.record.group, []).append(listed.name)
    chosen: dict[str, Result] = {}
    missing = []
    for name in query.name[:MOST]:
        members = [name] if name in names else groups.get(name, [])
        found = [result for member in members if (result := site.live.result(member))]
        if found:
            best = max(found, key=lambda run: run.history["validation_accuracy"][run.best - 1] if run.best else -1.0)
            chosen[best.name] = best
        else:
            missing.append(name)
    if not chosen and not missing and names and (newest := site.live.result(names[-1])):
        chosen[newest.name] = newest
    return DrawState(list(chosen.values()), names, missing)


def has_network(listed: Listed) -> bool:
    """Whether a run has weights that read ordinary pictures."""
    record = listed.record
    return bool(record and record.has_weights and record.run.data.permutation is None)


@router.get("/networks/{run}")
def network(site: Here, run: str) -> dict[str, Any]:
    """A network's description: settings, layers, classes, and how a picture becomes its input."""
    return networks.description(site, run)


@router.get("/weights/{run}", response_class=Response)
def weights(site: Here, run: str, epoch: str = "best") -> Response:
    """A network's weights as a safetensors file, at its best epoch, its last, or a kept one."""
    return Response(networks.weights(site, run, epoch), media_type="application/octet-stream")


@router.post("/predict/{run}")
async def predict(site: Here, request: Request, run: str, invert: Annotated[Inversion, Query()] = "auto") -> dict[str, Any]:
    """What a network answers to the picture file that is the body: for networks that the browser does not compute."""
    content = await request.body()
    return await asyncio.to_thread(networks.predict, site, run, content, invert)


VIEW = View("draw", "Draw", ViewQuery, state, key="w", router=router, script=True)
