"""The command and the call that the page offers train exactly the run that it shows."""

from __future__ import annotations

import shlex
from typing import Any

import click
import pytest
from click.testing import CliRunner

import seedbed as sb
from seedbed.api.arguments import data_spec
from seedbed.cli.settings import Choice, chosen, flags
from seedbed.playground import command, python
from seedbed.specs import Conv, DataSpec, Dense, Plan, RunSpec

RUNS = {
    "defaults": RunSpec(),
    "dense": RunSpec(
        model=Dense(hidden=(30, 10), activation="leaky_relu", dropout=0.25),
        plan=Plan(
            epochs=7, learning_rate=3e-4, l2=1e-5, batch_size=64, optimizer="adamw", weight_decay=0.01, keep_epochs=(1, 5)
        ),
        data=DataSpec(name="digits", first=500, label_noise=0.1, protocol="honest"),
    ),
    "no hidden layer": RunSpec(model=Dense(hidden=()), plan=Plan(epochs="auto"), data=DataSpec(name="digits")),
    "conv": RunSpec(
        model=Conv(filters=(8, 4), kernel=(3,), stride=(1, 2), pool=(1,), padding="valid", separable=True, head="average"),
        plan=Plan(schedule="cosine", augment="shift", patience=3, select="loss"),
        data=DataSpec(name="digits", inner=True),
    ),
}


def parsed(line: str) -> tuple[str, Choice]:
    """What `seedbed train` understands by a command."""
    found: list[tuple[str, Choice]] = []

    @click.command()
    @click.option("-m", "--name")
    @click.option("--seed", type=int)
    @click.option("--seeds", type=int)
    @flags
    def train(name: str, seed: int | None, seeds: int | None, **values: Any) -> None:
        found.append((name, chosen(values, seed=seed, seeds=seeds, config=None)))

    outcome = CliRunner().invoke(train, shlex.split(line)[2:], standalone_mode=False)
    if outcome.exception:
        raise outcome.exception
    return found[0]


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("seeds", [[0], [3], [2, 3, 4]])
def test_the_command_means_the_same_run(name: str, seeds: list[int]) -> None:
    line = command("play-1", RUNS[name], seeds)
    assert line.startswith("seedbed train -m play-1")
    assert parsed(line) == ("play-1", Choice(RUNS[name].changed(seed=seeds[0]), tuple(seeds)))


@pytest.mark.parametrize("name", RUNS)
def test_the_call_means_the_same_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(sb, "train", lambda model, data, **given: asked.append((model, data, given)))
    exec(python("play-1", RUNS[name], [3]), {})
    [(model, data, given)] = asked
    assert (given.pop("name"), given.pop("seeds")) == ("play-1", [3])
    assert RunSpec(model=model, data=data_spec(data), plan=Plan(**given)) == RUNS[name]


def test_a_home_is_named_where_it_is_not_the_usual_one() -> None:
    assert shlex.split(command("a", RunSpec(), [0], home="/tmp/my runs"))[-2:] == ["--home", "/tmp/my runs"]
