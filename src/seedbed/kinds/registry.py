"""Records by their names. An unknown name is an error that offers the nearest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Generic, TypeVar

from seedbed.errors import SpecError, nearest

RecordT = TypeVar("RecordT")


class Registry(Generic[RecordT]):
    """All records of one kind, in the order in which users see them.

    Args:
        kind: noun for messages, such as "activation".
        records: the records that are known from the start.
        name: reads a record's name.
    """

    def __init__(self, kind: str, *records: RecordT, name: Callable[[RecordT], str] = attrgetter("name")) -> None:
        self.kind = kind
        self.name = name
        self._records: dict[str, RecordT] = {}
        for record in records:
            self.add(record)

    def add(self, record: RecordT) -> None:
        """Make a record known.

        Raises:
            ValueError: the name is taken.
        """
        name = self.name(record)
        if name in self:
            raise ValueError(f"{self.kind} {name!r} is registered already; choose another name.")
        self._records[name] = record

    def remove(self, record: RecordT) -> None:
        """Forget a record that was added."""
        del self._records[self.name(record)]

    def __getitem__(self, name: object) -> RecordT:
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

    def records(self) -> list[RecordT]:
        """All records, in order."""
        return list(self._records.values())
