"""Charts inside HTML pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedbed import pages
from seedbed.figures import theme
from seedbed.palette import COLOURS
from seedbed.records import finite


def embedded(specs: Mapping[str, Mapping[str, Any]]) -> pages.Charts:
    """Charts (name -> `specification`) as a page takes them, with the themes of light and dark pages."""
    plain = {name: finite({**spec, "config": {}}) for name, spec in specs.items()}
    return pages.Charts(plain, {mode: theme.config(mode) for mode in COLOURS})


def chart_page(spec: Mapping[str, Any]) -> str:
    """A page that holds one chart."""
    return pages.render("chart.html.jinja", embedded({"0": spec}), title=str(spec.get("description") or "seedbed"))
