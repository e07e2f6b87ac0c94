"""Records by their names. An unknown name is an error that offers the nearest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Generic, TypeVar

from seedbed.errors import SpecError, nearest

Record = TypeVar("Record")


class Registry(Generic[Record]):
    """All records of one kind, in the order in which users see them.

    Args:
        kind: noun for messages, such as "activation".
        records: the records that are known from the start.
        name: reads a record's name.
    """

    def __init__(self, kind: str, *records: Record, name: Callable[[Record], str] = attrgetter("name")) -> None:
        self.kind = kind
        self.name = name
        self._records: dict[str, Record] = {}
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Make a record known.

        Raises:
            ValueError: the name is taken.
        """
        name = self.name(record)
        if name in self:
            raise ValueError(f"{self.kind} {name!r} is registered already; choose another name.")
        self._records[name] = record

    def remove(self, record: Record) -> None:
        """Forget a record that was added."""
        del self._records[self.name(record)]

    def __getitem__(self, name: object) -> Record:
        """The record of this name.

        Raises:
            SpecError: the name is unknown.
        """
        if not isinstance(name, str) or name not in self:
            raise SpecError(f"{self.kind} = {name!r} is not known.{nearest(str(name), self)} Known: {', '.join(self)}.")
        return self._records[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def records(self) -> list[Record]:
        """All records, in order."""
        return list(self._records.values())
