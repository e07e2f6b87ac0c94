"""A sweep whose best value lies at its end may have its best beyond: it is extended once, by itself, and says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seedbed.figures import words
from seedbed.groups import Group, Request, best
from seedbed.studies.context import Steps, StudyContext


@dataclass(frozen=True, eq=False)
class Swept:
    """One field swept over its values.

    Attributes:
        cells: in the order of the values.
        marks: what is to be said of its ends.
    """

    field: str
    cells: list[Group]
    marks: list[str]

    @property
    def best(self) -> Group | None:
        return best(self.cells)


def beyond(values: Sequence[float], at: float, *, least: float | None = None, most: float | None = None) -> float | None:
    """One more value beyond the end of a sweep at which the best one lies, as far on as the last step; three digits of it.

    Steps are ratios where all values but a leading 0 are positive. Nothing lies beyond 0, `least` and `most`.

    Args:
        values: that were tried, in any order.
        at: the best of them.

    >>> beyond([0, 1e-3, 1e-2, 1e-1], 1e-1), beyond([25, 50, 100], 25), beyond([0, 0.1], 0), beyond([1, 2, 4], 2)
    (1.0, 12.5, None, None)
    """
    known = sorted(values)
    if len(known) < 2 or at not in (known[0], known[-1]) or at == 0:
        return None
    positive = [value for value in known if value > 0]
    ends = (positive[-1], positive[-2]) if at == known[-1] else (positive[0], positive[1])
    found = ends[0] * (ends[0] / ends[1])
    found = float(f"{found:.3g}")
    inside = (least is None or found >= least) and (most is None or found <= most)
    return found if inside and found not in known else None


def swept(
    study: StudyContext,
    field: str,
    asked: Sequence[Request],
    make: Callable[[float], Request],
    *,
    least: float | None = None,
    most: float | None = None,
    where: str = "",
) -> Steps[Swept]:
    """Train a sweep over one number, and one value more where the best lies at the end.

    Args:
        field: in the settings of all; its values are numbers.
        make: the setting at another value.
        least, most: the field's natural ends, beyond which nothing is tried.
        where: on which images, for the sentence.
    """
    cells = yield from study.train(asked)
    values = [_number(cell, field) for cell in cells]
    first = best(cells)
    more = beyond(values, _number(first, field), least=least, most=most) if first else None
    if first is None or more is None:
        return Swept(field, cells, [])
    added = yield from study.train([make(more)])
    both = sorted([*cells, *added], key=lambda cell: _number(cell, field))
    return Swept(field, both, [_said(field, first, added[0], both, where)])


def _number(cell: Group, field: str) -> float:
    value = cell.setting[field]
    if not isinstance(value, int | float):
        raise TypeError(f"{field} = {value!r} is no number")
    return float(value)


def _said(field: str, first: Group, added: Group, cells: Sequence[Group], where: str) -> str:
    called, tried = field.replace("_", " "), words.value(first.setting[field], field)
    more = words.value(added.setting[field], field)
    end = "largest" if _number(added, field) > _number(first, field) else "smallest"
    place = f"{where}: the" if where else "The"
    said = f"{place} best {called}, {tried}, was the {end} that was tried, so {more} was tried too"
    if best(cells) is added:
        return f"{said}; it is better still, so the best may lie beyond."
    return f"{said}; it is not better."
