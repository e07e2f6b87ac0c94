"""A whole `train_runs`, its disk failing or its process dying at every single change that it makes on the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults import WITHOUT_WAITING, Died, Kind, faulty
from hostile.engine import check_sound, entries, install, leftovers, outcome
from seedbed.errors import StorageError
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import Dense

ENTRIES = entries(Dense(hidden=(3,)), Dense(hidden=(2, 2)), epochs=2)
NAMES = [entry.name for entry in ENTRIES]


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(monkeypatch)
    with WITHOUT_WAITING:
        yield


def _grow(root: Path, *, resume: bool = True) -> None:
    train_runs(ENTRIES, Execution.of(home=root, device="cpu", workers=1, resume=resume), save_every=0.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, list[str]]:
    """What an uninterrupted `train_runs` gives, and how it changes the disk."""
    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        with faulty(10**9, "fails") as struck:
            root = tmp_path_factory.mktemp("whole")
            _grow(root)
    assert leftovers(root) == []
    return outcome(root, NAMES), struck.changes


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fails", "full", "dies"])
def test_a_fault_at_any_change_of_the_disk_costs_no_bit(
    tmp_path: Path, whole: tuple[dict, list[str]], kind: Kind, step_of: Callable[[int], int]
) -> None:
    expected, changes = whole
    assert len(changes) > 200
    for number in _hit(changes, kind, step_of):
        root = tmp_path / str(number)
        with faulty(number, kind) as struck, contextlib.suppress(Died if kind == "dies" else StorageError):
            _grow(root)
        assert len(struck.changes) >= number or kind == "full"
        check_sound(root)
        _grow(root)
        assert outcome(root, NAMES) == expected, f"change {number}: {struck.changes[-3:]}"
        assert leftovers(root) == [], f"change {number}: {struck.changes[-3:]}"


def _hit(changes: list[str], kind: Kind, step_of: Callable[[int], int]) -> list[int]:
    """Of a death every fifth change, but of the many pieces of a file every seventeenth; of the other faults every eleventh."""
    if kind == "dies":
        steps = {"put": step_of(17)}
        return [number for number, name in enumerate(changes, start=1) if number % steps.get(name, step_of(5)) == 0]
    return list(range(min(1 if kind == "fails" else 3, step_of(11)), len(changes) + 1, step_of(11)))
