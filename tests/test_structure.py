"""The structure that import-linter does not see: no circle between modules, and each type name once."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from conftest import LONG

SOURCE = Path(__file__).parents[1] / "src"


def module(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    """Name -> syntax tree of every module of the package."""
    return {module(path): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


def imports(name: str) -> Iterator[str]:
    """Modules of the package that a module imports anywhere, for types and in functions too."""
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (each if each in modules() else node.module for each in inner)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def types(tree: ast.Module) -> Iterator[str]:
    """Names of classes and of type aliases."""
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
            yield from (
                target.id
                for target in node.targets
                if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()
            )


def test_no_module_imports_itself_by_way_of_others_not_even_for_types() -> None:
    graph = {name: {other for other in imports(name) if other in modules() and other != name} for name in modules()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        raise AssertionError(" -> ".join(circle.args[1])) from None


def test_each_type_name_stands_once() -> None:
    places = defaultdict(list)
    for name, tree in modules().items():
        for found in types(tree):
            places[found].append(name)
    twice = {found: where for found, where in places.items() if len(where) > 1}
    assert not twice, "\n".join(f"{found}: {', '.join(where)}" for found, where in sorted(twice.items()))


def test_the_modules_of_tests_that_begin_first_exist() -> None:
    assert all((SOURCE.parent / "tests" / f"{name}.py").is_file() for name in LONG)
