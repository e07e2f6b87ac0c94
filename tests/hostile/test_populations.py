"""What befalls a whole population: a member diverges, memory runs out, a worker dies, a save rots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from faults import Died
from hostile.engine import InProcess, check_sound, entries, install, leftovers, outcome
from seedbed import data, devices, storage
from seedbed.errors import CorruptFile, DeviceError, RunHalfDone, WorkerError
from seedbed.executor.local import LocalExecutor
from seedbed.executor.serving import Server
from seedbed.runs import RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import DataSpec, Dense
from seedbed.training.events import Note
from seedbed.training.footprint import footprint
from seedbed.training.reports import Checkpoint, Failed, Segment, Task

FOUR = entries(*(Dense(hidden=(3,), dropout=share) for share in (0.1, 0.2, 0.3, 0.4)), epochs=6)
"""Of one shape, so that halves share their programs."""
NAMES = [entry.name for entry in FOUR]


def _grow(root: Path, wanted: Sequence[Any] = FOUR, **how: Any) -> list[str]:
    notes: list[str] = []
    on_event = lambda event: notes.append(event.text) if isinstance(event, Note) else None  # noqa: E731
    execution = Execution(RunStore(root), device="cpu", on_event=on_event, **{"workers": 1, **how})
    train_runs(wanted, execution, save_every=0.0)
    return notes


class Small(InProcess):
    """A device that has room for so many runs, and finds out after so many epochs."""

    room: ClassVar[int] = 1
    after: ClassVar[int] = 2
    begun: ClassVar[list[tuple[int, int]]] = []

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        for task in tasks:
            runs = sum(len(block) for block in task.blocks)
            self.begun.append((runs, task.resume.state.epoch if task.resume else 0))
            for current, report in self._reports(task):
                if runs > self.room and self.after == 0:
                    yield current, Failed(DeviceError("Out of memory."))
                    break
                yield current, report
                if isinstance(report, Checkpoint) and runs > self.room and report.state.epoch >= self.after:
                    yield replace(task, resume=report), Failed(DeviceError("Out of memory."))
                    break

    def _reports(self, task: Task) -> Iterator[tuple[Task, Any]]:
        yield from super().run([task])


class Forgetful(InProcess):
    """Dies in the fourth epoch, and only its first save arrived."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        saves = 0
        for task, report in super().run(tasks):
            if isinstance(report, Segment) and report.epoch == 4:
                raise Died
            saves += isinstance(report, Checkpoint)
            if not (isinstance(report, Checkpoint) and saves > 1):
                yield task, report


def test_what_was_measured_after_the_last_save_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    _grow(tmp_path / "whole")
    install(monkeypatch, Forgetful)
    with pytest.raises(Died):
        _grow(tmp_path / "died")
    for name in NAMES:  # as if it had been measured in another company, with other last bits
        metrics = tmp_path / "died" / name / "metrics.jsonl"
        rows = storage.read_lines(metrics)
        assert len(rows) == 3
        storage.write_lines(metrics, [*rows[:-1], {**rows[-1], "train_loss": 9.0}])
    install(monkeypatch)
    _grow(tmp_path / "died", resume=True)
    assert outcome(tmp_path / "died", NAMES) == outcome(tmp_path / "whole", NAMES)


@pytest.mark.parametrize(
    ("after", "begun"), [(2, [(4, 0), (2, 2), (1, 3), (1, 3), (2, 2), (1, 3), (1, 3)]), (0, [(4, 0), (2, 0)])]
)
def test_out_of_memory_goes_on_in_halves_from_the_last_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, begun: list[tuple[int, int]]
) -> None:
    install(monkeypatch)
    _grow(tmp_path / "whole")
    install(monkeypatch, Small)
    Small.after, Small.begun = after, []
    notes = _grow(tmp_path / "halved")
    assert sorted(Small.begun[: len(begun)]) == sorted(begun)
    assert all("trained in halves" in note for note in notes)
    check_sound(tmp_path / "halved")
    assert leftovers(tmp_path / "halved") == []
    for name in NAMES:
        one, other = (RunStore(tmp_path / home).find(name)[0].history for home in ("halved", "whole"))
        assert one.epochs == other.epochs == 6
        same = slice(0, after)
        assert (one["train_loss"][same] == other["train_loss"][same]).all()
        np.testing.assert_allclose(one["train_loss"], other["train_loss"], rtol=1e-4)


def test_a_run_that_has_no_room_alone_fails_and_the_others_are_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Small)
    Small.after, Small.begun = 0, []
    monkeypatch.setattr(Small, "room", 0)
    with pytest.raises(DeviceError, match="Out of memory"):
        _grow(tmp_path)
    assert {(each.status, each.reason) for each in RunStore(tmp_path).listing()} == {("failed", "Out of memory.")}


def test_a_network_that_cannot_fit_fails_before_it_is_tried_and_the_others_are_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Small)
    monkeypatch.setattr(Small, "room", 9)
    monkeypatch.setattr(devices, "free_memory", lambda: 10 * 2**20)
    Small.begun = []
    wanted = entries(Dense(hidden=(3,)), Dense(hidden=(1000, 1000)), Dense(hidden=(4,)), epochs=2)
    with pytest.raises(DeviceError, match=r"Out of memory: a network of 1,076,010 parameters .* Use a smaller network"):
        _grow(tmp_path, wanted)
    assert [runs for runs, _ in Small.begun] == [2]
    assert {each.name: each.status for each in RunStore(tmp_path).listing()} == {
        "r-0": "finished",
        "r-1": "failed",
        "r-2": "finished",
    }


def test_where_memory_is_short_fewer_workers_train_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    monkeypatch.setattr(devices, "cores", lambda: 4)
    facts = data.load(data.resolve(FOUR[0].run.data)).facts()
    each = max(footprint([entry.run], facts).total for entry in FOUR)
    kinds: list[int] = []

    class Counting(InProcess):
        def __init__(self, given: Sequence[Any]) -> None:
            kinds.append(len(given))
            super().__init__(given)

    install(monkeypatch, Counting)
    for free, room in ((10 * each, 4), (2 * each, 2), (0, 1)):
        monkeypatch.setattr(devices, "free_memory", lambda free=free: free)
        notes = [note for note in _grow(tmp_path / str(room), workers=None) if "memory" in note]
        told = f"{free / 2**30:.1f} GiB of memory are free, which is enough for {room} of 4 workers at a time."
        assert notes == ([] if room == 4 else [told])
    assert kinds == [4, 2, 1]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.")])
def test_a_worker_calls_want_of_memory_by_its_name(error: Exception) -> None:
    def load(spec: DataSpec) -> Any:
        raise error

    sent = list(Server(load, bool).reports(Task("k", ((FOUR[0].run, FOUR[1].run),))))
    assert [type(report.error) for report in sent] == [DeviceError]
    assert "Out of memory" in str(sent[0].error)


def test_a_member_that_diverges_leaves_the_others_untouched_and_can_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch)
    sound = entries(Dense(hidden=(3,)), Dense(hidden=(4,)), Dense(hidden=(5,)), epochs=4)
    mad = [replace(each, run=each.run.changed(plan=each.run.plan.changed(learning_rate=1e20))) for each in sound]
    _grow(tmp_path / "sound", sound)
    _grow(tmp_path / "mixed", [sound[0], mad[1], sound[2]])
    calm = ["r-0", "r-2"]
    assert outcome(tmp_path / "mixed", calm) == outcome(tmp_path / "sound", calm)
    [diverged] = RunStore(tmp_path / "mixed").find("r-1")
    assert (diverged.verdict.kind, diverged.history.epochs) == ("diverged", 1)
    for path in (tmp_path / "mixed").rglob("*.json*"):
        assert "NaN" not in path.read_text()
        assert "Infinity" not in path.read_text()


# Saves that rot


class Stopping(InProcess):
    """Dies at the end of an epoch, as the driver would."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        for task, report in super().run(tasks):
            yield task, report
            if isinstance(report, Segment) and report.epoch == 4:
                raise KeyboardInterrupt


def _interrupted(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(monkeypatch, Stopping)
    with pytest.raises(KeyboardInterrupt):
        _grow(root)
    install(monkeypatch)
    [population] = (root / ".populations").iterdir()
    return population


@pytest.mark.parametrize("damage", ["newest", "all"])
def test_bit_rot_in_a_save_falls_back_and_says_so_and_never_begins_afresh_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    install(monkeypatch)
    _grow(tmp_path / "whole")
    saves = sorted(_interrupted(tmp_path / "rotten", monkeypatch).glob("*.safetensors"))
    assert len(saves) == 2
    for path in saves[-1:] if damage == "newest" else saves:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(RunHalfDone, match="--resume"):
        _grow(tmp_path / "rotten")
    if damage == "all":
        with pytest.raises(CorruptFile, match=r"no checkpoint of this population is sound\. Start again with --replace"):
            _grow(tmp_path / "rotten", resume=True)
        _grow(tmp_path / "rotten", replace=True)
    else:
        notes = _grow(tmp_path / "rotten", resume=True)
        assert ["Continuing from the checkpoint before it" in note for note in notes] == [True]
    assert outcome(tmp_path / "rotten", NAMES) == outcome(tmp_path / "whole", NAMES)


def test_a_save_that_a_stranger_wrote_is_one_line_of_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    population = _interrupted(tmp_path, monkeypatch)
    for path in population.glob("*.json"):
        [row] = storage.read_lines(path)
        first = row["manifest"]["identities"][0][0]
        row["manifest"]["specs"][first]["seed"] = 7
        storage.write_lines(path, [row])
    with pytest.raises(CorruptFile, match=r"not one that seedbed wrote \(a run does not match its identity\)"):
        _grow(tmp_path, resume=True)


def test_a_driver_that_dies_over_halving_goes_on_with_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    _grow(tmp_path / "whole")
    install(monkeypatch, Small)
    Small.after, Small.begun = 2, []
    monkeypatch.setattr(RunStore, "drop_population", _dies)
    with pytest.raises(KeyboardInterrupt):
        _grow(tmp_path / "halved")
    monkeypatch.undo()
    assert len(RunStore(tmp_path / "halved").populations()) == 3
    install(monkeypatch, Small)
    monkeypatch.setattr(Small, "room", 4)
    Small.begun = []
    _grow(tmp_path / "halved", resume=True)
    assert Small.begun == [(4, 2)]
    assert outcome(tmp_path / "halved", NAMES) == outcome(tmp_path / "whole", NAMES)


def _dies(home: RunStore, key: str) -> None:
    raise KeyboardInterrupt


# Workers that die


class Mortal(LocalExecutor):
    """Its workers are programs that end at once."""

    def _start_worker(self, kind: Any, number: int, post: Any) -> Any:
        import sys

        executable, sys.executable = sys.executable, "false"
        try:
            return super()._start_worker(kind, number, post)
        finally:
            sys.executable = executable


def test_workers_that_die_at_once_are_given_up_and_the_runs_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Mortal)  # type: ignore[arg-type]
    with pytest.raises(WorkerError, match=r"A worker died 3 times over the same population \(last exit code 1\)"):
        _grow(tmp_path)
    assert {each.status for each in RunStore(tmp_path).listing()} == {"failed"}
