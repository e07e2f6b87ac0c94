"""What users write in Python: shortcuts, and mistakes in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import seedbed as sb
from seedbed.errors import Interrupted, SeedbedError, SpecError
from seedbed.specs import RunSpec


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"lr": 0.1}, "Did you mean 'learning_rate'?"),
        ({"epoch": 3}, "Did you mean 'epochs'?"),
        ({"activation": "tanh"}, "Dense(activation='tanh')"),
        ({"filters": (3,)}, "Conv(filters=(3,))"),
        ({"split_seed": 1}, "DataSpec(split_seed=1)"),
        ({"epochs": 0}, "epochs = 0"),
    ],
)
def test_a_wrong_keyword_is_told_where_it_belongs(settings: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError) as error:
        sb.train(sb.Dense(), "digits", **settings)
    assert says in str(error.value)


def test_no_network_is_an_error_of_its_own() -> None:
    with pytest.raises(SpecError, match="at least one network"):
        sb.train([], "digits")


def test_one_number_of_units_is_a_list_of_one() -> None:
    assert sb.Dense(hidden=200) == sb.Dense(hidden=(200,))
    assert sb.Conv(filters=8, hidden=4) == sb.Conv(filters=(8,), hidden=(4,))
    with pytest.raises(SpecError, match="hidden"):
        sb.Dense(hidden=True)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sb.Dense((200, 100), "tanh"), "by name: Dense(hidden=(200, 100), activation='tanh')."),
        (lambda: sb.search("units=20", "digits", trails=3), "`search` has no setting 'trails'. Did you mean 'trials'?"),
        (lambda: sb.save(3, "chart"), "chart = 3: it must be a chart"),
    ],
)
def test_other_mistakes_are_errors_of_their_own_too(call: Callable[[], object], says: str) -> None:
    with pytest.raises(SpecError) as error:
        call()
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (sb.Dense, r"a network of it is Dense\(\)"),
        ("dense", "models = 'dense': it must be a network, such as Dense"),
        (3, "models = 3"),
    ],
)
def test_what_is_no_network_is_an_error(model: object, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        sb.train(model, "digits")


def test_a_notebook_shows_an_error_without_frames() -> None:
    assert SpecError("seed = -1")._render_traceback_() == ["SpecError: seed = -1"]
    assert Interrupted("Stopped.")._render_traceback_() == ["Interrupted: Stopped."]


def test_a_loop_over_errors_ends_when_it_is_interrupted() -> None:
    assert not issubclass(Interrupted, (Exception, SeedbedError))
    assert issubclass(Interrupted, KeyboardInterrupt)


def test_a_chart_is_saved_under_a_plain_name(tmp_path, monkeypatch) -> None:
    import altair

    monkeypatch.chdir(tmp_path)
    chart = altair.Chart(altair.Data(values=[{"a": 1}])).mark_point().encode(x="a:Q")
    assert [path.name for path in sb.save(chart, "name.svg", ("svg",))] == ["name.svg"]


def test_results_are_short_in_a_notebook() -> None:
    import numpy as np

    from seedbed.records import METRICS, History
    from seedbed.sweeps import Grid, Sweep

    history = History({name: np.zeros(500) for name in METRICS})
    assert repr(history).startswith("History(500 epochs of train_loss")
    assert len(repr(history)) < 200
    sweep = Sweep("lr", RunSpec(), Grid.of({"l2": [0, 1]}), (0, 1), [])
    assert repr(sweep) == "Sweep 'lr': 0 settings"
