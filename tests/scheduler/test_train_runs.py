"""`train_runs`: nothing is trained twice, whoever trains gives the same results, and what fails is told in one line.

(Kills, signals, full disks and shortage of memory: tests/hostile.)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hostile.engine import InProcess
from seedbed import populations
from seedbed.errors import DeviceError, Interrupted, ModelError, RunExists, RunHalfDone, SpecError, UnknownRun
from seedbed.records import Result
from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import Conv, DataSpec, Dense, Keras, ModelSpec, Plan, RunSpec
from seedbed.training.events import Copied, Done, Event, Progress, Started

ENGINE = import_module("seedbed.executor.engine")
DATA = DataSpec(name="digits", first=100)
PLAN = Plan(epochs=3, batch_size=32)


def entry(name: str, model: ModelSpec | None = None, seed: int = 0, group: str = "", **plan: Any) -> NamedRun:
    run = RunSpec(model=model or Dense(hidden=(5,)), plan=PLAN.changed(**plan), data=DATA, seed=seed)
    return NamedRun(name, group or name, run)


@pytest.fixture
def home(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine in this process."""
    jax = pytest.importorskip("jax")
    monkeypatch.setattr(ENGINE, "LocalExecutor", InProcess)
    with jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINE, "LocalExecutor", _Impossible)


class _Impossible:
    def __init__(self, kinds: Sequence[Any]) -> None:
        raise AssertionError("a worker was asked for")


def stored(home: RunStore, name: str) -> tuple[Any, ...]:
    """All that a run's folder holds, but for the seconds."""
    (found,) = home.find(name)
    columns = {key: column.tolist() for key, column in found.history.columns.items() if key != "seconds"}
    arrays = [home.weights(name, "best"), home.weights(name, "last"), home.predictions(name)]
    return str(columns), [{key: array.tobytes() for key, array in each.items()} for each in arrays], found.verdict


@pytest.mark.usefixtures("_here")
def test_results_come_in_the_order_of_the_entries_and_lie_in_the_home(home: RunStore) -> None:
    entries = [entry("c", seed=2), entry("a", Dense(hidden=(4, 3), activation="tanh")), entry("b", l2=0.1, epochs=2)]
    results = train_runs(entries, Execution(home))
    assert [result.name for result in results] == ["c", "a", "b"]
    assert [result.history.epochs for result in results] == [3, 3, 2]
    for result in results:
        (found,) = home.find(result.name)
        assert found.as_json() == result.as_json()
        assert home.status(result.name) == "finished"
        predictions = home.predictions(result.name)
        best, last = (
            (predictions[f"{which}validation_probabilities"].argmax(axis=1) == predictions["validation_labels"]).mean()
            for which in ("", "last_")
        )
        assert best == pytest.approx(result.history["validation_accuracy"].max(), abs=1e-6)
        assert last == pytest.approx(result.history["validation_accuracy"][-1], abs=1e-6)
    assert home.populations() == []


@pytest.mark.usefixtures("_here")
def test_a_second_call_trains_nothing(home: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry("a"), entry("b", l2=0.1)]
    first = train_runs(entries, Execution(home))
    monkeypatch.setattr(ENGINE, "LocalExecutor", _Impossible)
    assert [result.as_json() for result in train_runs(entries, Execution(home))] == [result.as_json() for result in first]
    assert [result.as_json() for result in train_runs(entries[::-1], Execution(RunStore(home.root), resume=True))] == [
        result.as_json() for result in first[::-1]
    ]


@pytest.mark.usefixtures("_here")
def test_a_run_that_is_finished_under_another_name_is_copied(home: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    train_runs([entry("a", seed=1)], Execution(home))
    monkeypatch.setattr(ENGINE, "LocalExecutor", _Impossible)
    heard: list[Any] = []
    (copy,) = train_runs([entry("twin", seed=1, group="g")], Execution(home, on_event=heard.append))
    assert (copy.name, copy.group, Path(copy.folder).name) == ("twin", "g", "twin")
    assert stored(home, "twin") == stored(home, "a")
    assert heard == [Done("twin"), Copied("twin", "a")]


@pytest.mark.usefixtures("_here")
def test_one_run_under_two_names_is_trained_once(home: RunStore) -> None:
    begun: list[Any] = []
    one, other = train_runs([entry("a"), entry("b")], Execution(home, on_event=begun.append))
    assert [event.names for event in begun if isinstance(event, Started)] in ([("a",)], [("b",)])
    assert (one.name, other.name) == ("a", "b")
    assert stored(home, "a") == stored(home, "b")


@pytest.mark.usefixtures("_here")
def test_whoever_watches_hears_of_the_start_of_every_epoch_and_of_the_end(home: RunStore) -> None:
    heard: list[Any] = []
    train_runs([entry("a"), entry("b", l2=0.1, epochs=1)], Execution(home, on_event=heard.append, workers=1))
    assert heard[0] == Started(names=heard[0].names, device="cpu", epochs=3, steps_per_epoch=4)
    rows = [event for event in heard if isinstance(event, Progress) and event.rows]
    assert [(event.epoch, sorted(event.rows)) for event in rows] == [(1, ["a", "b"]), (2, ["a"]), (3, ["a"])]
    assert [event.name for event in heard if isinstance(event, Done)] == ["b", "a"]


@pytest.mark.usefixtures("_here")
def test_it_stops_when_until_says_so_and_goes_on_where_it_was(home: RunStore, tmp_path: Path) -> None:
    entries = [entry("a", epochs=6), entry("b", epochs=6, seed=1)]
    asked = iter(range(100))
    with pytest.raises(Interrupted, match="--resume") as stopped:
        train_runs(entries, Execution(home), until=lambda: next(asked) == 3)
    assert stopped.value.signal == 0
    assert [home.status(name) for name in "ab"] == ["interrupted", "interrupted"]
    assert home.epochs("a") > 0
    resumed = train_runs(entries, Execution(home, resume=True), until=lambda: False)
    assert [result.history.epochs for result in resumed] == [6, 6]
    straight = RunStore(tmp_path / "straight")
    train_runs(entries, Execution(straight))
    assert [stored(home, name) for name in "ab"] == [stored(straight, name) for name in "ab"]


@pytest.mark.usefixtures("_here")
def test_a_signal_that_comes_as_the_last_run_is_stored_stops_the_caller_all_the_same(home: RunStore) -> None:
    def on_event(event: Any) -> None:
        if isinstance(event, Done):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match="all runs of this call are finished") as stopped:
        train_runs([entry("a")], Execution(home, on_event=on_event))
    assert stopped.value.signal == signal.SIGINT
    assert home.status("a") == "finished"


@pytest.mark.usefixtures("_no_workers")
def test_a_name_of_other_settings_is_an_error_that_shows_them(home: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with home.claim([NamedRun("a", "a", entry("a").run)]):
        pass
    with pytest.raises(RunExists, match=r"plan.l2: 0.0 there, 0.1 here"):
        train_runs([entry("a", l2=0.1)], Execution(home))


def test_a_half_done_run_says_how_to_go_on(home: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINE, "LocalExecutor", _Stops)
    with pytest.raises(RunHalfDone, match="--resume"):
        train_runs([entry("a")], Execution(home))
    assert home.status("a") == "interrupted"
    monkeypatch.setattr(ENGINE, "LocalExecutor", _Impossible)
    with pytest.raises(RunHalfDone, match="--resume"):
        train_runs([entry("a")], Execution(home))


class _Stops(InProcess):
    def run(self, tasks: Sequence[Any]) -> Iterator[Any]:
        return iter(())


@pytest.mark.usefixtures("_no_workers")
def test_a_missing_gpu_is_told_at_once_and_the_name_stays_free(home: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(DeviceError, match="--device cpu"):
        train_runs([entry("a")], Execution(home, device="gpu"))
    with pytest.raises(UnknownRun):
        home.status("a")


NETWORK = """
import keras
def build():
    return keras.Sequential([keras.Input({shape}), keras.layers.Flatten(), keras.layers.Dense({classes})])
"""

BROKEN = {
    "raises": ("def build():\n    raise ValueError('no\\nlayers')\n", "build() in {file} raised ValueError: no"),
    "returns nothing": ("def build():\n    pass\n", "build() in {file} must return a keras.Model, and returned NoneType."),
    "is missing": ("def other():\n    pass\n", "has no function named 'build'"),
    "is no Python": ("def build(:\n", "raised SyntaxError"),
    "sees other images": (
        NETWORK.format(shape=(9, 9, 1), classes=10),
        "it must take images of shape (8, 8, 1) and return one number for each of 10 classes",
    ),
    "has other classes": (
        NETWORK.format(shape=(8, 8, 1), classes=7),
        "returns (7,); it must take images of shape (8, 8, 1)",
    ),
}


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("fault", BROKEN)
def test_a_users_broken_network_is_one_line_whenever_it_is_tried(fault: str, home: RunStore, tmp_path: Path) -> None:
    text, message = BROKEN[fault]
    path = tmp_path / "net.py"
    path.write_text(text)
    with pytest.raises(ModelError) as raised:
        train_runs([entry("mine", Keras.of(f"{path}:build"))], Execution(home))
    assert message.format(file=path) in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert home.status("mine") == "failed"
    with pytest.raises(ModelError):
        train_runs([entry("mine", Keras.of(f"{path}:build"))], Execution(home))


@pytest.mark.usefixtures("_here")
def test_images_too_small_for_a_network_are_told_and_the_call_can_be_repeated(home: RunStore) -> None:
    small = Conv(filters=(2, 2), kernel=(5, 5), padding="valid")
    for _ in range(2):
        with pytest.raises(SpecError, match="too small"):
            train_runs([entry("a", small)], Execution(home))


@pytest.mark.slow
def test_the_results_do_not_depend_on_the_number_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(populations, "WORTH_SPLITTING", 0)  # else so little work stays in one population
    model = Dense(hidden=(4,), dropout=0.1)  # one shape: what is compiled is not the question here
    entries = [entry(f"a{n}", model, l2=n / 100) for n in range(4)]
    found: dict[int, list[Result]] = {}
    together: dict[int, list[int]] = {}
    for number in (1, 2):
        heard: list[Event] = []
        execution = Execution(RunStore(tmp_path / str(number)), device="cpu", workers=number, on_event=heard.append)
        found[number] = train_runs(entries, execution)
        together[number] = [len(event.names) for event in heard if isinstance(event, Started)]
    assert together == {1: [4], 2: [2, 2]}
    for one, other in zip(found[1], found[2], strict=True):
        _close(one, other)
        mine, theirs = (RunStore(Path(each.folder).parent).weights(each.name, "last") for each in (one, other))
        assert all(np.allclose(mine[name], theirs[name], atol=1e-5) for name in mine | theirs)


def _close(one: Result, other: Result) -> None:
    assert one.history.columns.keys() == other.history.columns.keys()
    for name, column in one.history.columns.items():
        if name != "seconds":
            np.testing.assert_allclose(column, other.history[name], rtol=1e-3, atol=1e-5, err_msg=name)


DRIVER = """
import json, sys
from seedbed.runs import NamedRun
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import DataSpec, Keras, Plan, RunSpec
model = Keras.of(sys.argv[1] + "/net.py:build")
run = RunSpec(model=model, plan=Plan(epochs=2, batch_size=32), data=DataSpec(name="digits", first=100))
(result,) = train_runs([NamedRun("a", "a", run)], Execution.of(home=sys.argv[1], device="cpu"))
print(json.dumps([result.history.epochs, sorted({"jax", "keras", "altair", "torch", "tensorflow"} & sys.modules.keys())]))
"""


OWN_NETWORK = """
import keras
def build():
    dense = keras.layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
"""


def test_the_driver_never_loads_what_the_workers_compute_with(tmp_path: Path) -> None:
    """Not even for a network of the user's own, which only its worker builds."""
    (tmp_path / "net.py").write_text(OWN_NETWORK)
    command = [sys.executable, "-W", "error", "-c", DRIVER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert json.loads(done.stdout) == [2, []]


def test_the_default_minibatch_is_all_images_where_there_are_fewer(tmp_path: Path) -> None:
    few = DataSpec(name="digits", first=40)
    plans = [Plan(epochs=2), Plan(epochs=2, batch_size=40)]
    runs = [NamedRun(f"r{n}", f"r{n}", RunSpec(model=Dense(hidden=(4,)), plan=plan, data=few)) for n, plan in enumerate(plans)]
    default, all_of_them = train_runs(runs, Execution.of(home=tmp_path, workers=1))
    np.testing.assert_allclose(default.history["train_loss"], all_of_them.history["train_loss"], rtol=1e-5)
    with pytest.raises(SpecError, match="batch_size = 129: it must be at most 40"):
        train_runs([NamedRun("r", "r", runs[0].run.changed(plan=Plan(batch_size=129)))], Execution.of(home=tmp_path))
