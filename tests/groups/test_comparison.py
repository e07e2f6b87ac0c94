"""Comparisons of made-up predictions, in which it is known who is better and by how much."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seedbed.errors import RunError, UnknownRun
from seedbed.groups import Comparison, Difference, compare
from seedbed.records import METRICS, DataFacts, History, ModelFacts, Result, Seconds, Verdict
from seedbed.runs import FinishedRun, NamedRun, RunStore
from seedbed.specs import DataSpec, Dense, Plan, RunSpec
from seedbed.statistics import holm

N = 2000
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(10, size=N).astype(np.int32)
HARD = RANDOM.random(N)
"""How hard each image is, in [0, 1]; a network of accuracy p has about the easiest share p of them right."""

OK = Verdict("good_fit", "It learned.", "Try.")
DIVERGED = Verdict("diverged", "The loss was not finite at epoch 1.", "Try.")
COLLAPSED = Verdict("collapsed", "It predicts class '7' for 100 % of the validation images.", "Try.")
UNDERTRAINED = Verdict("still_improving", "The validation loss was still falling.", "Try.")


def correct(accuracy: float, seed: int) -> NDArray[np.bool_]:
    random = np.random.default_rng([seed, round(1e6 * accuracy)])
    return HARD + 0.02 * random.normal(size=N) < accuracy


def probabilities(right: NDArray[np.bool_], labels: NDArray[Any]) -> NDArray[np.float32]:
    predicted = np.where(right, labels, (labels + 1) % 10)
    found = np.full((len(labels), 10), 0.02, np.float32)
    found[np.arange(len(labels)), predicted] = 0.82
    return found


def add(
    home: RunStore,
    name: str,
    accuracies: Mapping[int, float | NDArray[np.bool_]],
    *,
    verdicts: dict[int, Verdict] | None = None,
    labels: NDArray[Any] = LABELS,
    group: str = "",
    data: DataSpec | None = None,
    **settings: Any,
) -> None:
    """A group with one run per seed, of these accuracies; or of images that are right and wrong."""
    for seed, accuracy in accuracies.items():
        run = RunSpec(model=Dense(**settings), plan=Plan(), data=data or DataSpec(name="digits", digest="d"), seed=seed)
        entry = NamedRun(f"{name}.{seed}" if len(accuracies) > 1 else name, group or name, run)
        verdict = (verdicts or {}).get(seed, OK)
        figures = {name: np.array([math.nan if verdict is DIVERGED else 0.5]) for name in METRICS}
        result = Result(
            name=entry.name,
            group=entry.group,
            run=run,
            model=ModelFacts(178110, 355200, 300),
            data=DataFacts(1257, N, 270, tuple("0123456789"), (8, 8, 1)),
            history=History(figures),
            verdict=verdict,
            seconds=Seconds(0, 1, 1),
            device="cpu",
        )
        right = correct(accuracy, seed) if isinstance(accuracy, float) else accuracy
        known = labels[: len(right)]
        predictions = {"validation_probabilities": probabilities(right, known), "validation_labels": known}
        with home.claim([entry]):
            home.finish(FinishedRun(entry, result, 16.0, predictions=predictions))


@pytest.fixture
def home(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def only(comparison: Comparison) -> Difference:
    (pair,) = comparison.pairs
    return pair


def better(pair: Difference) -> str | None:
    return pair.higher.name if pair.higher else None


FIVE = dict.fromkeys(range(5), 0.95)


def test_a_difference_that_is_there_is_told_with_its_size_and_its_basis(home: RunStore) -> None:
    add(home, "wide", FIVE, hidden=(200,))
    add(home, "narrow", dict.fromkeys(range(5), 0.92), hidden=(10,))
    pair = only(compare(home, ["narrow", "wide"]))
    assert (better(pair), pair.seeds, pair.networks) == ("wide", (0, 1, 2, 3, 4), None)
    assert pair.decision is not None
    accuracy = pair.decision.interval
    assert accuracy.low < -0.03 < accuracy.high < 0
    assert pair.sentence.startswith("wide is more accurate than narrow by ")
    assert "Its loss is lower too, by " in pair.sentence
    assert pair.method == "5 seeds x 2,000 images, paired on both"
    assert pair.loss is not None
    assert pair.loss.interval.low > 0
    assert pair.loss.interval.mean == pytest.approx(-accuracy.mean * math.log(0.82 / 0.02), rel=1e-4)


def test_without_a_difference_the_reach_of_the_interval_is_told(home: RunStore) -> None:
    add(home, "a", FIVE, activation="relu")
    add(home, "b", dict.fromkeys(range(5), 0.9502), activation="tanh")
    pair = only(compare(home, ["a", "b"]))
    assert pair.decision is not None
    mean, low, high = (-100 * value for value in (pair.decision.interval.mean, *pair.decision.interval.pair()[::-1]))
    assert better(pair) is None
    assert 0 < mean < 0.2
    assert pair.sentence.startswith(
        f"b and a are equally accurate within 1 point: b is ahead by {mean:.2f} points "
        f"(95 % interval: {-low:.2f} worse to {high:.2f} better)."
    )


def test_half_a_point_between_single_runs_is_no_claim(home: RunStore) -> None:
    """A report called 400-100 better than 400-200 from single runs 0.5 points apart."""
    add(home, "a", {0: 0.950}, hidden=(400, 100))
    add(home, "b", {0: 0.945}, hidden=(400, 200))
    pair = only(compare(home, ["a", "b"]))
    assert (better(pair), pair.networks) == (None, ("a", "b"))
    assert pair.method == "one network each on 2,000 images, paired"
    assert compare(home, ["a", "b"]).as_json()["pairs"][0]["seeds"] == []


def test_single_networks_are_told_apart_but_nothing_is_said_of_their_settings(home: RunStore) -> None:
    add(home, "a", {0: 0.95})
    add(home, "b", {3: 0.85}, hidden=(2,))
    comparison = compare(home, ["a", "b"])
    assert better(only(comparison)) == "a"
    assert only(comparison).sentence.endswith("it says nothing about other seeds.")
    assert comparison.differs == {"model.hidden": {"a": [200, 100], "b": [2]}, "seed": {"a": 0, "b": 3}}


def test_groups_are_paired_by_the_seeds_that_they_share(home: RunStore) -> None:
    add(home, "a", dict.fromkeys((0, 1, 2), 0.95))
    add(home, "b", dict.fromkeys((1, 2, 3), 0.9), hidden=(9,))
    assert only(compare(home, ["a", "b"])).seeds == (1, 2)
    add(home, "c", dict.fromkeys((2, 7), 0.9), hidden=(8,))
    assert only(compare(home, ["a", "c"])).networks == ("a.2", "c.2")


def test_networks_with_the_same_mistakes_may_still_differ(home: RunStore) -> None:
    add(home, "a", {0: 1.5, 1: 1.5})
    add(home, "b", {0: 1.4, 1: 1.4}, hidden=(9,))
    pair = only(compare(home, ["a", "b"]))
    assert pair.decision is not None
    assert pair.decision.interval.mean == 0
    assert pair.decision.interval.low < 0 < pair.decision.interval.high


def test_one_differing_prediction_of_five_networks_on_270_images_makes_no_winner(home: RunStore) -> None:
    """The smallest difference that there can be on `digits`: 1 of 5 x 270 predictions."""
    whole = dict.fromkeys(range(5), HARD[:270] < 0.95)
    one_wrong = {**whole, 3: whole[3] & (np.arange(270) != np.flatnonzero(whole[3])[0])}
    add(home, "a", one_wrong, hidden=(9,))
    add(home, "b", whole, hidden=(8,))
    comparison = compare(home, ["a", "b"])
    pair = only(comparison)
    assert (better(pair), pair.images, pair.seeds) == (None, 270, (0, 1, 2, 3, 4))
    assert pair.decision is not None
    assert pair.decision.interval.mean == pytest.approx(-1 / (5 * 270))
    assert pair.decision.interval.low < 0 < pair.decision.interval.high
    assert comparison.as_json()["pairs"][0]["verdict"] == "no difference shown"


def test_nans_and_collapses_enter_no_mean_and_are_counted_beside(home: RunStore) -> None:
    """A published report concluded "SGD is bad" from 9.80 % accuracies that were NaNs."""
    verdicts = {1: DIVERGED, 2: COLLAPSED, 3: UNDERTRAINED}
    add(home, "sgd", {0: 0.95, 1: 0.1, 2: 0.1, 3: 0.95, 4: 0.95}, verdicts=verdicts)
    add(home, "adam", FIVE, activation="tanh")
    comparison = compare(home, ["sgd", "adam"])
    assert only(comparison).seeds == (0, 3, 4)
    assert comparison.groups[0].accuracy is not None
    assert comparison.groups[0].accuracy.mean > 0.9
    assert comparison.sentences()[1:] == [
        "1 of 5 runs of sgd diverged and is excluded.",
        "1 of 5 runs of sgd collapsed and is excluded.",
        "1 of 5 runs of sgd was still improving at the last epoch.",
    ]


def test_a_group_that_diverged_throughout_has_no_pair(home: RunStore) -> None:
    add(home, "boom", {0: 0.1, 1: 0.1}, verdicts={0: DIVERGED, 1: DIVERGED})
    add(home, "fine", {0: 0.95, 1: 0.95}, hidden=(9,))
    comparison = compare(home, ["boom", "fine"])
    assert comparison.pairs == []
    assert comparison.sentences() == ["2 of 2 runs of boom diverged and are excluded."]
    with pytest.raises(RunError, match="2 of 2 runs of boom diverged and are excluded"):
        comparison.figure()


def test_several_names_share_holms_correction(home: RunStore) -> None:
    for number, accuracy in enumerate((0.95, 0.949, 0.90)):
        add(home, f"s{number}", dict.fromkeys(range(3), accuracy), hidden=(number + 1,))
    comparison = compare(home, ["s0", "s1", "s2"])
    decisions = [pair.decision for pair in comparison.pairs if pair.decision]
    assert [one.claims for one in decisions] == [3, 3, 3]
    assert [better(pair) for pair in comparison.pairs] == [None, "s0", "s1"]
    assert [one.corrected_p for one in decisions] == holm([one.p for one in decisions]).tolist()
    assert all(one.corrected_p >= one.p for one in decisions)
    for pair, names in zip(comparison.pairs, (["s0", "s1"], ["s0", "s2"], ["s1", "s2"]), strict=True):
        alone = only(compare(home, names)).decision
        assert alone is not None
        assert pair.decision is not None
        assert pair.decision.interval == alone.interval
    assert comparison.figure().to_dict()["config"]


def test_the_json_is_plain_and_whole(home: RunStore) -> None:
    add(home, "a", {0: 0.95, 1: 0.95}, verdicts={1: DIVERGED})
    add(home, "b", {0: 0.90, 1: 0.90}, hidden=(9,))
    plain = json.loads(json.dumps(compare(home, ["a", "b"]).as_json(), allow_nan=False))
    assert plain["pairs"][0]["verdict"] == "a is better"
    assert plain["pairs"][0]["networks"] == ["a.0", "b.0"]
    assert plain["candidates"][0]["left_out"] == {"a.1": vars(DIVERGED)}
    assert plain["differs"] == {"model.hidden": {"a": [200, 100], "b": [9]}}
    assert plain["sentences"][0] == plain["pairs"][0]["sentence"]


def test_different_data_are_refused_with_what_differs(home: RunStore) -> None:
    add(home, "a", {0: 0.95})
    add(home, "b", {0: 0.95}, data=DataSpec(name="digits", digest="d", first=1000))
    with pytest.raises(RunError, match=r"different data \(first None and 1000\)"):
        compare(home, ["a", "b"])


def test_other_validation_images_under_the_same_data_spec_are_refused(home: RunStore) -> None:
    add(home, "a", {0: 0.95})
    add(home, "b", {0: 0.95}, labels=np.roll(LABELS, 1), hidden=(9,))
    with pytest.raises(RunError, match="different validation images"):
        compare(home, ["a", "b"])


def test_a_group_of_several_settings_is_refused(home: RunStore) -> None:
    add(home, "a", {0: 0.95}, group="mixed")
    add(home, "b", {0: 0.95}, group="mixed", hidden=(9,))
    add(home, "c", {0: 0.95}, hidden=(8,))
    with pytest.raises(RunError, match="'mixed' holds 2 settings"):
        compare(home, ["mixed", "c"])


@pytest.mark.parametrize("names", [[], ["a"], ["a", "a"]])
def test_a_comparison_needs_two_names(home: RunStore, names: list[str]) -> None:
    with pytest.raises(RunError, match="at least two different names"):
        compare(home, names)


def test_an_unknown_name_is_told(home: RunStore) -> None:
    add(home, "alpha", {0: 0.95})
    with pytest.raises(UnknownRun, match="'alpha'"):
        compare(home, ["alpha", "alpa"])


def test_the_method_and_the_speed_stand_once_and_in_the_json(home: RunStore) -> None:
    for number, accuracy in enumerate((0.95, 0.949, 0.90)):
        add(home, f"s{number}", dict.fromkeys(range(3), accuracy), hidden=(number + 1,))
    comparison = compare(home, ["s0", "s1", "s2"], margin=0.02)
    assert comparison.method.startswith(
        "Method: 3 seeds x 2,000 images, paired on both; at the best epoch; p-values corrected over 3"
    )
    plain = comparison.as_json()
    assert plain["method"] == comparison.method
    assert [pair["equivalent"]["margin"] for pair in plain["pairs"]] == [0.02] * 3
    assert [pair["equivalent"]["shown"] for pair in plain["pairs"]] == [True, False, False]
    assert {level["never"] for candidate in plain["candidates"] for level in candidate["speed"]} == {0}
