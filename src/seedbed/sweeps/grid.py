"""A grid of settings: fields with their values, every combination of which is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from seedbed.errors import SpecError
from seedbed.groups.fields import FIELDS, Field, Setting, Value, field
from seedbed.parsing import plain_values

MOST_SETTINGS = 20_000


@dataclass(frozen=True)
class Grid:
    """Fields and their values; every combination of them is a setting.

    Attributes:
        values: field -> its values, each once; fields in the order of the specs, values in the order given.
    """

    values: dict[str, tuple[Value, ...]]

    @classmethod
    def of(cls, asked: Mapping[str, Sequence[object]]) -> Grid:
        """Make a grid from names and values as users give them.

        Raises:
            SpecError: an unknown field, a value that breaks its rule or occurs twice, no value, or too many settings.
        """
        fields: dict[str, tuple[Value, ...]] = {}
        for name, values in asked.items():
            known = field(str(name))
            if known.name in fields:
                raise SpecError(f"{known.name} occurs under two names; give it once.")
            fields[known.name] = _values(known, values)
        if not fields:
            raise SpecError("A sweep varies at least one field, for example l2 = 0, 1e-4; none is given.")
        places = {name: place for place, name in enumerate(FIELDS)}
        grid = cls(dict(sorted(fields.items(), key=lambda item: (places.get(item[0], len(places)), item[0]))))
        if len(grid) > MOST_SETTINGS:
            raise SpecError(f"This grid has {len(grid):,} settings; a sweep takes up to {MOST_SETTINGS:,}. Vary fewer fields.")
        return grid

    @classmethod
    def texts(cls, pairs: Sequence[str]) -> dict[str, list[object]]:
        """Read texts such as `l2=0,1e-4` into field -> values, as `of` takes them; a field may occur several times.

        Commas stand between values; only in the fields of which one value is a list (hidden, filters, kernel, stride, pool)
        they stand within it, and each text is one value. A list for a function of the user's own stands in brackets.

        Raises:
            SpecError: an unknown field, or a text without `=`.
        """
        fields: dict[str, list[object]] = {}
        for pair in pairs:
            name, equals, text = pair.partition("=")
            if not (equals and name and text):
                raise SpecError(f"{pair!r}: it must read FIELD=VALUE or FIELD=VALUE,VALUE, for example l2=0,1e-4.")
            known = field(name.strip())
            if known.spec is None:
                parts: list[object] = plain_values(text)
            else:
                parts = [text] if known.several else [part.strip() for part in text.split(",")]
            fields.setdefault(known.name, []).extend(parts)
        return fields

    def __len__(self) -> int:
        return prod(len(values) for values in self.values.values())

    def __iter__(self) -> Iterator[Setting]:
        """Yield every combination; the last field changes fastest."""
        for combination in product(*self.values.values()):
            yield dict(zip(self.values, combination, strict=True))

    @property
    def varying(self) -> list[str]:
        """The fields that have several values."""
        return [name for name, values in self.values.items() if len(values) > 1]


def _values(known: Field, values: object) -> tuple[Value, ...]:
    if not (isinstance(values, list | tuple) and values):
        raise SpecError(f"{known.name} = {values!r}: a sweep needs a list of its values.")
    distinct: list[Value] = []
    for value in values:
        checked = known.checked(value)
        if any(checked == other and type(checked) is type(other) for other in distinct):
            raise SpecError(f"{known.name}: the value {value!r} occurs twice; give each value of a grid once.")
        distinct.append(checked)
    return tuple(distinct)
