"""Charts as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seedbed.errors import SpecError, nearest
from seedbed.figures import pages, theme
from seedbed.storage import write

KINDS = ("png", "svg", "html")
PNG_SCALE = 2.0


def save(chart: theme.AnyChart | Mapping[str, Any], stem: Path, kinds: Sequence[str] = KINDS) -> list[Path]:
    """A chart, or its specification, as `STEM.png`, `STEM.svg` and `STEM.html`, whichever `kinds` name.

    The HTML is interactive and self-contained; the PNG is made from the SVG. Without a browser, without a network.

    Returns:
        The paths written, in the order of `kinds`.

    Raises:
        SpecError: a kind that is not known.
        StorageError: a file could not be written.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise SpecError(f"kinds = {kind!r}: a figure is saved as {', '.join(KINDS)}.{nearest(kind, KINDS)}")
    contents = _drawn(dict(chart) if isinstance(chart, Mapping) else theme.specification(chart), kinds)
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
    for path, kind in zip(paths, kinds, strict=True):
        write(path, contents[kind])
    return paths


def _drawn(spec: dict[str, Any], kinds: Sequence[str]) -> dict[str, bytes]:
    import vl_convert

    contents: dict[str, bytes] = {}
    if "html" in kinds:
        contents["html"] = pages.chart_page(spec).encode()
    if "svg" in kinds or "png" in kinds:
        svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        contents["svg"] = svg.encode()
        if "png" in kinds:
            contents["png"] = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
    return contents
