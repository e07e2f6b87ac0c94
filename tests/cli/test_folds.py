"""Cross-validation on the command line, from training to the comparison, on the embedded digits."""

from __future__ import annotations

import json

import pytest

from seedbed.cli.frame import run
from seedbed.runs import RunStore

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("engine_here")]

SHORT = ["--data", "digits", "--hidden", "8", "--epochs", "1"]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs seedbed in a home of its own: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDBED_HOME", str(tmp_path / "runs"))

    def called(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(list(arguments))
        return code, *capsys.readouterr()

    return called


def test_folds_are_trained_evaluated_and_compared(call, tmp_path):
    assert call("train", "-m", "a", *SHORT, "--folds", "2")[0] == 0
    results = RunStore(tmp_path / "runs").find("a")
    assert [(result.name, result.run.data.fold) for result in results] == [("a.0", (0, 2)), ("a.1", (1, 2))]
    assert sum(result.data.validation for result in results) == 1527
    (tmp_path / "more.yaml").write_text("model: {hidden: [8], activation: tanh}\nfolds: 2\nseeds: 4")
    code, _, err = call("train", "-m", "b", "--config", "more.yaml", "--data", "digits", "--epochs", "1")
    assert code == 0
    assert "4 seeds validate on 2 folds in turn" in err

    _, out, _ = call("evaluate", "-m", "a", "--test", "--json")
    found = json.loads(out)
    right = sum(run["validation"]["accuracy"] * run["validation"]["n"] for run in found["runs"])
    assert found["validation"]["accuracy"] == pytest.approx(right / 1527)
    assert found["test"]["n"] == 2
    assert "trained on all images may do better" in call("evaluate", "-m", "a", "--test")[1]

    code, out, _ = call("compare", "a", "b", "--json")
    (pair,) = json.loads(out)["pairs"]
    assert (pair["seeds"], pair["n"]) == ([0, 1], 1527)
    assert "2 folds" in pair["method"]


def test_other_folds_under_the_same_name_and_across_a_comparison_are_refused(call):
    call("train", "-m", "a", *SHORT, "--folds", "2")
    assert "data.fold" in call("train", "-m", "a", *SHORT, "--seeds", "2")[2]
    call("train", "-m", "plain", *SHORT, "--seeds", "2")
    code, _, err = call("compare", "a", "plain")
    assert code == 1
    assert "folds 2 and 1" in err
    assert "only the honest protocol has folds" in call("train", "-m", "c", *SHORT, "--folds", "2", "--protocol", "handout")[2]


def test_a_sweep_in_folds_is_repeated_by_its_file(call):
    grid = ["--set", "l2=0,1e-3", "--data", "digits", "--hidden", "4", "--epochs", "1", "--folds", "2", "--seeds", "2"]
    assert call("sweep", "-m", "s", *grid, "--out", "s")[0] == 0
    code, _, err = call("sweep", "-m", "s", "s/sweep.yaml", "--out", "again")
    assert code == 0
    assert "Nothing to train" in err
    assert "2 folds in turn" in err
