"""What a network may cost."""

from __future__ import annotations

import pytest

from seedbed.errors import SpecError
from seedbed.records import ModelFacts
from seedbed.searches import Budget


@pytest.mark.parametrize(
    ("text", "kind", "limit"),
    [
        ("units=200", "units", 200),
        ("params=10_000", "params", 10_000),
        ("flops=1e6", "flops", 1_000_000),
        ("flops=1.5e3", "flops", 1500),
    ],
)
def test_a_budget_is_read_as_it_is_written(text: str, kind: str, limit: int) -> None:
    assert Budget.of(text) == Budget(kind=kind, limit=limit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unit=3", "Did you mean 'units'"),
        ("units", "whole number from 1 on"),
        ("units=", "whole number"),
        ("units=0", "from 1 on"),
        ("units=-3", "from 1 on"),
        ("units=2.5", "whole number"),
        ("units=nan", "whole number"),
        ("params=inf", "whole number"),
        ("=3", "units=N, params=N or flops=N"),
    ],
)
def test_what_is_no_budget_is_told_with_the_rule(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        Budget.of(text)


def test_the_cost_is_counted_in_the_budgets_kind() -> None:
    facts = ModelFacts(parameters=10, operations=30, units=2)
    assert [Budget(kind=kind, limit=1).cost(facts) for kind in ("units", "params", "flops")] == [2, 10, 30]
    assert str(Budget.of("params=10000")) == "10,000 parameters"
