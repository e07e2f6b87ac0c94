"""Docstrings of this project, made into what Sphinx reads: Markdown's single backquotes are code."""

from __future__ import annotations

import re
from typing import Any

CODE = re.compile(r"(?<![`\w:])`([^`]+)`(?!`)")


def tidy(*event: Any) -> None:
    """Turn `code` into ``code`` in a docstring, and indented lines into literal blocks.

    Args:
        event: what Sphinx hands out; last the docstring's lines, which are changed.
    """
    lines: list[str] = event[-1]
    joined = CODE.sub(r"``\1``", "\n".join(lines)).replace("|", r"\|")
    lines[:] = _literal_blocks(joined.split("\n"))


def _literal_blocks(lines: list[str]) -> list[str]:
    """Mark indented blocks that follow plain text as literal ones."""
    result: list[str] = []
    inside = False
    for number, line in enumerate(lines):
        indented = line.startswith("    ")
        before = lines[number - 1] if number else ""
        if indented and not inside and not before.strip() and _is_plain(result):
            result += ["::", ""]
            inside = True
        elif line.strip() and not indented:
            inside = False
        result.append(line)
    return result


def _is_plain(result: list[str]) -> bool:
    """Whether the last line that says something is neither a section's heading nor part of one."""
    said = next((line for line in reversed(result) if line.strip()), "")
    return bool(said) and not said.startswith((" ", ":", ".."))
