"""Verdicts that an older seedbed gave: the runs are diagnosed again by today's rules, from their own files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runs.samples import entry, result
from seedbed.records import Verdict
from seedbed.runs import FinishedRun, RunStore

LABELS = np.array([0, 1, 2, 1, 0], dtype=np.int32)
EPOCHS = 7


def old_run(root: Path, kind: str, *, predictions: bool = True) -> RunStore:
    """A home with one run of seven falling losses, as an older seedbed left it."""
    home, named = RunStore(root), entry("a")
    ones = np.eye(3, dtype=np.float32)[LABELS]
    kept = {"validation_labels": LABELS, "validation_probabilities": ones, "last_validation_probabilities": ones}
    with home.claim([named]):
        home.finish(FinishedRun(named, result(named, EPOCHS), 16.0, predictions=kept if predictions else {}))
    record = home.folder("a") / "run.json"
    plain = json.loads(record.read_text())
    record.write_text(json.dumps({**plain, "format": 1, "verdict": {"kind": kind, "evidence": "As it was said."}}))
    return home


def given(home: RunStore) -> Verdict:
    [one], [listed] = home.results(), home.listing()
    assert listed.verdict == one.verdict
    return one.verdict


@pytest.mark.parametrize("kind", ["ok", "undertrained", "overfitting", "collapsed"])
def test_an_old_verdict_is_given_again_from_the_runs_own_files(tmp_path: Path, kind: str) -> None:
    verdict = given(old_run(tmp_path, kind))
    assert verdict.kind == "still_improving"
    assert "As it was said." not in verdict.evidence


def test_a_collapse_stands_where_no_predictions_are_left_to_look_at(tmp_path: Path) -> None:
    verdict = given(old_run(tmp_path, "collapsed", predictions=False))
    assert (verdict.kind, verdict.evidence) == ("collapsed", "As it was said.")
    assert verdict.advice


def test_damaged_predictions_do_not_hide_a_run(tmp_path: Path) -> None:
    home = old_run(tmp_path, "ok")
    (home.folder("a") / "predictions.npz").write_bytes(b"no archive")
    assert given(home).kind == "still_improving"


def test_a_list_marks_an_old_run_whose_metrics_are_damaged(tmp_path: Path) -> None:
    home = old_run(tmp_path, "ok")
    (home.folder("a") / "metrics.jsonl").write_text("")
    assert [each.status for each in home.listing()] == ["damaged"]
    with pytest.warns(UserWarning, match=r"metrics\.jsonl: the run has 7 epochs, and the file has 0 sound rows"):
        assert home.results() == []


def test_a_verdict_of_today_stands_as_it_was_given(tmp_path: Path) -> None:
    home, named = RunStore(tmp_path), entry("a")
    with home.claim([named]):
        home.finish(FinishedRun(named, result(named, EPOCHS), 16.0))
    assert given(home) == result(named).verdict
