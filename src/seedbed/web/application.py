"""The web application: the views' pages and their JSON twins, events, and static files, behind the guard."""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from weakref import WeakKeyDictionary

from fastapi import APIRouter, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from seedbed import devices, figures
from seedbed.errors import SeedbedError, SpecError, StorageError, UnknownDataset, UnknownRun
from seedbed.records import finite
from seedbed.runs import LiveRuns, RunStore
from seedbed.web import images, static
from seedbed.web.events import Hub
from seedbed.web.guard import Access, Guard, RequestLimits
from seedbed.web.selection import sweep_names
from seedbed.web.site import Here, PageSite, View, ViewQuery
from seedbed.web.views import VIEWS

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

INTERVAL = 0.4
"""Seconds between looks at the run store: a new epoch is on the page within a second."""

UNWATCHED = 1.5
"""The same while no page is open."""

AHEAD = 0.05
"""Seconds of each look that go to reading results before they are asked for, while a run trains."""

AHEAD_ALONE = 0.5
"""The same while no run of the home trains: all results are at hand some ten seconds after the start."""

PATIENCE = 0.3
"""Seconds for which a page may wait for results that are not at hand, so that it is painted within half a second."""

LATER = 3.0
"""Seconds after the start at which what charts need is loaded; a browser asks for its first page before, which would wait."""

SHARE = 0.03
"""Largest share of a core that these looks take; in a large or slow run store they are rarer."""

MOST_NAMES = 200
"""Names of changed runs in one event."""

Q = TypeVar("Q", bound=ViewQuery)


def application(
    home: RunStore, access: Access, *, limits: RequestLimits | None = None, views: Sequence[View[Any]] = VIEWS
) -> Guard:
    """Make the application of a run store.

    Args:
        home: the run store; need not exist yet.
        access: who may ask.
        limits: how much and how often. None means the usual limits.
        views: views in the order of the navigation; the first is the start page.

    Returns:
        The application behind its guard; `app.state.site` is its `PageSite`.
    """
    app = FastAPI(
        title="seedbed",
        version=devices.versions()["seedbed"],
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_watched,
    )
    files = static.StaticFiles()
    app.state.site = PageSite(home, LiveRuns(home), Hub(), access, files, views)
    app.include_router(_common(views[0]))
    app.include_router(static.routes(files))
    app.include_router(images.routes())
    for view in views:
        app.include_router(_routes(view))
        if view.router:
            app.include_router(view.router, prefix=f"/api/{view.name}", tags=[view.name])
    app.add_exception_handler(SeedbedError, _explained)
    app.add_exception_handler(RequestValidationError, _explained)
    app.add_exception_handler(AnyHTTPException, _explained)
    app.add_exception_handler(Exception, _explained)
    return Guard(app, access, limits)


# The run store, live


@asynccontextmanager
async def _watched(app: FastAPI) -> AsyncIterator[None]:
    """Publish what changes in the run store, for as long as the application runs."""
    site: PageSite = app.state.site
    watching = asyncio.gather(_watch(site), _prepare_later(site))
    try:
        yield
    finally:
        site.hub.close()
        site.ends.close()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _prepare(site: PageSite) -> None:
    """Make and load what the first chart and the first table of groups need, before someone waits for it."""
    site.static.find(static.VEGA)
    importlib.import_module("altair")
    with suppress(StorageError):  # what cannot be read now is said where it is asked for
        sweep_names(site)


async def _prepare_later(site: PageSite) -> None:
    await asyncio.sleep(LATER)
    while site.live.awaited:
        await asyncio.sleep(INTERVAL)
    threading.Thread(target=_prepare, args=(site,), daemon=True).start()


async def _watch(site: PageSite) -> None:
    await asyncio.to_thread(_look, site)
    await asyncio.sleep(INTERVAL)  # the first page goes before
    while True:
        changed, seconds = await asyncio.to_thread(_look, site)
        if changed:
            site.hub.publish("runs", {"changed": changed[:MOST_NAMES], "more": len(changed) > MOST_NAMES})
        await asyncio.to_thread(site.live.read_ahead, AHEAD if site.live.training else AHEAD_ALONE)
        pause = INTERVAL if site.hub.readers else UNWATCHED
        await asyncio.sleep(max(pause, seconds / SHARE))


def _look(site: PageSite) -> tuple[list[str], float]:
    """What changed in the run store, and the processor's time for the look (s)."""
    began = time.thread_time()
    try:
        changed = site.live.changes()
    except StorageError:  # a folder that cannot be read now may be readable later; pages say so meanwhile
        changed = []
    return changed, time.thread_time() - began


def _common(start: View[Any]) -> APIRouter:
    router = APIRouter(tags=["events"])

    @router.get("/", include_in_schema=False)
    def first() -> Response:
        return RedirectResponse(f"/{start.name}", 307)

    @router.get("/api/events", response_class=StreamingResponse)
    async def events(site: Here, after: str = "", last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        """All events as one stream of server-sent events, after the one of an id; without one, those from now on."""
        if site.hub.full:
            raise HTTPException(503, "Too many pages are open; ask for /api/changes.")
        return StreamingResponse(site.hub.stream(last_event_id or after), media_type="text/event-stream")

    @router.get("/api/changes")
    def changes(site: Here, after: str = "") -> dict[str, Any]:
        """The events after the one of an id, at once: for browsers that cannot hold a stream."""
        last = site.hub.last
        events = site.hub.after(after) if after else []
        return {"last": last, "reset": events is None, "events": [event.as_json() for event in events or []]}

    return router


# Views


def _routes(view: View[Q]) -> APIRouter:
    """Routes of a view's page, of its JSON twin and of its charts; all take the same parameters."""
    router = APIRouter(tags=[view.name])

    def page(request: Request, site: Here, query: Any) -> Response:
        with site.live.waited_for():
            names = view.reads(site, query) if view.reads else ()
            if left := site.live.read(names, PATIENCE):
                return site.page(request, "reading.html.jinja", view=view, total=len(names), left=left)
            return site.page(request, f"{view.name}.html.jinja", view=view, state=view.state(site, query), asked=query)

    encoded: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()

    def twin(site: Here, query: Any) -> Response:
        with site.live.waited_for():
            state = view.state(site, query)  # a view may keep its states; then their JSON is kept with them
            if state not in encoded:
                encoded[state] = bytes(JSONResponse(finite(state.as_json())).body)
            return Response(encoded[state], media_type="application/json")

    _add(router, f"/{view.name}", page, view, f"{view.title}: the page.", in_schema=False)
    _add(router, f"/api/{view.name}", twin, view, f"{view.title}: what the page shows.")
    for name, draw in view.charts.items():
        _add(router, f"/api/{view.name}/charts/{name}", _chart(draw), view, f"{view.title}: the chart {name} as Vega-Lite.")
    return router


def _chart(draw: Callable[[PageSite, Q], Any]) -> Callable[..., Any]:
    def chart(site: Here, query: Any) -> Response:
        with site.live.waited_for():
            # A view may keep its charts; then their JSON is kept with them, and no other has their `id`.
            drawn = draw(site, query)
            _, encoded = site.once(("as JSON", id(drawn)), lambda: (drawn, _encoded(drawn)))
        return Response(encoded, media_type="application/json")

    return chart


def _encoded(chart: AnyChart) -> bytes:
    return bytes(JSONResponse({**figures.specification(chart), "config": {}}).body)


def _add(
    router: APIRouter, path: str, answer: Callable[..., Any], view: View[Any], text: str, *, in_schema: bool = True
) -> None:
    answer.__annotations__["query"] = Annotated[view.query, Query()]
    name = path.removeprefix("/").replace("/", "_")
    router.add_api_route(path, answer, methods=["GET"], summary=text, name=name, operation_id=name, include_in_schema=in_schema)


# Errors


def _explained(request: Request, error: Exception) -> Response:
    """An error as a page, or below `/api/` as JSON: one line."""
    status, reason = _reason(error)
    if request.url.path.startswith(("/api/", "/static/")):
        return JSONResponse({"error": reason}, status)
    site: PageSite = request.app.state.site
    return site.page(request, "error.html.jinja", status=status, reason=reason)


def _reason(error: Exception) -> tuple[int, str]:
    if isinstance(error, UnknownRun | UnknownDataset):
        return 404, str(error)
    if isinstance(error, SpecError):
        return 422, str(error)
    if isinstance(error, SeedbedError):
        return 409, str(error)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return 422, f"{place} = {str(first.get('input'))[:80]!r}: {first['msg'].replace('Input should be', 'it must be')}."
    if isinstance(error, AnyHTTPException):
        return error.status_code, str(error.detail)
    return 500, "This was not foreseen; the terminal of `seedbed serve` shows where."
