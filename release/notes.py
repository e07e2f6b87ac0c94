"""Print the part of CHANGELOG.md on the newest version: the notes of a release on GitHub."""

from __future__ import annotations

import re
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"


def notes(changelog: str) -> str:
    """The text below the first heading that names a version, up to the next.

    >>> notes("# Changelog\\n\\n## [Unreleased]\\n\\n## [0.2.0] - 2026-11-29\\n\\nNew.\\n\\n## [0.1.0]\\n\\nOld.\\n")
    'New.'
    """
    _, _, newest, *_ = [*re.split(r"^## \[(\d[^\]]*)\].*$", changelog, flags=re.MULTILINE), "", ""]
    return newest.strip()


if __name__ == "__main__":
    print(notes(CHANGELOG.read_text(encoding="utf-8")))
