"""The site works from the disk: a page or a style that would fetch anything from elsewhere ends the build."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ADDRESS = r"[\"']((?:https?:)?//[^\"']+)"
FETCHES = re.compile(
    rf"<(?:script|img|iframe|source)\b[^>]*\bsrc={ADDRESS}"
    rf"|<link\b(?![^>]*rel=[\"'](?:canonical|next|prev))[^>]*\bhref={ADDRESS}"
)
STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)")


def fetched(path: Path) -> list[str]:
    """The addresses from which a page or a style would fetch something."""
    rule = {".html": FETCHES, ".css": STYLES}.get(path.suffix)
    text = path.read_text(encoding="utf-8") if rule else ""
    return [next(filter(None, found.groups())) for found in rule.finditer(text)] if rule else []


def check(app: Any, exception: Exception | None) -> None:
    """End the build of a site that is not whole.

    Raises:
        ExtensionError: a page or a style fetches something.
    """
    from sphinx.errors import ExtensionError

    if exception or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*")):
        for address in fetched(path):
            raise ExtensionError(f"{path.relative_to(app.outdir)} fetches {address}; the site must work from the disk")
