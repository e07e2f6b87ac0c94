"""A budget: the most that a network may cost."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, get_args

from pydantic import Field

from seedbed.errors import SpecError, nearest
from seedbed.records import ModelFacts
from seedbed.validation import Spec

BudgetKind = Literal["units", "params", "flops"]
KINDS: tuple[BudgetKind, ...] = get_args(BudgetKind)
CALLED: dict[BudgetKind, str] = {"units": "hidden units", "params": "parameters", "flops": "operations for one image"}


class Budget(Spec):
    """The most that a network may cost, in one kind of cost.

    Args:
        kind: "units" (hidden units: of dense layers, and filters of convolutions), "params" (trainable numbers), or "flops"
            (multiply-adds of one image's inference, times two), all as `seedbed.models.facts` counts them.
        limit: largest number allowed.
    """

    kind: BudgetKind
    limit: Annotated[int, Field(ge=1)]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read `units=200`, `params=10000` or `flops=1e6`.

        Raises:
            SpecError: the text is none of these.
        """
        kind, equals, number = text.partition("=")
        if kind not in KINDS:
            raise SpecError(f"budget = {text!r}: it must read units=N, params=N or flops=N.{nearest(kind, KINDS)}")
        if not (equals and re.fullmatch(r"\d[\d_]*(\.\d+)?(e\d+)?", number) and float(number) == int(float(number)) >= 1):
            raise SpecError(f"budget = {text!r}: {kind} must be a whole number from 1 on, like {kind}=200 or {kind}=1e6.")
        return cls(kind=kind, limit=int(float(number)))

    def cost(self, facts: ModelFacts) -> int:
        """Return the cost of a network, in the budget's kind."""
        return {"units": facts.units, "params": facts.parameters, "flops": facts.operations}[self.kind]

    def share(self, part: float) -> Budget:
        """Return a part of this budget, at least 1."""
        return self.changed(limit=max(1, int(part * self.limit)))

    def __str__(self) -> str:
        return f"{self.limit:,} {CALLED[self.kind]}"
