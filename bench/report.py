"""A sitting as a Markdown page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench import targets
from bench.sitting import Outcome, Sitting, Table

INTRODUCTION = """\
Written by `python -m bench`; the figures below come from that program alone. Contenders take turns (A B C, A B C, ...), each
in processes of its own; figures are medians with the smallest and the largest in brackets, and a single figure was measured
once. *Shell to shell* is from the start of a process to its end: imports, data, compilation, training, validation after
every epoch. An *epoch* is one of all networks of the case, compilation and warm-up apart. Operations of a training step
are counted as `4 * inputs * h1 + 6 * (later kernels)` for each image, and set against *sgemm*, the fastest product of two
2,048 x 2,048 float32 matrices (8,192 on a GPU) that NumPy or JAX did before or after the case.
"""
QUICK = "**A quick look, on few images: these figures say that the bench works, and nothing else.**\n"


def page(sittings: Sequence[Sitting]) -> str:
    """The whole page. Of several sittings with one device the first stands there whole, the others beside its targets."""
    parts = ["# Speed\n", INTRODUCTION]
    devices = list(dict.fromkeys(sitting.machine["device"] for sitting in sittings))
    for number, device in enumerate(devices):
        first, *others = (sitting for sitting in sittings if sitting.machine["device"] == device)
        parts += ["" if number == 0 else "\n---\n", *_sitting(first, others)]
    if "gpu" not in devices:
        parts.append("\n## GPU\n\nNot measured: `python -m bench --device gpu` runs these cases where a GPU is at hand.\n")
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _sitting(sitting: Sitting, others: Sequence[Sitting]) -> Iterator[str]:
    machine = sitting.machine
    yield f"## {machine['date']}: {_where(machine)}\n"
    if machine["quick"]:
        yield QUICK
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    load = "" if machine["load"] is None else f" Load of the machine as the bench began: {machine['load']:.2f}."
    revision = f" Revision {machine['revision']}." if machine.get("revision") else ""
    yield f"{machine['system']}, Python {machine['python']}, {versions}.{revision}{load}\n"
    yield "### Targets\n"
    for table in targets.tables(sitting):
        yield _table(table, 4)
    if missed := targets.missed(sitting):
        yield "Not reached, and what was tried:\n"
        yield _items(missed)
    if others:
        yield _table(targets.side_by_side([sitting, *others]), 4)
    for outcome in sitting.outcomes:
        yield from _outcome(outcome)


def _where(machine: dict[str, object]) -> str:
    memory = int(str(machine["memory"])) / 2**30
    on = f", {machine['gpu']}" if machine["gpu"] else ""
    return f"{machine['processor']}, {machine['cores']} cores, {memory:.0f} GiB{on}"


def _outcome(outcome: Outcome) -> Iterator[str]:
    yield f"### {outcome.title}\n"
    yield f"`python -m bench --case {outcome.name}`, {outcome.seconds:,.0f} s. {outcome.text}\n"
    for table in outcome.tables:
        yield _table(table, 4)
    if outcome.notes:
        yield _items(outcome.notes)


def _items(lines: Sequence[str]) -> str:
    return "\n".join(f"- {' '.join(line.split())}" for line in lines) + "\n"


def _table(table: Table, level: int) -> str:
    rows = [table.columns, ["---", *["---:"] * (len(table.columns) - 1)], *table.rows]
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    title = f"{'#' * level} {table.title}\n\n" if table.title else ""
    return title + "\n".join(lines) + "\n" + (f"\n{table.text}\n" if table.text else "")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def number(value: float, digits: int = 2) -> str:
    """A figure for a table's cell; empty where there is none."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else ""
