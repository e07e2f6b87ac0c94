"""The JavaScript modules and styles in `static/`: as they stand, or joined to one script for a self-contained page."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function\*?|const) (\w+))", re.MULTILINE)


@cache
def static(name: str) -> str:
    """The text of a file in `static/`."""
    return (resources.files("seedbed.pages") / "static" / name).read_text(encoding="utf-8")


@cache
def joined(main: str) -> str:
    """A module and all that it imports as one script, for pages that fetch nothing.

    Each module becomes a function of its own, so that names of two modules do not clash. Our modules import by name only.

    Args:
        main: name of the module, without `.js`.
    """
    order: list[str] = []
    _visit(main, order)
    return "".join(_as_constant(name) for name in order)


def definitions(script: str, main: str) -> str:
    """What a joined script defines, without what its main module does with it."""
    return script.partition(f"const module_{main} = ")[0]


def _visit(name: str, order: list[str]) -> None:
    """Append the modules that a module needs, then itself, each once."""
    for _, needed in _IMPORT.findall(static(f"{name}.js")):
        if needed not in order:
            _visit(needed, order)
    order.append(name)


def _as_constant(name: str) -> str:
    text = static(f"{name}.js")
    exported = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", _IMPORT.sub(r"const \1 = module_\2;\n", text))
    return f"const module_{name} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"
