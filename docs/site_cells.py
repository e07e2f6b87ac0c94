"""How charts stand on the pages of the tutorial: drawn twice, for light and for dark pages, without a script.

The hidden first cell of each page imports this.
"""

from __future__ import annotations

from html import escape
from typing import Any

import altair as alt

from seedbed.figures import theme
from seedbed.figures.drawing import draw_all
from seedbed.palette import Mode

MODES: tuple[Mode, ...] = ("light", "dark")


def render(spec: dict[str, Any], **_: Any) -> dict[str, str]:
    """The chart as two drawings, of which the page's style shows one."""
    name = spec.get("description", "chart")
    specs = [{**spec, "config": {**theme.config(mode), "background": "transparent"}} for mode in MODES]
    figures = [
        f'<div class="only-{mode} chart" role="img" aria-label="{escape(name)}">{drawing["svg"].decode()}</div>'
        for mode, drawing in zip(MODES, draw_all(specs, ["svg"]), strict=True)
    ]
    return {"text/html": "".join(figures), "text/plain": name}


alt.renderers.register("site", render)
alt.renderers.enable("site")
