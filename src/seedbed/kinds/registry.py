"""Records by their names. An unknown name is an error that offers the nearest one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from seedbed.errors import SpecError, nearest


class Named(Protocol):
    """Anything with a name of its own."""

    @property
    def name(self) -> str: ...


Record = TypeVar("Record", bound=Named)


class Registry(Generic[Record]):
    """All records of one kind, in the order in which users see them.

    Args:
        kind: noun for messages, such as "activation".
        records: the records that are known from the start.
    """

    def __init__(self, kind: str, *records: Record) -> None:
        self.kind = kind
        self._records: dict[str, Record] = {}
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Make a record known.

        Raises:
            ValueError: the name is taken.
        """
        if record.name in self._records:
            raise ValueError(f"{self.kind} {record.name!r} is registered already; choose another name.")
        self._records[record.name] = record

    def remove(self, name: str) -> None:
        """Forget a record that was added."""
        del self._records[name]

    def __getitem__(self, name: str) -> Record:
        """The record of this name.

        Raises:
            SpecError: the name is unknown.
        """
        if name not in self:
            raise SpecError(f"{self.kind} = {name!r} is not known.{nearest(str(name), self)} Known: {', '.join(self)}.")
        return self._records[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def records(self) -> list[Record]:
        """All records, in order."""
        return list(self._records.values())
