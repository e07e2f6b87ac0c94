"""`seedbed sweep` from end to end, on the embedded digits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hostile.pictures import hashed
from seedbed.cli.frame import run
from seedbed.figures import drawing

pytestmark = pytest.mark.slow

SHORT = ["--data", "digits", "--epochs", "1", "--seeds", "2"]
GRID = ["--set", "hidden=4", "--set", "hidden=4,4", "--set", "l2=0,1e-3"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home") / "runs"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(home, capsys):
    """Runs `seedbed sweep` in the home: exit code, stdout, stderr."""

    def called(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["sweep", *arguments, "--home", str(home)])
        return code, *capsys.readouterr()

    return called


@pytest.mark.usefixtures("engine_here")
def test_a_grid_is_trained_told_and_written(call, folder):
    code, out, err = call("-m", "a", *SHORT, *GRID)
    assert code == 0
    assert "Sweep a: 4 settings x 2 seeds = 8 runs" in err
    assert "all else: family dense, activation relu, epochs 1" in err
    assert re.search(r"\[(clear|likely|not shown)\] The highest mean validation accuracy of 4 settings is", out)
    assert "The statistics: the same command with --details." in out
    for name in (
        "results.csv",
        "runs.csv",
        "results.json",
        "sweep.yaml",
        "figures/settings.png",
        "figures/accuracy_over_l2.svg",
    ):
        assert (folder / "sweeps" / "a" / name).stat().st_size > 0
    code, out, err = call("-m", "a", "sweeps/a/sweep.yaml", "--sort", "mean", "--out", "elsewhere")
    assert code == 0
    assert "Nothing to train" in err
    assert "%, 2 seeds), with" not in out
    out = call("-m", "a", "sweeps/a/sweep.yaml", "--sort", "mean", "--out", "elsewhere", "--details")[1]
    assert "%, 2 seeds), with" in out
    assert "Best against next: the 95 % interval of the difference" in out
    means = [float(line.split(",")[5]) for line in (folder / "elsewhere" / "results.csv").read_text().splitlines()[1:]]
    assert means == sorted(means, reverse=True)


@pytest.mark.usefixtures("engine_here")
def test_a_sweep_is_one_thing_for_the_commands_after_it(call, folder, home, capsys):
    assert call("-m", "a", *SHORT, *GRID)[0] == 0
    assert (folder / "sweeps" / "a" / "figures" / "learning_curves.png").exists()

    def asked(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return run([*arguments, "--home", str(home)]), *capsys.readouterr()

    code, out, _ = asked("compare", "a", "--against", "h4-l2_0", "--latex", "table.tex")
    assert code == 0
    assert "Against hidden 4/l2 0 (as asked):" in out
    assert "the effect of hidden depends on l2" in out
    assert (folder / "table.tex").read_text().startswith("\\begin{tabular}")
    assert all((folder / "img" / f"comparison{name}.png").exists() for name in ("", "_effects", "_learning_curves"))
    plain = json.loads(asked("compare", "a", "--json")[1])
    assert len(plain["pairs"]) == 3
    assert asked("curves", "a", "--out", "c")[0] == 0
    assert (folder / "c.svg").exists()
    code, out, _ = asked("evaluate", "-m", "a")
    assert code == 0
    table, _, below = out.partition("All 4 settings are below ")
    assert table.count("a-h4") == 4
    assert "beyond chance" in below
    code, out, _ = asked("runs", "list")
    assert "sweep of 4 settings, 8 runs" in out
    assert "a-h4-l2_0.0" not in out
    assert "a-h4-l2_0.0" in asked("runs", "list", "--all")[1]
    code, _, err = asked("runs", "remove", "a")
    assert (code, "8 runs would be removed" in err) == (1, True)


@pytest.mark.usefixtures("engine_here")
def test_json_is_trains_with_the_settings(call, folder):
    code, out, _ = call("-m", "a", *SHORT, *GRID, "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    assert found["group"] == "a"
    assert [each["name"] for each in found["runs"]][:3] == ["a-h4-l2_0.0", "a-h4-l2_0.1", "a-h4-l2_1e-3.0"]
    assert len(found["runs"]) == 8
    cell = found["settings"][3]
    assert (cell["hidden"], cell["l2"], cell["group"], cell["n"]) == ([4, 4], 0.001, "a-h4-4-l2_1e-3", 2)
    assert cell["interval"][0] <= cell["mean"] <= cell["interval"][1]
    assert sum(cell["verdicts"].values()) == 2


@pytest.mark.usefixtures("engine_here")
def test_one_value_more_trains_only_that(call):
    assert call("-m", "b", *SHORT, "--set", "hidden=4")[0] == 0
    _, _, err = call("-m", "b", *SHORT, "--set", "hidden=4", "--set", "hidden=6")
    assert "4 runs, 2 are there; about" in err
    assert "b-h6.0" in err
    assert "b-h4" not in err
    assert "100 % done" in err


@pytest.mark.usefixtures("engine_here")
def test_a_list_given_once_is_pointed_out(call):
    _, _, err = call("-m", "c", *SHORT, "--set", "hidden=5,4")
    assert "note: hidden has one value, a list of 2" in err


@pytest.mark.usefixtures("engine_here")
def test_values_of_set_take_the_place_of_the_files(call, folder):
    (folder / "s.yaml").write_text(
        "base: {data: {name: digits}, plan: {epochs: 1}}\ngrid: {hidden: [4], l2: [0, 1]}\nseeds: 1\n"
    )
    code, out, _ = call("-m", "d", "s.yaml", "--set", "l2=1e-3", "--seeds", "2", "--json")
    assert code == 0
    assert [each["name"] for each in json.loads(out)["runs"]] == ["d-h4-l2_1e-3.0", "d-h4-l2_1e-3.1"]


@pytest.mark.usefixtures("engine_here")
def test_where_all_runs_diverge_that_is_told(call):
    code, out, _ = call("-m", "e", *SHORT, "--optimizer", "sgd", "--set", "lr=1e20,1e25")
    assert code == 0
    assert "none is left" in out
    assert "4 of 4 runs diverged and are excluded" in out
    assert "highest" not in out


@pytest.mark.usefixtures("engine_here")
@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        ([], "A sweep needs a field that varies", 2),
        (["--set", "hiden=3"], "Did you mean 'hidden'?", 1),
        (["--set", "l2"], "it must read FIELD=VALUE", 1),
        (["--set", "l2=0", "-r", "0.1"], "l2 is given one value for all runs and varies too", 1),
        (["--set", "l2=0", "--data", "digits"], "", 0),
        (["--set", "data=mnist", "--data", "digits"], "data is given one value", 1),
        (["--set", "filters=3"], "give -c", 1),
        (["--set", "l2=0", "-d", "-c"], "exclude each other", 2),
        (["--set", "l2=0", "--seeds", "0"], "seeds = 0", 1),
        (["absent.yaml"], "absent.yaml: it cannot be read", 1),
        (["."], "it cannot be read", 1),
        (["bad.yaml"], "Did you mean 'grid'?", 1),
        (["base.yaml"], "'base' must be a mapping", 1),
        (["list.yaml"], "grid = [1]", 1),
        (["seeds.yaml"], "seeds = 'many'", 1),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(call, folder, arguments, says, code):
    (folder / "bad.yaml").write_text("gird: {l2: [0]}\n")
    (folder / "base.yaml").write_text("base: {seed: 1}\ngrid: {l2: [0]}\n")
    (folder / "list.yaml").write_text("grid: [1]\n")
    (folder / "seeds.yaml").write_text("grid: {l2: [0]}\nseeds: many\n")
    found, out, err = call(
        "-m", "wrong", *arguments, *(["--epochs", "1", "--hidden", "4", "--seeds", "1"] if code == 0 else [])
    )
    assert found == code
    if code:
        assert out == ""
        assert says in err.splitlines()[-1]
        assert "not foreseen" not in err


@pytest.mark.usefixtures("engine_here", "ctrl_c_once")
def test_an_interrupted_sweep_goes_on_where_it_was(call, home, monkeypatch):
    monkeypatch.setattr(drawing, "draw", hashed)
    grid = ["--set", "hidden=4", "--set", "hidden=6", "--data", "digits", "--epochs", "9", "--seeds", "1", "--workers", "1"]
    code, _, err = call("-m", "long", *grid)
    assert code == 130
    assert "--resume" in err.splitlines()[-1]
    assert (home / "long-h4.0").exists()
    code, out, _ = call("-m", "long", *grid, "--resume", "--json")
    assert code == 0
    assert [len(each["curve"]) for each in json.loads(out)["runs"]] == [9, 9]
    assert Path("sweeps/long/results.csv").exists()
