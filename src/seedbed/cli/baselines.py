"""Baselines in the output of commands: what simple classifiers reach on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seedbed.errors import DataError

if TYPE_CHECKING:
    from seedbed.groups import Group
    from seedbed.groups.statements import Statement
    from seedbed.runs import RunStore


@dataclass(frozen=True)
class BaselineOutput:
    """Baselines as a command's JSON values, and as what it prints."""

    plain: list[dict[str, Any]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The statements with their statistics."""
        return [statement.sentence for statement in self.statements]

    @classmethod
    def of(cls, home: RunStore, groups: Sequence[Group], *, name: bool = False) -> BaselineOutput:
        """Compare groups with the baselines of their data; a line says so where the data are gone.

        Args:
            name: whether groups are called by their names. False means by their settings.
        """
        from seedbed.groups.baselines import against_baselines
        from seedbed.groups.statements import remarks

        try:
            comparisons = against_baselines(home, groups)
        except DataError as error:
            return cls(statements=remarks([f"Baselines: not known. {error}"]))
        plain = [row for comparison in comparisons for row in comparison.as_json()]
        return cls(plain, [statement for comparison in comparisons for statement in comparison.statements(name=name)])
