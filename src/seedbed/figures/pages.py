"""Self-contained HTML: one file that opens from disk, draws with the bundle inside it and asks no network for anything.

Two locks keep text from becoming code: everything is escaped where it enters the page, and the page's own content security
policy lets only the scripts run whose digests it names.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.metadata
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from seedbed.devices import cache_folder
from seedbed.errors import StorageError
from seedbed.figures import theme
from seedbed.records import finite
from seedbed.storage import sha256, write

CHART_STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{ margin: 0; background: {theme.COLOURS["light"]["paper"]}; font-family: {theme.FONT}; }}
@media (prefers-color-scheme: dark) {{ body {{ background: {theme.COLOURS["dark"]["paper"]}; }} }}
.chart {{ display: block; overflow-x: auto; }}
.vega-embed {{ padding-right: 0 !important; }}
.vega-embed summary {{ opacity: 0.35 !important; }}
"""

DRAW = """
const wantsDark = matchMedia("(prefers-color-scheme: dark)");
const themes = JSON.parse(document.getElementById("themes").textContent);
const actions = { export: true, source: false, compiled: false, editor: false };
async function draw() {
  const mode = wantsDark.matches ? "dark" : "light";
  for (const place of document.querySelectorAll("[data-chart]")) {
    const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    spec.config = themes[mode];
    await vegaEmbed(place, spec, { ast: true, renderer: "svg", actions, tooltip: { theme: mode } });
  }
  document.body.dataset.drawn = mode;
}
wantsDark.addEventListener("change", draw);
draw();
"""


def page(title: str, body: str, specs: Sequence[dict[str, Any]] = (), *, style: str = CHART_STYLE) -> str:
    """A whole HTML document.

    Args:
        title: the window's title, plain text.
        body: HTML whose text the caller has escaped; `place(i)` marks where chart i goes.
        specs: the charts as Vega-Lite (`theme.specification`), drawn for a light or a dark page as the reader prefers.
        style: CSS of the page.
    """
    scripts = [_bundle(), DRAW] if specs else []
    policy = f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {_digests(scripts)}"
    data = [_data("themes", {mode: theme.config(mode) for mode in theme.COLOURS})] if specs else []
    data += [_data(f"chart-{i}", {**spec, "config": {}}) for i, spec in enumerate(specs)]
    code = [f"<script>{script}</script>" for script in scripts]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>",
            body,
            *data,
            *code,
            "</body>\n</html>\n",
        ]
    )


def place(chart: int) -> str:
    """The element that chart `chart` of a page is drawn into."""
    return f'<div class="chart" data-chart="chart-{chart}"></div>'


def chart_page(spec: dict[str, Any]) -> str:
    """A page that holds one chart."""
    return page(str(spec.get("description") or "seedbed"), place(0), [spec])


def _data(name: str, value: Any) -> str:
    """A JSON block in which no text can close the element that holds it."""
    text = json.dumps(finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(sign, escaped)
    return f'<script type="application/json" id="{name}">{text}</script>'


def _digests(scripts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from inside vl-convert.

    Joining them takes vl-convert 1.4 s (2 cores, November 2026), so the script is kept, under its digest, for the next time.
    """
    import vl_convert

    kept = cache_folder() / "figures" / f"vega-{importlib.metadata.version('vl-convert-python')}.js"
    with suppress(OSError):
        digest, _, script = kept.read_bytes().partition(b"\n")
        if digest.decode(errors="replace") == f"//{sha256(script)}":
            return script.decode()
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its types ask for what its text calls optional
    with suppress(StorageError):  # a cache that cannot be written costs time and nothing else
        write(kept, [f"//{sha256(bundle.encode())}\n".encode(), bundle.encode()])
    return bundle
