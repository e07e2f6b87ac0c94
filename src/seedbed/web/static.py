"""Styles and scripts that the server hands out: by their names from a fixed list, never by a path."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from seedbed import pages
from seedbed.figures import theme
from seedbed.pages.bundle import vega_made_elsewhere, vega_version
from seedbed.palette import COLOURS
from seedbed.storage import sha256

FOLDERS = (Path(pages.__file__).parent / "static", Path(__file__).parent / "static")
"""Files that exported pages use too, and the page's own."""

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json"}

VEGA = "vega.js"
"""What draws charts, made when it is first asked for."""

STYLES = ("chart.css", "page.css", "answers.css", "drawing.css")
"""Styles of the report that the page takes over; its own come after them."""


@dataclass(frozen=True)
class StaticFile:
    """A file's content and type; `tag` changes with the content."""

    content: bytes
    type: str

    @cached_property
    def tag(self) -> str:
        return sha256(self.content)[:16]


class StaticFiles:
    """All static files: those of the folders `static`, the style of all pages, the themes of charts, and what draws these.

    Attributes:
        stamp: changes with the content of any file; part of their addresses, so that browsers may keep them.
    """

    def __init__(self) -> None:
        found = [path for folder in FOLDERS for path in sorted(folder.iterdir()) if path.suffix in TYPES]
        own = {path.name: path.read_bytes() for path in found}
        own["themes.json"] = json.dumps({mode: theme.config(mode) for mode in COLOURS}).encode()
        own["style.css"] = _style(own.pop("serve.css"))
        self._files = {name: StaticFile(content, TYPES[Path(name).suffix]) for name, content in own.items()}
        self._drawing: StaticFile | None = None
        self._making = threading.Lock()
        self.stamp = sha256("".join([vega_version(), *(file.tag for file in self._files.values())]).encode())[:12]

    def find(self, name: str) -> StaticFile | None:
        """The file of this name; None where there is none. The first call for `vega.js` waits until it is made."""
        if name == VEGA:
            return self._vega
        return self._files.get(name)

    @property
    def _vega(self) -> StaticFile:
        with self._making:  # of several threads that ask, one makes it
            if self._drawing is None:
                self._drawing = StaticFile(vega_made_elsewhere().encode(), TYPES[Path(VEGA).suffix])
            return self._drawing


def _style(own: bytes) -> bytes:
    environment = pages.environment("seedbed.web")
    shared = [environment.get_template("palette.css.jinja").render(), *(pages.text_of(environment, name) for name in STYLES)]
    return "\n".join([*shared, own.decode()]).encode()


def routes(files: StaticFiles) -> APIRouter:
    """The route of all static files. A browser asks each time whether a file has changed, unless its address has the stamp."""
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    def static(name: str, request: Request, v: str = "") -> Response:
        file = files.find(name)
        if file is None:
            raise HTTPException(404, "There is no such file.")
        tag = f'"{file.tag}"'
        kept = "max-age=31536000, immutable" if v == files.stamp else "no-cache"
        headers = {"etag": tag, "cache-control": kept}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.type, headers=headers)

    return router
