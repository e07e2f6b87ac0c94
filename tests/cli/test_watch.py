"""Training, as it is watched."""

from __future__ import annotations

import pytest

from seedbed import progress
from seedbed.progress import NAME_SHOWN, Ahead, Watcher, copies_sentence
from seedbed.runs import NamedRun
from seedbed.specs import RunSpec
from seedbed.training.events import Copied, Done, FigureDrawn, Note, Progress, StageStarted, Started


class Kept:
    """Keeps what would be shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shares: list[float] = []
        self.texts: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def state(self, done: float, text: str) -> None:
        self.shares.append(done)
        self.texts.append(text)


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


def test_many_runs_share_lines_at_every_twentieth_of_the_work():
    out = Kept()
    watcher = Watcher(100, out.line, out.state)
    for number in range(100):
        watcher(ended(1, 1, f"a.{number}", left=3.0))
        watcher(Done(f"a.{number}"))
    assert len(out.lines) == 20
    assert out.lines[0] == "  5 % done   3 s left   a.4: epoch 1/1, validation 50.0 %"
    assert out.lines[-1].startswith("100 % done")


def test_a_line_over_different_networks_counts_them_and_gives_no_mean():
    out = Kept()
    watcher = Watcher(4, out.line, out.state)
    watcher(ended(5, 10, "a.0", "b.0", left=60.0))
    assert out.lines == [" 25 % done   1 min left   0 of 4 runs finished"]


@pytest.fixture
def sweep() -> list[NamedRun]:
    """Two settings with two seeds each."""
    return [NamedRun(f"s-l2_{l2}.{seed}", f"s-l2_{l2}", RunSpec(seed=seed)) for l2 in (0, 1) for seed in (0, 1)]


def test_each_setting_of_a_sweep_has_one_line_when_its_last_run_is_done(sweep):
    out = Kept()
    watcher = Watcher(sweep, out.line, out.state)
    names = [entry.name for entry in sweep]
    watcher(Started(tuple(names[:2]), "cpu", 4, 10))
    watcher(Started(tuple(names[2:]), "cpu", 4, 10))
    for epoch in (1, 2, 3, 4):
        watcher(ended(epoch, 4, *names))
    assert out.lines == ["Training 4 runs on cpu."]
    for name in (names[0], names[2], names[1]):
        watcher(Done(name))
    assert out.lines[1:] == ["s-l2_0: validation 50.0 % (50.0 to 50.0), loss 0.2500; 2 runs, epoch 4"]
    watcher(Done(names[3]))
    assert len(out.lines) == 3


def test_long_names_lose_their_middle_so_that_lines_stay_short(sweep):
    out = Kept()
    watcher = Watcher(3, out.line, out.state)
    watcher(ended(3, 3, f"{'long' * 24}.7", left=3000.0))
    assert len(out.lines[0]) < 110
    assert " .. " in out.lines[0]
    assert len(out.lines[0].split("   ")[-1].partition(":")[0]) == NAME_SHOWN


def test_within_a_long_epoch_the_bar_says_how_well_the_run_does(sweep):
    out = Kept()
    watcher = Watcher(sweep[:1], out.line, out.state)
    glance = {"train_loss": 0.41239, "validation_accuracy": 0.875}
    watcher(Progress(("a",), 1, 3, 4, 10, {}, None, glance))
    assert out.texts == ["epoch 1, step 4/10   loss 0.4124, validation about 87.5 %"]


def test_the_bar_says_what_goes_on(sweep):
    out = Kept()
    watcher = Watcher(sweep[:1], out.line, out.state)
    watcher(Started(("a",), "cpu", 3, 10))
    watcher(Progress(("a",), 1, 3, 4, 10, {}, None))
    watcher(ended(1, 3, "a", left=9.0))
    watcher(Progress(("a",), 2, 3, 4, 10, {}, 8.0))
    watcher(StageStarted("drawing"))
    assert out.texts == [
        "compiling",
        "epoch 1, step 4/10",
        "9 s left   validation 50.0 %",
        "8 s left   epoch 2, step 4/10   validation 50.0 %",
        "drawing",
    ]


def test_in_a_search_the_time_left_is_that_of_rounds_to_come_too(monkeypatch):
    clock = iter([100.0, 130.0, 160.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    out = Kept()
    watcher = Watcher(4, out.line, out.state, rounds=True)
    watcher(ended(4, 4, "a", left=1.0))  # a quarter of the runs in 30 s; the workers know of one more epoch
    watcher(ended(4, 4, "b", "c", left=70.0))
    assert out.texts == ["1 min 30 s left", "1 min 10 s left"]


def test_copies_are_remembered_and_said(sweep):
    out = Kept()
    watcher = Watcher(sweep, out.line, out.state)
    watcher(Copied("b", "a"))
    assert copies_sentence(watcher.copies) == "the same network was trained before as a; b is a copy."
    assert copies_sentence({"b": "a", "d": "c"}).startswith("2 of the runs were trained before under other names, b as a;")
    assert not watcher.trained


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


def test_the_time_left_includes_the_searches_that_follow(monkeypatch):
    clock, out = [100.0], Kept()
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    watcher = Watcher(1, out.line, out.state, ahead=Ahead(training=30.0, searching=60.0, drawing=10.0))
    watcher(ended(1, 2, "a", left=15.0))
    watcher(ended(2, 2, "a", left=0.0))
    clock[0] += 30.0
    watcher(StageStarted("a round of the search", 10))
    watcher(ended(1, 2, "b", left=5.0))
    clock[0] += 60.0
    watcher(ended(2, 2, "b", left=0.0))
    watcher(FigureDrawn(2, 4))
    assert out.shares == pytest.approx([0.15, 0.3, 0.6, 0.6, 0.9, 0.95])
    lefts = [text.partition(" left")[0] if " left" in text else "" for text in out.texts]
    assert lefts == ["1 min 25 s", "1 min 10 s", "", "40 s", "", "5 s"]


def test_the_bar_goes_on_while_figures_are_drawn():
    out = Kept()
    watcher = Watcher(1, out.line, out.state, ahead=Ahead(training=30.0, drawing=10.0))
    watcher(ended(1, 2, "a", left=15.0))
    watcher(Done("a"))
    watcher(StageStarted("drawing 4 figures"))
    watcher(FigureDrawn(2, 4))
    watcher(FigureDrawn(4, 4))
    assert out.shares == [0.375, 0.75, 0.875, 1.0]
    assert out.texts[0].startswith("25 s left")
    assert out.texts[2:] == ["5 s left   figure 2 of 4", "figure 4 of 4"]
    assert out.lines[-1] == "Drawing 4 figures"
