"""Training, as it is watched."""

from __future__ import annotations

from seedbed.progress import Watcher
from seedbed.training.events import Done, Note, Progress, Started


class Kept:
    """Keeps what would be shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shares: list[float] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def state(self, done: float, text: str) -> None:
        self.shares.append(done)


ROW = {"train_loss": 0.5, "train_accuracy": 0.75, "validation_loss": 0.25, "validation_accuracy": 0.5}


def ended(epoch: int, epochs: int, *names: str, left: float | None = None) -> Progress:
    return Progress(names, epoch, epochs, 10, 10, dict.fromkeys(names, ROW), left)


def test_each_of_a_few_epochs_of_one_run_has_its_line():
    out = Kept()
    watcher = Watcher(1, out.line, out.state)
    watcher(Started(("a",), "cpu", 3, 10))
    for epoch in (1, 2, 3):
        watcher(ended(epoch, 3, "a"))
    assert out.lines[0] == "Training a on cpu: 10 steps per epoch."
    assert [line[:9] for line in out.lines[1:]] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert out.shares[-1] == 1.0
    assert watcher.trained


def test_of_many_epochs_about_twenty_have_a_line_and_the_last_is_one():
    out = Kept()
    watcher = Watcher(1, out.line, out.state)
    for epoch in range(1, 1002):
        watcher(ended(epoch, 1001, "a"))
    assert 18 <= len(out.lines) <= 22
    assert out.lines[0].startswith("epoch    1/1001")
    assert out.lines[-1].startswith("epoch 1001/1001")


def test_a_segment_inside_an_epoch_moves_the_bar_and_writes_nothing():
    out = Kept()
    watcher = Watcher(1, out.line, out.state)
    watcher(Progress(("a",), 1, 2, 5, 10, {}, None))
    assert out.lines == []
    assert out.shares == [0.25]


def test_several_runs_share_lines_at_every_twentieth_of_the_work():
    out = Kept()
    watcher = Watcher(100, out.line, out.state)
    for number in range(100):
        watcher(ended(1, 1, f"a.{number}", left=3.0))
        watcher(Done(f"a.{number}"))
    assert len(out.lines) == 20
    assert out.lines[0].startswith("  5 % done   3 s left   a.4: epoch 1/1")
    assert out.lines[-1].startswith("100 % done")


def test_a_run_that_stopped_early_counts_as_done():
    out = Kept()
    watcher = Watcher(2, out.line, out.state)
    watcher(ended(3, 10, "a", "b"))
    watcher(Done("a"))
    watcher(ended(5, 10, "a", "b"))
    assert out.shares[-1] == (1.0 + 0.5) / 2


def test_notes_are_shown_and_a_finished_group_says_that_nothing_was_done():
    out = Kept()
    watcher = Watcher(1, out.line, out.state)
    watcher(Note("a worker died"))
    assert out.lines == ["note: a worker died"]
    assert not watcher.trained
