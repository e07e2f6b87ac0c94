"""Networks next to baselines: paired on the same images, told where they are below."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from groups.samples import group
from seedbed.baselines import Baseline
from seedbed.groups import Group
from seedbed.groups import baselines as module
from seedbed.groups.baselines import BaselineComparison, against_baselines
from seedbed.runs import RunStore
from seedbed.specs import DataSpec

IMAGES = 500


def right(share: float, images: int = IMAGES) -> np.ndarray:
    return np.arange(images) < share * images


def baseline(name: str, share: float) -> Baseline:
    return Baseline(name, 1000, 1000, right(share))


def told(comparison: BaselineComparison, *, name: bool = False) -> list[str]:
    return [statement.sentence for statement in comparison.statements(name=name)]


@pytest.fixture
def compared(tmp_path, monkeypatch):  # type: ignore[no-untyped-def]
    """Compare groups with a majority of 20 % and a neighbour of 90 %."""
    simple = [baseline("largest class", 0.2), baseline("nearest neighbour", 0.9)]
    monkeypatch.setattr(module, "baselines", lambda home, spec: simple)
    return lambda *groups: against_baselines(RunStore(tmp_path), groups)


def test_a_network_that_is_below_a_baseline_is_named_with_its_interval(compared) -> None:  # type: ignore[no-untyped-def]
    [comparison] = compared(group([right(0.8)] * 3))
    first, second = told(comparison)
    assert first == "Baselines: largest class 20.0 %, nearest neighbour 90.0 %."
    assert second.startswith("The network is below nearest neighbour (90.0 %) by 10.0 points (95 % interval ")


def test_a_network_within_chance_of_a_baseline_gets_the_line_alone(compared) -> None:  # type: ignore[no-untyped-def]
    [comparison] = compared(group([right(0.896)]))
    assert len(told(comparison)) == 1


def test_of_several_settings_those_below_are_named(compared) -> None:  # type: ignore[no-untyped-def]
    [comparison] = compared(group([right(0.5)], l2=1.0), group([right(0.95)], l2=0.0), group([right(0.4)], l2=2.0))
    assert told(comparison)[1] == "Below nearest neighbour, each beyond chance: l2 1 and l2 2."
    assert told(comparison, name=True)[1].endswith("l2-1.0 and l2-2.0.")


def test_a_sentence_names_a_few_of_many_settings(compared) -> None:  # type: ignore[no-untyped-def]
    below = [group([right(0.5)], l2=float(number)) for number in range(9)]
    [comparison] = compared(*below, group([right(0.95)], l2=9.0))
    assert told(comparison)[1].endswith("l2 5 and 3 more settings.")


def test_where_all_settings_are_below_none_is_named(compared) -> None:  # type: ignore[no-untyped-def]
    [comparison] = compared(group([right(0.5)], l2=1.0), group([right(0.4)], l2=2.0))
    assert told(comparison)[1] == "Both settings are below nearest neighbour, each beyond chance."


def test_a_group_without_a_run_left_is_not_compared(compared) -> None:  # type: ignore[no-untyped-def]
    assert compared(group([right(0.5)], verdicts=["diverged"])) == []


def test_the_json_has_each_groups_difference(compared) -> None:  # type: ignore[no-untyped-def]
    [comparison] = compared(group([right(0.8)]))
    assert isinstance(comparison, BaselineComparison)
    neighbour = comparison.as_json()[1]
    assert neighbour["differences"]["l2-0.0"]["difference"] == pytest.approx(-0.1)
    assert neighbour["name"] == "nearest neighbour"


def test_folds_are_compared_with_the_baselines_of_all_folds_joined(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    shares = {(0, 2): 0.5, (1, 2): 1.0}
    monkeypatch.setattr(module, "baselines", lambda home, spec: [baseline("nearest neighbour", shares[spec.fold])])
    single = group([np.concatenate([right(0.9), right(0.9)])])
    [result] = single.results
    runs = [replace(result, run=result.run.changed(data=DataSpec(name="digits", fold=fold))) for fold in shares]
    folds = Group("a", runs, correct=single.correct)
    [comparison] = against_baselines(RunStore(tmp_path), [folds])
    assert comparison.baselines[0].accuracy.mean == 0.75
    assert comparison.differences["a"]["nearest neighbour"].interval.mean == pytest.approx(0.15)


def test_at_a_glance_the_interval_gives_way_to_a_mark_that_counts_all_comparisons(compared) -> None:  # type: ignore[no-untyped-def]
    [comparison] = compared(group([right(0.8)] * 3))
    _, below = comparison.statements()
    assert below.answer == "The network is below nearest neighbour (90.0 %) by 10.0 points."
    assert below.mark == "clear"
    assert "after correction for 2 comparisons" in below.certainty.rule
