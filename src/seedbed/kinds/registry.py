"""Registries: records by name. The error for an unknown name suggests the nearest known one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Generic, TypeVar

from seedbed.errors import SpecError, nearest

RecordT = TypeVar("RecordT")


class Registry(Generic[RecordT]):
    """The records of one kind, in the order in which users see them.

    Args:
        kind: noun for messages, such as "activation".
        records: initial records.
        name: function that returns a record's name.
    """

    def __init__(self, kind: str, *records: RecordT, name: Callable[[RecordT], str] = attrgetter("name")) -> None:
        self.kind = kind
        self.name = name
        self._records: dict[str, RecordT] = {}
        for record in records:
            self.add(record)

    def add(self, record: RecordT) -> None:
        """Add a record.

        Raises:
            ValueError: the name is taken.
        """
        name = self.name(record)
        if name in self:
            raise ValueError(f"{self.kind} {name!r} is already registered; choose another name.")
        self._records[name] = record

    def remove(self, record: RecordT) -> None:
        """Remove a record."""
        del self._records[self.name(record)]

    def __getitem__(self, name: object) -> RecordT:
        """Return the record of this name.

        Raises:
            SpecError: the name is unknown.
        """
        if not isinstance(name, str) or name not in self:
            raise SpecError(f"{self.kind} = {name!r} is not known.{nearest(str(name), self)} Known: {', '.join(self)}.")
        return self._records[name]

    def canonical(self, name: str) -> str | None:
        """The name of a record that a user may have written with capitals; None where there is none."""
        return next((known for known in self if known == name or known == name.lower()), None)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def records(self) -> list[RecordT]:
        """All records, in order."""
        return list(self._records.values())
