"""Writes docs/reference/settings.md and glossary.md from the specs and the report's glossary: `python docs/make_settings.py`.

A test sees that they are up to date.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic_core import PydanticUndefined

from seedbed.pages.glossary import TERMS
from seedbed.specs import Conv, DataSpec, Dense, Keras, Plan
from seedbed.validation import NameIn, Spec

FOLDER = Path(__file__).with_name("reference")
INTRODUCTION = """\
# Settings

Made from the specs by `python docs/make_settings.py`. These are the fields of `sb.Dense`, `sb.Conv`, `sb.Plan` and so on, of a
`--config` file and of `run.json`. On the command line most have an option of the same name ([the command line](cli.md)), and
`sweep --set NAME=VALUES` takes any of them.

A setting is checked once, when it is given: a message names the setting, the value and the rule. All settings together with the
seed make the identity of a run, so that the same settings find the same run again.

A file for `train --config` has the same names:

```yaml
model: {family: dense, hidden: [200, 100], dropout: 0.1}
plan: {epochs: 20, l2: 0.0001}
data: {name: mnist}
```
"""
ABOUT = {
    Dense: ("Dense networks", "`family: dense`, `-d`, `sb.Dense`."),
    Conv: ("Convolutional networks", "`family: conv`, `-c`, `sb.Conv`."),
    Keras: ("Networks of your own", "`family: keras`, `--model`, `sb.own_network`; see [the guide](../how-to/own-network.md)."),
    Plan: ("Plan", "How to train: `sb.Plan`, or single settings as keywords of `sb.train`."),
    DataSpec: ("Data", "What to train on, and how it is divided: `sb.DataSpec`."),
}
GLOSSARY = "# Glossary\n\nThe terms of reports and pages, in words that a student knows.\n\nMade by `docs/make_settings.py`.\n"


def settings_page() -> str:
    """The page of all settings, as Markdown."""
    return "\n".join([INTRODUCTION, *(section(spec) for spec in ABOUT)])


def glossary_page() -> str:
    """The page of the terms, as Markdown."""
    return "\n".join([GLOSSARY, *(f"{term}\n: {about}\n" for term, about in TERMS.items())])


def section(spec: type[Spec]) -> str:
    """One spec's fields as a table."""
    title, about = ABOUT[spec]
    meanings = dict(arguments(spec))
    rows = [
        f"| `{name}` | {default(field.get_default())} | {meanings[name]}{choices(field)} |"
        for name, field in spec.model_fields.items()
        if name != "family"
    ]
    return "\n".join([f"## {title}\n", f"{about}\n", "| setting | default | meaning |", "|---|---|---|", *rows, ""])


def arguments(spec: type[Spec]) -> Iterator[tuple[str, str]]:
    """Name and meaning of each argument in the docstring; names that share a line share the meaning."""
    text = inspect.getdoc(spec) or ""
    listed = text.split("Args:\n", 1)[1]
    for names, meaning in re.findall(r"^    ([\w, ]+): (.+(?:\n {8}.+)*)", listed, re.MULTILINE):
        for name in names.split(", "):
            yield name, " ".join(meaning.split()).replace("|", "\\|")


def default(value: Any) -> str:
    """A default as a user writes it."""
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`" if value else "none"
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ("", {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def choices(field: Any) -> str:
    """The words that a field may have; empty for numbers."""
    words = [name for mark in field.metadata if isinstance(mark, NameIn) for name in mark.registry]
    words = words or list(_literals(field.annotation))
    return f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""


def _literals(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) is types.UnionType:
        for part in get_args(annotation):
            yield from _literals(part)


PAGES = {FOLDER / "settings.md": settings_page, FOLDER / "glossary.md": glossary_page}

if __name__ == "__main__":
    for path, text in PAGES.items():
        path.write_text(text(), encoding="utf-8")
