"""Modules that libraries import and that training rarely uses: they are loaded once something of them is used."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Collection, Iterator, Sequence
from types import ModuleType


@contextlib.contextmanager
def loaded_when_used(*names: str) -> Iterator[None]:
    """Let imports of these modules within the block take effect at the first use of an attribute.

    Nothing is missing afterwards: a module that is used is loaded, then and in full. The first use must not come from several
    threads at once, since it takes no lock.

    Args:
        names: full names; modules that are loaded already stay as they are.
    """
    finder = _PutOff(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _PutOff(importlib.abc.MetaPathFinder):
    """Finds the modules with these names as Python does, and puts off running them."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        found = importlib.machinery.PathFinder.find_spec(fullname, path, target) if fullname in self._names else None
        if found is not None and found.loader is not None:
            found.loader = importlib.util.LazyLoader(found.loader)
        return found
