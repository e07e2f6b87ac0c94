"""Small results, made up: this room stores what others train."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from faults import Scenario
from seedbed import storage
from seedbed.records import DataFacts, History, ModelFacts, Result, Seconds, Verdict
from seedbed.runs import FinishedRun, NamedRun, RunStore
from seedbed.specs import DataSpec, Dense, Plan, RunSpec

WEIGHTS = {"dense_0/kernel": np.arange(12, dtype=np.float32).reshape(4, 3), "dense_0/bias": np.ones(3, np.float32)}
PREDICTIONS = {"probabilities": np.full((5, 3), 1 / 3, np.float32), "labels": np.arange(5)}


def entry(name: str = "a", *, group: str = "", seed: int = 0, l2: float = 0.0) -> NamedRun:
    run = RunSpec(model=Dense(hidden=(3,)), plan=Plan(l2=l2), data=DataSpec(name="digits"), seed=seed)
    return NamedRun(name, group or name, run)


def rows(epochs: int) -> list[dict[str, float]]:
    """So many epochs; a probe is NaN in the first."""
    return [
        {
            "train_loss": 1 / epoch,
            "train_penalty": 0.0,
            "train_accuracy": 1 - 0.5 / epoch,
            "validation_loss": 1.5 / epoch,
            "validation_accuracy": 1 - 0.6 / epoch,
            "learning_rate": 1e-3,
            "saturation/dense_0": math.nan if epoch == 1 else 0.1,
        }
        for epoch in range(1, epochs + 1)
    ]


def result(of: NamedRun, epochs: int = 3) -> Result:
    return Result(
        name=of.name,
        group=of.group,
        run=of.run,
        model=ModelFacts(parameters=15, operations=24, units=3),
        data=DataFacts(train=8, validation=5, test=4, classes=("0", "1", "<b>2"), image_shape=(2, 2, 1)),
        history=History.from_rows(rows(epochs)),
        verdict=Verdict("good_fit", "It learned.", "Try."),
        seconds=Seconds(0.5, 1.5, 2.0),
        device="cpu",
        versions={"seedbed": "0.1.0"},
    )


def finish(home: RunStore, of: NamedRun, epochs: int = 3) -> Result:
    last = {name: array + 1 for name, array in WEIGHTS.items()}
    return home.finish(FinishedRun(of, result(of, epochs), 16.0, WEIGHTS, last, PREDICTIONS))[0]


def grown(root: Path, *entries: NamedRun) -> RunStore:
    """A home with these runs, finished."""
    home = RunStore(root)
    with home.claim(entries) as claim:
        for each in claim.todo:
            finish(home, each)
    return home


# What `faults.sweep` puts to the test


def _state(root: Path, name: str = "a") -> object:
    """All that a reader can learn of a run."""
    home = RunStore(root)
    found = [(each.name, each.status, each.record and each.record.run.identity) for each in home.listing()]
    if (name, "finished") not in [each[:2] for each in found]:
        return found
    arrays = [home.weights(name, "best"), home.weights(name, "last"), home.predictions(name)]
    plain = [{key: array.tolist() for key, array in each.items()} for each in arrays]
    facts = home.find(name)[0].as_json()
    del facts["folder"]
    return found, facts, plain


def _claim(root: Path) -> None:
    RunStore(root).claim([entry()], resume=True).close()


def _train(root: Path) -> None:
    home = RunStore(root)
    with home.claim([entry()], resume=True):
        home.cut("a", 0)
        home.append("a", rows(2))
        finish(home, entry())


def _finish(root: Path) -> None:
    finish(RunStore(root), entry())


def _half_done(root: Path) -> None:
    home = RunStore(root)
    with home.claim([entry()]):
        home.append("a", rows(2))


def _replace(root: Path) -> None:
    home = RunStore(root)
    with home.claim([entry(l2=0.5)], replace=True):
        finish(home, entry(l2=0.5))


def _save(root: Path, number: int) -> None:
    home = RunStore(root)
    arrays = {name: array + number for name, array in WEIGHTS.items()}
    home.save_population("p", arrays, {"number": number})


def _saved(root: Path) -> object:
    found = RunStore(root).load_population("p")
    return found and (found[1], {name: array.tolist() for name, array in found[0].items()})


def _saved_twice(root: Path) -> None:
    _save(root, 1)
    _save(root, 2)


def _save_again(root: Path) -> None:
    _save(root, 3)


def _remove(root: Path) -> None:
    RunStore(root).remove("a")


def _looks(root: Path) -> object:
    return [row["figures"] for row in RunStore(root).looks()]


def _look(root: Path) -> None:
    RunStore(root).look("a", {"accuracy": 0.5})


def _looked(root: Path) -> None:
    _train(root)
    _look(root)


_BEGUN_ANEW = [("a", "interrupted", entry(l2=0.5).run.identity)]

CLAIM = Scenario(storage.make_folder, _claim, _state, _claim)
FINISH = Scenario(_half_done, _finish, _state, _train)
REPLACE = Scenario(_train, _replace, _state, _replace, between=([], _BEGUN_ANEW))
REMOVE = Scenario(_half_done, _remove, _state, _remove)
SAVE = Scenario(_saved_twice, _save_again, _saved, _save_again)
LOOK = Scenario(_looked, _look, _looks, _look)
