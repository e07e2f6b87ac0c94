"""A grid of settings: fields with their values, every combination of which is trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of
from itertools import product
from math import prod
from typing import Any

from seedbed import words
from seedbed.errors import SpecError
from seedbed.groups.fields import FIELDS, Field, Setting, Value, field
from seedbed.parsing import plain_values

MOST_SETTINGS = 20_000

TOGETHER, BETWEEN = "+", ":"
"""Between the names of fields that change together, and between their values."""


@dataclass(frozen=True)
class Grid:
    """Fields and their values; every combination of them is a setting.

    Attributes:
        values: field -> its values, each once; fields in the order of the specs, values in the order given.
        paired: field of `values` -> further fields that change with it, each with one value for each of its values.
    """

    values: dict[str, tuple[Value, ...]]
    paired: dict[str, dict[str, tuple[Value, ...]]] = field_of(default_factory=dict)

    @classmethod
    def of(cls, asked: Mapping[Any, Sequence[object]]) -> Grid:
        """Make a grid from names and values as users give them.

        A name `optimizer+learning_rate`, or a tuple of names, has values such as `("adam", 0.001)` or `"adam:0.001"`: these
        fields change together, as one.

        Raises:
            SpecError: an unknown field, a value that breaks its rule or occurs twice, no value, or too many settings.
        """
        values: dict[str, tuple[Value, ...]] = {}
        paired: dict[str, dict[str, tuple[Value, ...]]] = {}
        for name, several in asked.items():
            names = names_of(name)
            lists = _columns(names, several)
            for each in names:
                if each in values or any(each in further for further in paired.values()):
                    raise SpecError(f"{each} occurs under two names; give it once.")
            lead, *further = names
            values[lead] = _values(field(lead), lists[0], partners=further)
            if further:
                paired[lead] = {each: _each(field(each), column) for each, column in zip(further, lists[1:], strict=True)}
        if not values:
            raise SpecError("A sweep varies at least one field, for example l2 = 0, 1e-4; none is given.")
        grid = cls(_sorted(values), paired)
        if len(grid) > MOST_SETTINGS:
            raise SpecError(f"This grid has {len(grid):,} settings; a sweep takes up to {MOST_SETTINGS:,}. Vary fewer fields.")
        return grid

    @classmethod
    def texts(cls, pairs: Sequence[str]) -> dict[str, list[object]]:
        """Read texts such as `l2=0,1e-4` into field -> values, as `of` takes them; a field may occur several times.

        Commas stand between values; only in the fields of which one value is a list (hidden, filters, kernel, stride, pool)
        they stand within it, and each text is one value. A list for a function of the user's own stands in brackets. In
        `optimizer+lr=adam:0.001,sgd:0.1` colons stand between the values of fields that change together.

        Raises:
            SpecError: an unknown field, or a text without `=`.
        """
        fields: dict[str, list[object]] = {}
        for pair in pairs:
            name, equals, text = pair.partition("=")
            if not (equals and name and text):
                raise SpecError(f"{pair!r}: it must read FIELD=VALUE or FIELD=VALUE,VALUE, for example l2=0,1e-4.")
            known = [field(each) for each in names_of(name)]
            if any(each.several for each in known):
                parts: list[object] = [text]
            elif known[0].spec is None and len(known) == 1:
                parts = plain_values(text)
            else:
                parts = [part.strip() for part in text.split(",")]
            fields.setdefault(TOGETHER.join(each.name for each in known), []).extend(parts)
        return fields

    def __len__(self) -> int:
        return prod(len(values) for values in self.values.values())

    def __iter__(self) -> Iterator[Setting]:
        """Yield every combination; the last field changes fastest."""
        for places in product(*(range(len(values)) for values in self.values.values())):
            setting: Setting = {}
            for (name, values), place in zip(self.values.items(), places, strict=True):
                setting[name] = values[place]
                setting |= {other: column[place] for other, column in self.paired.get(name, {}).items()}
            yield _sorted(setting)

    @property
    def varying(self) -> list[str]:
        """The fields that have several values; of fields that change together, the first."""
        return [name for name, values in self.values.items() if len(values) > 1]

    @property
    def columns(self) -> list[str]:
        """The fields that have several values, with those that change with them."""
        return [name for lead in self.varying for name in (lead, *self.paired.get(lead, {}))]

    @property
    def asked(self) -> dict[str, list[Any]]:
        """Field or fields -> values, as `of` takes them."""
        return {
            TOGETHER.join((name, *self.paired.get(name, {}))): (
                [list(row) for row in zip(values, *self.paired[name].values(), strict=True)]
                if name in self.paired
                else list(values)
            )
            for name, values in self.values.items()
        }

    def pair_sentences(self) -> list[str]:
        """Say which fields change together, and how."""
        sentences = []
        for lead, further in self.paired.items():
            rows = zip(self.values[lead], *further.values(), strict=True)
            values = "; ".join(
                f"{words.value(row[0], lead)}: {words.setting(dict(zip(further, row[1:], strict=True)))}" for row in rows
            )
            sentences.append(f"Each {lead.replace('_', ' ')} has its own {words.listed(_spaced(further))} ({values}).")
        return sentences


def names_of(name: object) -> list[str]:
    """The fields that a name of a grid stands for: one, or several that change together.

    >>> names_of("optimizer+lr"), names_of(("optimizer", "lr")), names_of("l2")
    (['optimizer', 'learning_rate'], ['optimizer', 'learning_rate'], ['l2'])
    """
    parts = list(name) if isinstance(name, tuple) else str(name).split(TOGETHER)
    return [field(str(part).strip()).name for part in parts]


def _columns(names: Sequence[str], several: object) -> list[list[object]]:
    """The values of each of the names, from values for all of them."""
    key = TOGETHER.join(names)
    if not (isinstance(several, list | tuple) and several):
        raise SpecError(f"{key} = {several!r}: a sweep needs a list of its values.")
    if len(names) == 1:
        return [list(several)]
    rows = [each.split(BETWEEN) if isinstance(each, str) else each for each in several]
    for row, each in zip(rows, several, strict=True):
        if not (isinstance(row, list | tuple) and len(row) == len(names)):
            example = BETWEEN.join(name.upper() for name in names)
            raise SpecError(f"{key} = {each!r}: fields that change together need a value of each, {example}.")
    return [list(column) for column in zip(*rows, strict=True)]


def _sorted(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in the order of the specs."""
    places = {name: place for place, name in enumerate(FIELDS)}
    return dict(sorted(fields.items(), key=lambda item: (places.get(item[0], len(places)), item[0])))


def _spaced(names: Iterable[str]) -> list[str]:
    return [name.replace("_", " ") for name in names]


def _each(known: Field, values: Sequence[object]) -> tuple[Value, ...]:
    return tuple(known.checked(value.strip() if isinstance(value, str) else value) for value in values)


def _values(known: Field, values: Sequence[object], partners: Sequence[str] = ()) -> tuple[Value, ...]:
    distinct: list[Value] = []
    for value, checked in zip(values, _each(known, values), strict=True):
        if any(checked == other and type(checked) is type(other) for other in distinct):
            why = f", since {words.listed(_spaced(partners))} belong to it" if partners else ""
            raise SpecError(f"{known.name}: the value {value!r} occurs twice; give each value of a grid once{why}.")
        distinct.append(checked)
    return tuple(distinct)
