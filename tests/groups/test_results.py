"""Results of a call as a table: for a console, a notebook, pandas and LaTeX."""

from __future__ import annotations

from dataclasses import replace

import pytest

from groups.samples import run
from seedbed.groups.results import Results
from seedbed.specs import Conv, Dense

RUNS = Results(
    replace(run(seed, 0.9 + seed / 100, verdict, l2=l2, name=f"l2-{l2}"), group=f"l2-{l2}")
    for l2, seed, verdict in ((0.0, 0, "good_fit"), (0.0, 1, "good_fit"), (0.001, 0, "diverged"))
)


def test_runs_are_sorted_into_their_settings() -> None:
    assert [(group.name, group.setting, len(group.results)) for group in RUNS.groups] == [
        ("l2-0.0", {"l2": 0.0}, 2),
        ("l2-0.001", {"l2": 0.001}, 1),
    ]


def test_the_table_shows_what_differs_and_the_best_epoch() -> None:
    table = RUNS.table()
    assert table.titles[:2] == ["run", "l2"]
    assert [row[:2] for row in table.texts] == [["l2-0.0.0", "0"], ["l2-0.0.1", "0"], ["l2-0.001.0", "0.001"]]
    assert [row[-2:] for row in table.texts] == [["90.00", "good fit"], ["91.00", "good fit"], ["95.55", "diverged"]]


def test_a_notebook_a_console_and_a_paper_see_the_same_rows() -> None:
    assert repr(RUNS).splitlines()[0] == "3 runs of 2 settings"
    assert len(repr(RUNS).splitlines()) == 4
    assert RUNS._repr_html_().count("<tr>") == 4
    assert r"validation accuracy (\%)" in RUNS.to_latex()


def test_networks_of_several_kinds_are_told_apart_by_their_titles() -> None:
    models = (Dense(hidden=(4,)), Conv(filters=(2,)))
    results = [run(0, 0.9) for _ in models]
    changed = (
        replace(each, group=f"n-{n}", run=each.run.changed(model=model))
        for n, (each, model) in enumerate(zip(results, models, strict=True))
    )
    table = Results(changed).table()
    assert table.titles[:3] == ["run", "network", "parameters"]
    assert [row[1] for row in table.texts] == ["dense 4, relu", "conv 2@3x3, relu"]


def test_commands_in_sentences_are_code_in_a_notebook() -> None:
    class Said(Results):
        def sentences(self) -> list[str]:
            return ["`a < b` it is."]

    assert "<p><code>a &lt; b</code> it is.</p>" in Said(RUNS)._repr_html_()


def test_a_frame_has_one_row_per_run() -> None:
    pytest.importorskip("pandas")
    frame = RUNS.frame()
    assert list(frame["seed"]) == [0, 1, 0]
    assert list(frame["best_validation_accuracy"])[:2] == pytest.approx([0.9, 0.91])
    assert list(frame["l2"]) == ["0", "0", "0.001"]


def test_no_runs_are_an_empty_table() -> None:
    assert repr(Results()) == "0 runs of 0 settings"
    assert Results().table().texts == []
