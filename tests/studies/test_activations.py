"""Activations: steps are counted and never made up, sentences say what was measured, and collapsed runs are in no mean."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from seedbed import figures, studies
from seedbed.figures import Curve, Dot
from seedbed.figures.curves import curve_rows
from seedbed.figures.panels import dot_rows
from seedbed.groups import Group
from seedbed.groups.speed import TimesToLevel
from seedbed.kinds import ACTIVATIONS as ACTIVATION_KINDS
from seedbed.records import DataFacts, History, ModelFacts, Result, Seconds, Verdict
from seedbed.specs import Dense, Plan, RunSpec
from seedbed.statistics import Interval
from seedbed.studies import causes
from seedbed.studies.answers import Answer
from seedbed.studies.questions import activations
from studies.questions import QUESTIONS
from studies.reading import check, check_parts


def net(
    accuracies: list[float],
    *,
    seed: int = 0,
    activation: str = "sigmoid",
    depth: int = 2,
    gradients: tuple[float, ...] = (1e-4, 1e-2, 1.0),
    collapsed: bool = False,
) -> Result:
    """A run whose layers have the given gradients after the first epoch, ten times those later on."""
    epochs = len(accuracies)
    later = np.where(np.arange(epochs) > 0, 10.0, 1.0)
    columns = {
        "train_loss": np.full(epochs, 0.5),
        "train_penalty": np.zeros(epochs),
        "train_accuracy": np.array(accuracies),
        "validation_loss": np.full(epochs, 0.5),
        "validation_accuracy": np.array(accuracies),
        **{f"gradient/dense_{place}": found * later for place, found in enumerate(gradients)},
        **{f"update/dense_{place}": 1e-3 * later for place in range(depth + 1)},
        **{f"saturation/dense_{place}": np.full(epochs, 0.1 * (place + 1)) for place in range(depth)},
    }
    return Result(
        name=f"{activation}.{seed}",
        group=activation,
        run=RunSpec(model=Dense(hidden=(64,) * depth, activation=activation), plan=Plan(epochs=epochs), seed=seed),
        model=ModelFacts(parameters=1000, operations=2000, units=64 * depth),
        data=DataFacts(train=1_290, validation=100, test=100, classes=("0", "1"), image_shape=(28, 28, 1)),
        history=History(columns),
        verdict=Verdict("collapsed" if collapsed else "good_fit", "as made", "Try."),
        seconds=Seconds(1, 2, 3),
        device="cpu",
    )


def group_of(results: list[Result]) -> Group:
    found = Group(results[0].group, results, {"activation": results[0].run.model.activation})  # type: ignore[union-attr]
    right = {seed: result.history["validation_accuracy"].max() for seed, result in found.runs.items()}
    found.correct.update({seed: np.arange(100) < 100 * share for seed, share in right.items()})
    return found


@pytest.mark.parametrize(
    ("accuracies", "median", "never", "text"),
    [
        ([[0.96], [0.5, 0.95], [0.5, 0.5, 0.99]], 22.0, 0, "22"),
        ([[0.96], [0.5, 0.97], [0.5, 0.5]], 22.0, 1, "22 (1 of 3 never)"),
        ([[0.96], [0.5], [0.5, 0.5]], None, 2, "- (2 of 3 never)"),
        ([[0.96], [0.5]], None, 1, "- (1 of 2 never)"),
    ],
)
def test_a_run_that_never_gets_there_is_counted_and_its_steps_are_not_made_up(
    accuracies: list[list[float]], median: float | None, never: int, text: str
) -> None:
    nets = [net(each, seed=seed) for seed, each in enumerate(accuracies)]  # 1,290 images: 11 minibatches an epoch
    steps = TimesToLevel.of(Group("nets", nets), 0.95)
    assert (steps.median(), steps.never, steps.text) == (median, never, text)


def test_the_gradients_ratio_is_that_of_the_first_epoch_in_the_networks_order() -> None:
    eleven = net([0.9, 0.9], depth=10, gradients=(1e-5, *[1e-3] * 9, 1e-1))  # dense_10 comes last, not after dense_1
    assert causes.IMBALANCE.of(eleven) == pytest.approx(-4)
    assert math.isnan(causes.IMBALANCE.of(net([0.9], gradients=(0.0, 1.0, 1.0))))


def test_saturation_is_the_mean_over_the_layers() -> None:
    assert causes.SATURATION.of(net([0.9])) == pytest.approx(0.15)


def test_curves_of_a_setting_that_only_collapsed_say_so_and_those_of_another_leave_collapsed_runs_out() -> None:
    lost = causes.layer_curves(group_of([net([0.1, 0.1], seed=seed, collapsed=True) for seed in (0, 1)]), "gradient")
    assert {curve.note for curve in lost} == {"2 of 2 collapsed"}
    assert [curve.line for curve in lost] == ["1", "2", "output"]
    bent = net([0.1, 0.1], seed=2, gradients=(9.0, 9.0, 9.0), collapsed=True)
    mixed = causes.layer_curves(group_of([net([0.9, 0.9], seed=0), net([0.9, 0.9], seed=1), bent]), "gradient")
    assert {curve.note for curve in mixed} == {""}
    assert mixed[0].points[0][1].mean == pytest.approx(1e-4)


def test_a_ratio_is_averaged_on_its_logarithm() -> None:
    assert causes.times(Interval(-2.0, -2.3010, -1.6990, 5)) == "0.01 (0.005 to 0.02)"
    assert causes.times(Interval(-2.0, math.nan, math.nan, 1)) == "0.01"


def test_a_clear_correlation_with_the_outcome_is_reported_and_an_unclear_one_as_such() -> None:
    some = [group_of([net([0.5, 0.5 + 0.04 * at], gradients=(10.0**-at, 1.0, 1.0))]) for at in range(10)]
    found = causes._correlation(some, causes.IMBALANCE)
    assert found is not None
    assert found.mean == pytest.approx(-1)
    assert "the lower the accuracy" in causes._correlation_sentence(causes.IMBALANCE, found)
    assert "no clear connection" in causes._correlation_sentence(causes.IMBALANCE, Interval(0.3, -0.2, 0.6, 10))
    assert causes._correlation(some, causes.PACE) is None  # all alike


def test_dots_keep_the_note_of_a_setting_without_a_value() -> None:
    rows = dot_rows(
        [Dot("depth 8", "sigmoid", "", None, "5 of 5 runs excluded"), Dot("depth 8", "relu", "", Interval(0.9, 0.8, 1.0, 5))]
    )
    assert "mean" not in rows[0]
    assert rows[0]["note"] == "5 of 5 runs excluded"
    assert rows[1]["low"] == 0.8


def test_a_gradient_of_0_has_no_place_on_a_logarithmic_axis() -> None:
    curve = Curve("relu", "1", [(1.0, Interval(0.0, 0.0, 0.0, 2)), (2.0, Interval(0.5, -0.1, 1.1, 2))], row="depth 1")
    rows = curve_rows([curve], logarithmic=True)
    assert [(row["x"], row["low"]) for row in rows] == [(2.0, 0.05)]
    assert len(curve_rows([curve])) == 2


@pytest.fixture(scope="module")
def answer(study_home: Path) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(activations, "STEPS", 200)
        return studies.activations(data="digits", quick=True, seeds=2, workers=1, home=study_home)


@pytest.mark.slow
def test_sentences_and_tables_say_what_was_measured(answer: Answer) -> None:
    swap, depths, why = answer.parts
    assert len(answer.contrasts) == 5
    assert all(one.contrast.a.run.seed == one.contrast.b.run.seed == 0 for one in answer.contrasts)
    sigmoid = next(cell for cell in swap.as_json()["cells"] if cell["setting"]["activation"] == "sigmoid")
    row = next(row for row in swap.tables[0].texts if row[1] == "sigmoid")
    assert row[3] == f"{sigmoid['parameters']:,}" == "34,110"
    assert row[5].startswith(f"{100 * sigmoid['mean']:.2f} (")
    ratios = {cell["label"]: cell["measures"]["gradient_ratio_log10"] for cell in depths.cells}
    deep = {label: found["mean"] for label, found in ratios.items() if "64-64-64" in label}
    assert f"{10 ** min(deep.values()):.2g} (" in why.answer[0]
    assert "sigmoid" in why.answer[0]
    assert 10 ** min(deep.values()) < 0.2 < 10 ** max(deep.values())  # it vanishes through three layers of sigmoid


@pytest.mark.slow
def test_rates_are_chosen_by_a_seed_that_no_claim_uses(answer: Answer) -> None:
    tuning = [result for result in answer.results if result.run.seed == 2]
    assert len(tuning) == 18
    chosen = {
        (cell["setting"]["activation"], tuple(cell["setting"]["hidden"])): cell for cell in answer.parts[1].as_json()["cells"]
    }
    for (activation, hidden), cell in chosen.items():
        assert cell["seeds"] == [0, 1]
        tried = [one for one in tuning if (one.run.model.activation, one.run.model.hidden) == (activation, hidden)]  # type: ignore[union-attr]
        at_best = {one.run.plan.learning_rate: one.history["validation_accuracy"][one.best - 1] for one in tried}
        assert at_best[cell["setting"]["learning_rate"]] == max(at_best.values())


@pytest.mark.slow
def test_every_figure_is_drawn_and_says_that_it_is_a_preview(answer: Answer, tmp_path: Path) -> None:
    assert set(answer.charts()) >= {"act_swap", "act_slopes", "act_accuracy", "act_saturation", "act_gradient", "act_update"}
    assert any("its mean is" in sentence for sentence in answer.parts[0].why)
    for name, chart in answer.charts().items():
        assert "--quick" in figures.specification(chart)["title"]["subtitle"][-1]
        assert figures.save(chart, tmp_path / name, ("svg",))[0].stat().st_size > 5_000


# At a glance


@pytest.mark.slow
def test_the_card_says_which_learns_faster_by_steps_or_by_the_loss_after_one_epoch(answer: Answer) -> None:
    card, swapped = answer.cards["activations-swap"], answer.parts[0].cells
    check(card)
    check_parts(answer)
    if card.answer.startswith("At first"):
        groups = [next(group for group in answer.groups if group.name == cell["name"]) for cell in swapped[:2]]
        relu, tanh = (np.mean([run.history["validation_loss"][0] for run in group.kept]) for group in groups)
        assert card.answer.startswith(f"At first, {'yes' if relu < tanh else 'no'}: after one epoch its loss is {relu:.2f}")
        return
    assert card.answer.startswith(("Yes: ", "No: ", "Not clearly: "))
    steps = {cell["setting"]["activation"]: cell["steps"] for cell in swapped}
    reached = [level for level in zip(*steps.values(), strict=True) if all(one["median"] for one in level)]
    for (name, _), one in zip(steps.items(), reached[-1] if reached else [], strict=bool(reached)):
        assert f"{ACTIVATION_KINDS[name].title} {one['median']:,.0f}" in card.answer


@pytest.mark.parametrize(
    ("tanh", "said"), [(0.9, "At first, yes: after one epoch its loss is 0.50, tanh's 0.90."), (0.5, "Not")]
)
def test_where_steps_cannot_decide_the_loss_after_one_epoch_may(tanh: float, said: str) -> None:
    def group(activation: str, first: float) -> Group:
        runs = [net([0.7, 0.9, 0.95], seed=seed, activation=activation) for seed in range(5)]
        for run in runs:
            run.history["validation_loss"][0] = first + 0.01 * run.run.seed
        return Group(activation, runs, {"activation": activation})

    cells = [group("relu", 0.48), group("tanh", tanh - 0.02), group("sigmoid", 1.0)]
    early = activations._at_first(cells)
    assert activations._card(cells, cells, early).answer.startswith(said)


@pytest.mark.slow
def test_students_find_the_answers_to_their_questions(answer: Answer) -> None:
    for question in QUESTIONS["activations"]:
        question.check(answer.as_json())
