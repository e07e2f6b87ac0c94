"""Where it turns: for which widths and batch sizes one device trains faster than another."""

from __future__ import annotations

from dataclasses import dataclass

from seedbed import figures
from seedbed.figures import Measured, words
from seedbed.models import facts
from seedbed.specs import Dense
from seedbed.studies.answers import Figure, Part
from seedbed.studies.timing.summary import Found, Place, Spread
from seedbed.studies.timing.wording import ratio_text, spread_text, time_text
from seedbed.tables import Column, Table


def crossover(found: Found) -> Part:
    """The part of the study that tells where it turns."""
    drawn = [
        Measured(
            place.label,
            *Spread.of([1e6 * seconds / size for seconds in times]).three,
            panel=f"hidden units {words.value(hidden)}",
            x=float(size),
            n=len(times),
        )
        for place in found.places
        for (hidden, size), times in found.steps(place).items()
    ]
    rounds = sorted({time.n for time in drawn})
    subtitle = [f"{found.here.images.name}; n = {' to '.join(map(str, rounds))} measurements; bars: lowest to highest"]
    chart = figures.times_over_sizes(drawn, "Training time of one image", subtitle, x="batch size", y="microseconds an image")
    title = "Where two lines cross, the faster device changes." if len(found.places) > 1 else "One device: nothing to cross."
    return Part(
        name="crossover",
        question="For which widths and batch sizes does a GPU pay?",
        answer=_turning(found),
        method=(
            "One dense net of w and w/2 hidden units, Adam: the time of a step of training over the batch size, without "
            "examinations; measurements go round over all sizes."
        ),
        figures=[Figure("device_crossover", chart, title)],
        tables=[_step_table(found)],
        why=_fixed_costs(found),
    )


def _turning(found: Found) -> list[str]:
    first, *others = found.places
    known = [place for place in others if any(name[:2] == ("steps", place.label) for name in found.ratios)]
    if not known:
        why = "each was measured once only" if others else f"only {first.label} was measured"
        return [f"Where a GPU begins to pay cannot be said from this: {why}."]
    return [said for place in known for said in (_counted(found, place), *_by_width(found, place))]


def _judged(found: Found, place: Place, hidden: tuple[int, ...]) -> dict[str, list[int]]:
    """What a device is shown to be against the first one -> the batch sizes."""
    groups: dict[str, list[int]] = {"faster": [], "slower": [], "not shown to differ": []}
    for known, size in found.steps(place):
        ratio = found.ratios.get(("steps", place.label, words.value(hidden), str(size)))
        if known == hidden and ratio is not None:
            kind = "not shown to differ" if not ratio.shown else "faster" if ratio.interval.mean < 1 else "slower"
            groups[kind].append(size)
    return groups


def _counted(found: Found, place: Place) -> str:
    judged = [_judged(found, place, hidden) for hidden in _widths(place, found)]
    faster, slower, open_ = (sum(len(one[kind]) for one in judged) for kind in ("faster", "slower", "not shown to differ"))
    rest = f"; for {open_} no difference is shown" if open_ else ""
    return (
        f"Of {words.counted(faster + slower + open_, 'combination')} of width and batch size, {place.label} is faster than "
        f"{found.places[0].label} for {faster} and slower for {slower}{rest}."
    )


def _by_width(found: Found, place: Place) -> list[str]:
    said = []
    for hidden in _widths(place, found):
        judged = _judged(found, place, hidden)
        kinds = [f"{kind} at batch size {words.listed(list(map(str, sizes)))}" for kind, sizes in judged.items() if sizes]
        said += [f"With {words.value(hidden)} hidden units {place.label} is {'; '.join(kinds)}."] if kinds else []
    return said


def _widths(place: Place, found: Found) -> list[tuple[int, ...]]:
    return list(dict.fromkeys(hidden for hidden, _ in found.steps(place)))


def _fixed_costs(found: Found) -> list[str]:
    """What a step costs however few its images are: the reason why small steps gain nothing from a fast device."""
    said = []
    for place in found.places:
        steps = found.steps(place)
        for hidden in _widths(place, found)[:: max(1, len(_widths(place, found)) - 1)]:
            sizes = [size for known, size in steps if known == hidden]
            small, large = min(sizes), max(sizes)
            if small == large:
                continue
            one, other = (Spread.of(steps[hidden, size]).median for size in (small, large))
            said.append(
                f"On {place.label}, with {words.value(hidden)} hidden units, a step of {large:,} images takes "
                f"{ratio_text(other / one)} times as long as one of {small:,}, for {ratio_text(large / small)} times the "
                f"images ({time_text(other)} and {time_text(one)})."
            )
    return said


@dataclass(frozen=True)
class _Steps:
    """The times of a step of one network on one device (s), by batch size."""

    place: Place
    hidden: tuple[int, ...]
    parameters: int
    times: dict[int, list[float]]

    def microseconds(self, size: int) -> str:
        times = self.times.get(size)
        return spread_text(Spread.of([1e6 * seconds / size for seconds in times])) if times else ""


def _step_table(found: Found) -> Table[_Steps]:
    rows = []
    for place in found.places:
        steps = found.steps(place)
        for hidden in _widths(place, found):
            parameters = facts(Dense(hidden=hidden), found.here.images.image_shape, found.here.images.classes).parameters
            rows.append(
                _Steps(place, hidden, parameters, {size: times for (known, size), times in steps.items() if known == hidden})
            )
    sizes = sorted({size for row in rows for size in row.times})

    def batch(size: int) -> Column[_Steps]:
        return Column(f"batch {size:,}", lambda row: row.microseconds(size))

    columns: list[Column[_Steps]] = [
        Column("device", lambda row: row.place.label, align="left"),
        Column("hidden units", lambda row: row.hidden, words.value, align="left"),
        Column("parameters", lambda row: row.parameters, ","),
        *map(batch, sizes),
    ]
    return Table(columns, rows, "Microseconds an image of training: medians, in brackets the lowest and the highest.")
