"""The cost of large networks, and a learning rate that is too high for their inputs, are said before training."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import seedbed as sb
from hostile.engine import here
from seedbed import data
from seedbed.groups.seeds import entries
from seedbed.runs import RunStore
from seedbed.scheduler import Execution
from seedbed.scheduler.costs import notes_before, suggested_rate
from seedbed.specs import Plan, RunSpec

SIDE = 96


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colour pictures of 96 x 96 pixels of three classes, mostly bright."""
    path = tmp_path_factory.mktemp("large") / "large.npz"
    labels = np.arange(60) % 3
    images = np.random.default_rng(0).integers(90, 160, (60, SIDE, SIDE, 3)).astype(np.uint8)
    images[np.arange(60), :, :, labels] += 60
    np.savez(path, X=images, y=labels)
    return path


def notes(name: str, home: Path, normalize: str = "unit", **settings: float) -> str:
    """What is said before a network with these settings is trained."""
    spec = data.resolve(data.spec_of(name)).changed(normalize=normalize)
    run = RunSpec(model=sb.Dense(hidden=(200, 100)), plan=Plan(**settings), data=spec)  # type: ignore[arg-type]
    execution = Execution(RunStore(home), device="cpu", workers=1)
    return " ".join(notes_before(entries("n", run, (0,), 1), data.load(spec).facts(), execution))


def test_a_large_network_says_time_memory_and_a_better_rate(large: Path, tmp_path: Path) -> None:
    said = notes(str(large), tmp_path)
    assert "s of training and 0.1 GiB of memory" in said
    assert "27,648 inputs that are all positive: with a learning rate of 0.001 the loss begins far above that" in said
    assert "guessing, 1.10. --lr 1e-4 starts well, and better still with --normalize standard." in said
    assert "all positive" not in notes(str(large), tmp_path, learning_rate=1e-4)
    assert "the loss jumps far above that of guessing, 1.10" in notes(str(large), tmp_path, "standard")
    assert notes("digits", tmp_path) == ""


def test_the_suggested_rate_starts_near_guessing_and_the_usual_one_does_not(large: Path, tmp_path: Path) -> None:
    losses = {}
    for rate in (1e-3, suggested_rate(SIDE * SIDE * 3)):
        model = sb.Dense(hidden=(200, 100))
        with here():
            [run] = sb.train(model, str(large), learning_rate=rate, epochs=1, home=tmp_path / f"{rate}", workers=1)
        losses[rate] = float(run.history["train_loss"][0])
    usual, suggested = losses.values()
    assert usual > 2 * math.log(3)
    assert suggested < 1.3 * math.log(3)


@pytest.mark.parametrize(("inputs", "rate"), [(784, 1e-3), (3072, 1e-3), (49_152, 6e-5), (150_528, 2e-5)])
def test_a_rate_is_suggested_with_one_digit(inputs: int, rate: float) -> None:
    assert suggested_rate(inputs) == rate
