"""The files on which a user's Python file depends: what it imports from its folder, and the files that its text names.

Pure reading: nothing is imported or run.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

LONGEST_NAME = 255


def related(file: Path, arguments: Iterable[Any] = ()) -> dict[str, str]:
    """Find the files that a Python file imports or names, directly or through others.

    A module counts where it lies below the file's folder, a named file wherever it is. A name counts if it stands in a text
    as a whole, or is an argument.

    Args:
        file: the Python file.
        arguments: values that its function gets; texts among them may name files.

    Returns:
        Path, relative to the file's folder where the file lies below it -> SHA-256 of the content.
    """
    folder, found = file.resolve().parent, {file.resolve()}
    waiting = [file.resolve(), *_named(_texts(arguments), folder, folder)]
    found.update(waiting)
    while waiting:
        path = waiting.pop()
        for other in _mentioned(path, folder) if path.suffix == ".py" else ():
            if other not in found:
                found.add(other)
                waiting.append(other)
    return {_key(path, folder): sha256(path) for path in sorted(found - {file.resolve()})}


def sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    facts = path.stat()
    return _sha256(path, (facts.st_ino, facts.st_size, facts.st_mtime_ns))


@lru_cache(maxsize=1024)
def _sha256(path: Path, version: tuple[int, ...]) -> str:  # noqa: ARG001
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _mentioned(path: Path, folder: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # the file says so itself once it is run
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            yield from _named(_texts([node.value]), path.parent, folder)
        for module in _imported(node, path, folder):
            yield from _module(module, folder)


def _imported(node: ast.AST, path: Path, folder: Path) -> Iterator[tuple[str, ...]]:
    """Names of the modules that a statement may import, as parts of their paths below the folder."""
    if isinstance(node, ast.Import):
        yield from (tuple(alias.name.split(".")) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        above = path.parent.relative_to(folder).parts if node.level and path.is_relative_to(folder) else ()
        start = (*above[: len(above) - node.level + 1], *(node.module.split(".") if node.module else ()))
        yield from ((*start, alias.name) for alias in node.names)


def _module(parts: tuple[str, ...], folder: Path) -> Iterator[Path]:
    """Files of a module and of the packages around it; the standard library comes first, as in Python."""
    if not parts or parts[0] in sys.stdlib_module_names:
        return
    for length in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:length])
        yield from (path for path in (place / "__init__.py", place.with_name(f"{place.name}.py")) if path.is_file())


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)
        elif isinstance(value, dict):
            yield from _texts(value.values())


def _named(texts: Iterable[str], *folders: Path) -> Iterator[Path]:
    """Existing files that texts name: next to the file that names them, in the main file's folder, or where Python runs."""
    for text in texts:
        if text and len(text) <= LONGEST_NAME and text.isprintable():
            places = (folder / text for folder in (*folders, Path.cwd()))
            found = next((place for place in places if _is_file(place)), None)
            if found is not None:
                yield found.resolve()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a text that no file can have as its name
        return False
