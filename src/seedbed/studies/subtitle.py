"""What stands under a figure's title: the data set, how many seeds, what the bars are, and which runs are in no mean."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.figures import words
from seedbed.studies.cells import Cell
from seedbed.studies.setup import Setup


def subtitle(setup: Setup, cells: Sequence[Cell], what: str) -> list[str]:
    """The lines under a title; `what` says which chance the bars or bands hold."""
    counts = sorted({cell.n for cell in cells})
    n = " to ".join(str(count) for count in dict.fromkeys([counts[0], counts[-1]]))
    lines = [f"{setup.data.name}; n = {n} {'seed' if n == '1' else 'seeds'} a setting; {what}"]
    out = sum(cell.left_out for cell in cells)
    return [*lines, f"{words.counted(out, 'run')} that diverged or collapsed in no mean"] if out else lines
