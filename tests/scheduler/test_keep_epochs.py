"""Weights of epochs that a plan asks to keep, and snapshots for those who look on."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hostile.engine import InProcess
from seedbed.errors import CorruptFile, Interrupted, RunError, RunExists, SpecError
from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import DataSpec, Dense, Plan, RunSpec
from seedbed.training.events import Progress, Snapshot

ENGINE = import_module("seedbed.executor.engine")
DATA = DataSpec(name="digits", first=100)


def entry(name: str, epochs: int, keep: tuple[int, ...] = (), seed: int = 0, hidden: int = 5) -> NamedRun:
    plan = Plan(epochs=epochs, batch_size=32, keep_epochs=keep)
    return NamedRun(name, name, RunSpec(model=Dense(hidden=(hidden,)), plan=plan, data=DATA, seed=seed))


@pytest.fixture(scope="module", autouse=True)
def _here() -> Iterator[None]:
    """The engine in this process."""
    import jax

    with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion("strict"):
        patch.setattr(ENGINE, "LocalExecutor", InProcess)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """Two runs of four epochs, of which one keeps the first and the third, and one that ends with the third."""
    home = RunStore(tmp_path_factory.mktemp("kept"))
    for each in (entry("kept", 4, (3, 1)), entry("bare", 4), entry("third", 3)):
        train_runs([each], Execution(home))
    return home


def bits(arrays: dict[str, Any]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays.items()}


def test_a_kept_epochs_weights_are_those_of_a_run_that_ends_with_it(home: RunStore) -> None:
    assert home.kept_epochs("kept") == [1, 3]
    assert bits(home.weights("kept", 3)) == bits(home.weights("third", "last"))
    assert bits(home.weights("kept", 1)) != bits(home.weights("kept", 3))
    assert bits(home.weights("kept", "last")) == bits(home.weights("bare", "last"))


def test_what_was_not_kept_is_an_error_and_what_was_is_checked(home: RunStore) -> None:
    assert home.kept_epochs("bare") == []
    with pytest.raises(RunError, match="kept no weights/epoch-00002"):
        home.weights("kept", 2)
    file = home.folder("kept") / "weights" / "epoch-00001.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"!")
    with pytest.raises(CorruptFile, match="SHA-256"):
        home.weights("kept", 1)
    file.write_bytes(content)


def test_a_copy_under_another_name_has_the_kept_epochs_too(home: RunStore) -> None:
    train_runs([entry("twin", 4, (1, 3))], Execution(home))
    assert home.kept_epochs("twin") == [1, 3]
    assert bits(home.weights("twin", 3)) == bits(home.weights("kept", 3))


def test_a_run_that_kept_no_epochs_is_another_one_and_old_identities_stay(home: RunStore) -> None:
    assert entry("a", 4).run.identity == entry("b", 4, ()).run.identity != entry("c", 4, (1,)).run.identity
    with pytest.raises(RunExists, match="keep_epochs"):
        train_runs([entry("bare", 4, (1,))], Execution(home))


def test_a_plan_keeps_epochs_that_it_has() -> None:
    assert Plan(epochs=9, keep_epochs=(5, 1, 5)).keep_epochs == (1, 5)
    with pytest.raises(SpecError, match=r"keep_epochs = \(1, 11\): the plan has 10 epochs"):
        Plan(keep_epochs=(1, 11))


def test_a_stopped_run_goes_on_and_keeps_what_it_was_asked_for(home: RunStore) -> None:
    epochs: list[int] = []

    def hear(event: Any) -> None:
        if isinstance(event, Progress) and event.rows:
            epochs.append(event.epoch)

    stopped = entry("stopped", 4, (1, 3), seed=5)
    with pytest.raises(Interrupted):
        train_runs([stopped], Execution(home, on_event=hear), until=lambda: len(epochs) == 2)
    assert (home.folder("stopped") / "weights" / "epoch-00001.safetensors").is_file()
    train_runs([stopped], Execution(home, resume=True))
    train_runs([entry("straight", 3, seed=5)], Execution(home))
    assert home.kept_epochs("stopped") == [1, 3]
    assert bits(home.weights("stopped", 3)) == bits(home.weights("straight", "last"))


def test_snapshots_show_each_runs_weights_while_it_trains_and_store_nothing(home: RunStore) -> None:
    seen: list[Snapshot] = []

    def look(event: Any) -> None:
        if isinstance(event, Snapshot):
            seen.append(event)

    train_runs([entry("seen", 3, seed=1), entry("wide", 3, hidden=7)], Execution(home, on_event=look, snapshots=0.0))
    assert [(shot.name, shot.epoch) for shot in seen if shot.name == "seen"] == [("seen", 1), ("seen", 2), ("seen", 3)]
    last = [shot for shot in seen if shot.name == "wide"][-1]
    np.testing.assert_array_equal(last.weights["dense_0/kernel"], home.weights("wide", "last")["dense_0/kernel"])
    assert home.kept_epochs("seen") == []
    assert not list(Path(home.folder("seen")).rglob("epoch-*"))


def test_a_rare_look_shows_the_first_epoch_and_the_last(home: RunStore) -> None:
    epochs: list[int] = []

    def look(event: Any) -> None:
        if isinstance(event, Snapshot):
            epochs.append(event.epoch)

    train_runs([entry("rare", 3, seed=2)], Execution(home, on_event=look, snapshots=1000.0))
    assert epochs == [1, 3]
