"""Extension of sweeps: where the best value lies at the end, one more is tried, and a caveat says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seedbed import words
from seedbed.groups import Group, Request, best
from seedbed.studies.context import Steps, StudyContext


@dataclass(frozen=True, eq=False)
class Swept:
    """A sweep over one field.

    Attributes:
        cells: groups in the order of the values.
        caveats: sentences on the end at which the best value lies.
    """

    cells: list[Group]
    caveats: list[str]


def beyond(values: Sequence[float], at: float, *, least: float | None = None, most: float | None = None) -> float | None:
    """One more value beyond the end of a sweep at which the best one lies, one step further, to three digits.

    Steps are ratios where all values but a leading 0 are positive. There is no value beyond 0, `least` and `most`.

    Args:
        values: values that were tried, in any order.
        at: best value.

    >>> beyond([0, 1e-3, 1e-2, 1e-1], 1e-1), beyond([25, 50, 100], 25), beyond([0, 0.1], 0), beyond([1, 2, 4], 2)
    (1.0, 12.5, None, None)
    """
    known = sorted(values)
    if len(known) < 2 or at not in (known[0], known[-1]) or at == 0:
        return None
    positive = [value for value in known if value > 0]
    ends = (positive[-1], positive[-2]) if at == known[-1] else (positive[0], positive[1])
    further = float(f"{ends[0] * (ends[0] / ends[1]):.3g}")
    inside = (least is None or further >= least) and (most is None or further <= most)
    return further if inside and further not in known else None


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
        field: name of the field in all settings; its values are numbers.
        make: function from a value to its request.
        least, most: natural ends of the field, beyond which nothing is tried.
        where: images of the sweep, for the sentence.
    """
    cells = yield from study.train(asked)
    values = [_number(cell, field) for cell in cells]
    first = best(cells)
    more = beyond(values, _number(first, field), least=least, most=most) if first else None
    if first is None or more is None:
        return Swept(cells, [])
    added = yield from study.train([make(more)])
    both = sorted([*cells, *added], key=lambda cell: _number(cell, field))
    name = f"{where}: the best {field.replace('_', ' ')}" if where else f"The best {field.replace('_', ' ')}"
    return Swept(both, [extension_text(name, _number(first, field), more, better=best(both) is added[0])])


def _number(cell: Group, field: str) -> float:
    value = cell.setting[field]
    if not isinstance(value, int | float):
        raise TypeError(f"{field} = {value!r} is no number")
    return float(value)


def extension_text(name: str, tried: float, more: float, *, better: bool) -> str:
    """The sentence on a sweep that was extended from `tried` to `more`."""
    end = "largest" if more > tried else "smallest"
    extended = f"{name}, {words.value(tried)}, was the {end} that was tried, so {words.value(more)} was tried too"
    return f"{extended}; it is better still, so the best may lie beyond." if better else f"{extended}; it is not better."
