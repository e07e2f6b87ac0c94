"""Charts in a notebook without a network: a drawing, which becomes interactive once the page has Vega."""

from __future__ import annotations

import json
import secrets
from typing import Any

from seedbed.figures.drawing import draw
from seedbed.notebook import in_notebook
from seedbed.pages.bundle import vega

OURS = "seedbed"
"""Name of the renderer, and mark of the charts that it draws."""

_given: set[str] = set()
"""What this session's notebook has been given already."""


def mark() -> dict[str, Any]:
    """The mark of a chart that this renderer draws; in a notebook, the renderer is ready from now on.

    A renderer that the user has chosen stays, and so does the way in which all other charts are drawn.
    """
    if in_notebook():
        import altair as alt

        if alt.renderers.active == "default":
            _use(alt.renderers)
    return {OURS: True}


def _use(renderers: Any) -> None:
    before = renderers.get()

    def render(spec: dict[str, Any], **metadata: Any) -> Any:
        return shown(spec) if OURS in spec.get("usermeta", {}) else before(spec, **metadata)

    renderers.register(OURS, render)
    renderers.enable(OURS)


def shown(spec: dict[str, Any]) -> dict[str, str]:
    """The chart as a notebook takes it; the first one of a session brings Vega, of 0.8 MB, for all."""
    place = f"seedbed-{secrets.token_hex(6)}"
    drawing = draw(spec, ["svg"])["svg"].decode()
    scripts = [] if "vega" in _given else [vega()]
    _given.add("vega")
    embedded = json.dumps(spec).replace("</", "<\\/")
    options = json.dumps(
        {"ast": True, "renderer": "svg", "actions": {"export": True, "source": False, "compiled": False, "editor": False}}
    )
    scripts.append(f'if (window.vegaEmbed) vegaEmbed("#{place}", {embedded}, {options});')
    parts = [f'<div id="{place}">{drawing}</div>', *(f"<script>{script}</script>" for script in scripts)]
    return {"text/html": "".join(parts), "text/plain": spec.get("description", "chart")}
