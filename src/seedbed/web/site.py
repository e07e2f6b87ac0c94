"""What all views of a server share, and what a view is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, Protocol, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from seedbed import devices, pages
from seedbed.runs import LiveRuns, RunStore
from seedbed.web.events import Hub
from seedbed.web.guard import Access
from seedbed.web.static import StaticFiles

if TYPE_CHECKING:
    from jinja2 import Template

    from seedbed.figures.theme import AnyChart

KEPT_VALUES = 64
"""Values that `PageSite.once` keeps."""

T = TypeVar("T")


class Closeable(Protocol):
    """What has an end of its own."""

    def close(self) -> None:
        """Let go of processes and files."""


L = TypeVar("L", bound=Closeable)


class ViewQuery(BaseModel):
    """The parameters that every view's URL may have; a view's own class adds its own, so that the URL is its whole state.

    Attributes:
        name: the selected runs, groups and sweeps, which follow the user from view to view.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: list[str] = []


class ViewState(Protocol):
    """What a view shows: its template reads the attributes, its JSON twin is `as_json`."""

    def as_json(self) -> dict[str, Any]:
        """Return all that the view shows as JSON values (NaN is null)."""


Q = TypeVar("Q", bound=ViewQuery)


@dataclass(frozen=True)
class View(Generic[Q]):
    """A view: a page at `/NAME` (template `NAME.html.jinja`), and the same as JSON at `/api/NAME`.

    Attributes:
        name: part of the addresses.
        title: what the navigation calls it.
        query: class of its URL's parameters.
        state: computes what it shows.
        reads: finds the names of the runs whose results the state needs, where they may be many: while they are read, the page
            says so. None means few.
        key: letter of its access key: none that browsers use themselves, as they do digits, D, E and F (Chromium on Linux).
        charts: name -> chart for the same parameters, at `/api/NAME/charts/CHART`; drawn live.
        router: further routes of its own; below `/api/NAME/`.
        script: whether the page loads `static/NAME.js`.
        listed: whether the navigation shows it.
    """

    name: str
    title: str
    query: type[Q]
    state: Callable[[PageSite, Q], ViewState]
    reads: Callable[[PageSite, Q], Collection[str]] | None = None
    key: str = ""
    charts: Mapping[str, Callable[[PageSite, Q], AnyChart]] = field(default_factory=dict)
    router: APIRouter | None = None
    script: bool = False
    listed: bool = True


@dataclass(frozen=True)
class PageSite:
    """A server's home, events and pages.

    Attributes:
        home: the run store.
        live: its runs as they are now.
        hub: events for the open pages.
        static: styles and scripts.
        views: all views, in the order of the navigation.
        kept: what a view keeps for as long as the server runs, by the view's name.
        ends: what is to be done when the server ends.
    """

    home: RunStore
    live: LiveRuns
    hub: Hub
    access: Access
    static: StaticFiles
    views: Sequence[View[Any]]
    kept: dict[str, Any] = field(default_factory=dict)
    ends: ExitStack = field(default_factory=ExitStack)
    _once: OrderedDict[Hashable, Future[Any]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return a value that is computed once, however many requests need it at the same time; the latest are kept.

        Args:
            key: all that the value depends on: of runs, their stamps.
            make: computes it; its error is raised by each of the waiting calls, and not kept.
        """
        with self._lock:
            known = self._once.get(key)
            future: Future[T] = known or Future()
            self._once[key] = future
            self._once.move_to_end(key)
            while len(self._once) > KEPT_VALUES:
                self._once.popitem(last=False)
        if known is None:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)
                with self._lock:
                    self._once.pop(key, None)
        return future.result()

    def lasting(self, name: str, make: Callable[[], L]) -> L:
        """Return what a view keeps under a name, made when it is first needed, and closed when the server ends."""
        with self._lock:
            if name not in self.kept:
                self.kept[name] = made = make()
                self.ends.callback(made.close)
            found: L = self.kept[name]
            return found

    @property
    def usual_home(self) -> bool:
        """Whether commands find the run store without being given its folder."""
        return self.home.root.resolve() == RunStore.at().root.resolve()

    def page(self, request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a template in the frame of all pages.

        Args:
            request: request that is answered; its parameters `name` stay selected in the navigation.
            name: file in `templates/`.
            values: what the template reads; all text in it is escaped.
        """
        selected = [(name, value) for name, value in request.query_params.multi_items() if name == "name"]
        frame = {
            "views": self.views,
            "selected": selected,
            "query": request.url.query,
            "path": request.url.path,
            "token": self.access.token,
            "version": devices.versions()["seedbed"],
            "stamp": self.static.stamp,
            "last_event": self.hub.last,
            "view": None,
            "status": status,
            "home_option": "" if self.usual_home else str(self.home.root),
        }
        return HTMLResponse(template(name).render({**frame, **values}), status_code=status)


def template(name: str) -> Template:
    """A template of the pages, which is compiled once."""
    return pages.environment("seedbed.web").get_template(name)


def _site(request: Request) -> PageSite:
    site: PageSite = request.app.state.site
    return site


Here = Annotated[PageSite, Depends(_site)]
"""Annotation of a route's parameter that gets the server's `PageSite`."""
