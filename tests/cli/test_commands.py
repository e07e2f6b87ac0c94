"""The commands from end to end, on the embedded digits."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from hostile.engine import here
from seedbed.cli.frame import run

pytestmark = pytest.mark.slow

SHORT = ["--data", "digits", "--hidden", "16", "--epochs", "2"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a run `one` and a group `three` of three seeds."""
    place = tmp_path_factory.mktemp("home") / "runs"
    with here():
        assert run(["train", "-m", "one", *SHORT, "--home", str(place)]) == 0
        assert run(["train", "-m", "three", *SHORT, "--seeds", "3", "--home", str(place)]) == 0
    return place


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(home, capsys):
    """Runs a command in the home: exit code, stdout, stderr."""

    def called(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([*arguments, "--home", str(home)])
        return code, *capsys.readouterr()

    return called


@pytest.fixture
def asked(call):
    """Runs a command with --json: the one object that it prints."""

    def parsed(*arguments: str) -> Any:
        code, out, err = call(*arguments, "--json")
        assert code == 0, err
        [line] = out.splitlines()
        return json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))

    return parsed


PART = {"loss", "accuracy", "interval", "n", "confusion", "mistakes"}


def test_train_prints_the_contracts_json(asked):
    found = asked("train", "-m", "three", *SHORT, "--seeds", "3")
    assert found["group"] == "three"
    assert [each["name"] for each in found["runs"]] == ["three.0", "three.1", "three.2"]
    assert [each["seed"] for each in found["runs"]] == [0, 1, 2]
    one = found["runs"][0]
    assert one["model"]["family"] == "dense"
    assert one["model"]["parameters"] == (64 + 1) * 16 + (16 + 1) * 10
    assert one["data"]["name"] == "digits"
    assert (one["data"]["train"], one["data"]["validation"], one["data"]["test"]) == (1257, 270, 270)
    assert one["plan"]["epochs"] == 2
    assert set(one["best"]) == {"epoch", "train", "validation"}
    assert set(one["best"]["train"]) == {"loss", "penalty", "accuracy"}
    assert set(one["last"]["validation"]) == {"loss", "accuracy", "balanced_accuracy", "macro_f1"}
    assert [row["epoch"] for row in one["curve"]] == [1, 2]
    assert set(one["verdict"]) == {"kind", "evidence", "advice"}
    assert set(one["seconds"]) == {"compile", "training", "total"}
    assert Path(one["folder"]).is_dir()


def test_train_shows_layers_progress_result_verdict_and_what_comes_next(home, capsys):
    place = ["--home", str(home)]
    assert run(["train", "-m", "shown", *SHORT, "--replace", "--lr", "0.01", *place]) == 0
    out, err = capsys.readouterr()
    assert "dense_0" in err
    assert "1,210" in err
    assert "epoch 1/2" in err
    assert "epoch 2/2" in err
    assert "best: " in out
    assert "Verdict" in out
    assert "learning_curves.png" in out
    assert f"seedbed evaluate -m shown --home {home}" in out
    for suffix in ("png", "svg", "html"):
        assert (home / "shown" / "figures" / f"learning_curves.{suffix}").stat().st_size > 1000


def test_the_same_settings_again_are_nothing_to_do(call):
    code, out, err = call("train", "-m", "one", *SHORT)
    assert code == 0
    assert "Nothing to train" in out
    assert "epoch 1/2" not in err


def test_other_settings_under_a_name_are_an_error_that_shows_them(call):
    code, _, err = call("train", "-m", "one", *SHORT, "-r", "0.01")
    assert code == 1
    assert "plan.l2: 0.0 there, 0.01 here" in err.splitlines()[-1]
    assert "--replace" in err.splitlines()[-1]


def test_a_group_tells_its_mean_with_an_interval(call):
    _, out, _ = call("train", "-m", "three", *SHORT, "--seeds", "3")
    assert "mean of 3 seeds" in out
    assert "95 % interval" in out


def test_evaluate_prints_the_contracts_json_and_draws(asked, home):
    found = asked("evaluate", "-m", "one")
    assert set(found["train"]) == {"loss", "accuracy", "n"}
    assert set(found["validation"]) >= PART
    assert found["validation"]["n"] == 270
    assert sum(map(sum, found["validation"]["confusion"])) == 270
    assert found["test"] is None
    with Image.open(home / "one" / "figures" / "mistakes.png") as picture:
        assert picture.width > 300


def test_evaluate_tells_classes_calibration_and_mistakes(call):
    code, out, _ = call("evaluate", "-m", "one")
    assert code == 0
    for word in ("training", "validation", "precision", "recall", "Calibration", "taken for", "confusion.png"):
        assert word in out
    assert "Looks at the test part" not in out


def test_every_look_at_the_test_part_is_counted(asked, call):
    assert asked("evaluate", "-m", "three.0", "--test")["test"]["looks"] == 1
    second = asked("evaluate", "-m", "three.0", "--test")["test"]
    assert second["looks"] == 2
    assert set(second) >= PART
    assert "looks at the test part: 2" in call("runs", "show", "three.0")[1]


def test_evaluate_of_a_group_evaluates_each_seed(asked, call):
    found = asked("evaluate", "-m", "three")
    assert [each["name"] for each in found["runs"]] == ["three.0", "three.1", "three.2"]
    assert "mean of 3 seeds" in call("evaluate", "-m", "three")[1]


def test_predict_names_each_file_and_says_how_it_was_prepared(asked, call, folder):
    Image.new("L", (40, 20), 0).save(folder / "black.png")
    Image.new("RGB", (8, 8), (255, 255, 255)).save(folder / "white.jpg")
    found = asked("predict", "-m", "one", "black.png", "white.jpg")
    assert [each["path"] for each in found["predictions"]] == ["black.png", "white.jpg"]
    assert sum(found["predictions"][0]["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    _, out, err = call("predict", "-m", "one", "black.png", "--top", "1")
    assert "black.png" in out
    assert "Padded from 20 x 40 to 8 x 8" in err


def test_predict_writes_a_row_for_each_image_of_folders_and_arrays(asked, call, folder):
    (folder / "photos" / "deep").mkdir(parents=True)
    Image.new("L", (8, 8), 0).save(folder / "photos" / "a.png")
    Image.new("L", (8, 8), 9).save(folder / "photos" / "deep" / "b.png")
    images = load_digits().images.astype(np.uint8)
    np.savez(folder / "digits.npz", x_test=images[1700:], x_train=images[:30], y_train=load_digits().target[:30])
    _, out, _ = call("predict", "-m", "one", "photos", "digits.npz", "-o", "all.csv", "--top", "2")
    rows = list(csv.DictReader((folder / "all.csv").read_text().splitlines()))
    assert list(rows[0]) == ["image", "class", "probability", "class_2", "probability_2"]
    assert [row["image"] for row in rows[:3]] == ["photos/a.png", "photos/deep/b.png", "digits.npz/x_train/0"]
    assert len(rows) == 2 + 127
    assert "129 images, of which the first 20 are shown" in out
    assert "Written: all.csv (129 rows)" in out
    found = asked("predict", "-m", "one", "digits.npz")["predictions"]
    assert [each["predicted"] for each in found] == [row["class"] for row in rows[2:]]


def test_predict_writes_the_columns_of_a_submission(call, folder):
    images = load_digits().images.astype(int)[:3].reshape(3, 64)
    names = ",".join(f"pixel{number}" for number in range(64))
    for name, header, extra in (("plain", names, ["", "", ""]), ("numbered", f"id,{names}", ["70,", "71,", "72,"])):
        lines = [start + ",".join(map(str, row)) for start, row in zip(extra, images.tolist(), strict=True)]
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]))
    call("predict", "-m", "one", "plain.csv", "-o", "plain_out.csv", "--columns", "ImageId,Label")
    rows = [line.split(",") for line in (folder / "plain_out.csv").read_text().splitlines()]
    assert [row[0] for row in rows] == ["ImageId", "1", "2", "3"]
    call("predict", "-m", "one", "numbered.csv", "-o", "numbered_out.csv", "--columns", "id,label,probability,3")
    numbered = [line.split(",") for line in (folder / "numbered_out.csv").read_text().splitlines()]
    assert [row[:2] for row in numbered] == [["id", "label"], *([str(70 + at), row[1]] for at, row in enumerate(rows[1:]))]
    assert all(0 <= float(row[3]) <= float(row[2]) <= 1 for row in numbered[1:])


def test_export_says_what_it_wrote_and_how_it_was_checked(asked, call, folder):
    found = asked("export", "three", "--format", "safetensors", "--weights", "last", "-o", "net.safetensors")
    assert found["files"] == ["net.safetensors"]
    assert found["difference"] == 0
    assert found["name"].startswith("three.")
    code, out, _ = call("export", "three", "--format", "csv")
    assert code == 0
    assert "Written: exports/three.csv" in out
    assert len((folder / "exports" / "three.csv").read_text().splitlines()) == 4


def test_compare_tells_the_difference_and_draws_it(asked, call, folder):
    found = asked("compare", "three.0", "three.1")
    [pair] = found["pairs"]
    assert pair["accuracy"]["interval"][0] <= pair["accuracy"]["difference"] <= pair["accuracy"]["interval"][1]
    assert (folder / "img" / "comparison.svg").exists()
    _, out, _ = call("compare", "one", "three.2", "--out", "elsewhere/mine")
    assert re.search(r"^\[(clear|likely|not shown)\] ", out, re.MULTILINE)
    assert "points (95 % interval: " not in out
    assert "--details" in out
    _, out, _ = call("compare", "one", "three.2", "--out", "elsewhere/mine", "--details")
    assert "points (95 % interval: " in out
    assert "The 95 % interval of the difference" in out
    assert "Method: one network each on 270 images, paired" in out
    assert (folder / "elsewhere" / "mine.png").exists()


@pytest.mark.usefixtures("engine_here")
def test_runs_are_listed_shown_and_removed(asked, call, home):
    listed = {each["name"]: each for each in asked("runs", "list")["runs"]}
    assert set(listed) >= {"one", "three.0", "three.1", "three.2"}
    assert listed["one"]["status"] == "finished"
    assert "three.1" in call("runs", "list")[1]
    assert [each["name"] for each in asked("runs", "show", "three")["runs"]] == ["three.0", "three.1", "three.2"]
    assert "weights/best.safetensors" in call("runs", "show", "one")[1].replace("\\", "/")
    assert call("train", "-m", "gone", *SHORT)[0] == 0
    code, _, err = call("runs", "remove", "gone")
    assert (code, "1 run would be removed" in err, "--yes" in err) == (1, True, True)
    assert (home / "gone").exists()
    assert asked("runs", "remove", "gone", "--yes") == {"removed": ["gone"]}
    assert not (home / "gone").exists()


def test_the_shown_settings_are_a_config_of_the_same_run(call, folder):
    _, out, _ = call("runs", "show", "one")
    after = out.split("settings (usable with --config):\n")[1].split("  files:")[0]
    (folder / "one.yaml").write_text("\n".join(line[4:] for line in after.splitlines()))
    code, out, _ = call("train", "-m", "one", "--config", "one.yaml")
    assert code == 0
    assert "Nothing to train" in out


def test_an_empty_home_says_how_to_begin(capsys, folder):
    assert run(["runs", "list", "--home", str(folder / "none")]) == 0
    assert "seedbed train" in capsys.readouterr().err
    assert not (folder / "none").exists()


def test_doctor_tells_all_in_json(asked):
    found = asked("doctor")
    assert found["cores"]["usable"] >= 1
    assert found["workers"][0]["device"] == "cpu"
    assert found["workers"][0]["gflops"] > 0
    assert found["versions"]["jax"]
    data = {each["name"]: each for each in found["data"]}
    assert data["digits"]["where"]
    assert found["home"]["writable"]


def test_doctor_goes_on_where_jax_cannot(monkeypatch, capsys, folder):
    from seedbed.errors import DeviceError
    from seedbed.executor import probe

    def broken(kind: object) -> dict[str, Any]:
        raise DeviceError("JAX cannot be used on the cpu: no such thing")

    monkeypatch.setattr(probe, "ask", broken)
    assert run(["doctor", "--home", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "no such thing" in out
    assert "digits" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "-m", "a/b", *SHORT], "name = 'a/b'"),
        (["train", "-m", "..", *SHORT], "name = '..'"),
        (["train", "-m", "con", *SHORT], "Windows reserves this name"),
        (["train", "-m", "a.1", *SHORT], "must not end in '.' and a number"),
        (["train", "-m", "", *SHORT], "name = ''"),
        (["train", "-m", "a\x1b[31m", *SHORT], "\\x1b"),
        (["train", "-m", "a", "--data", "digit"], "Did you mean 'digits'?"),
        (["train", "-m", "a", "--data", "no/such/place"], "neither a data set nor a file or folder that exists"),
        (["train", "-m", "a", *SHORT, "--epochs", "0"], "epochs = 0"),
        (["train", "-m", "a", "--data", "digits", "-c", "--pool", "9"], "too small for a kernel of 5"),
        (["train", "-m", "a", *SHORT, "--first", "3"], "first = 3"),
        (["train", "-m", "a", *SHORT, "--config", "absent.yaml"], "absent.yaml: it cannot be read"),
        (["train", "-m", "a", "--model", "absent.py:build"], "there is no file 'absent.py'"),
        (["train", "-m", "three.0", *SHORT], "must not end in '.' and a number"),
        (["evaluate", "-m", "onee"], "Did you mean 'one'?"),
        (["evaluate", "-m", "../one"], "'../one'"),
        (["predict", "-m", "one", "absent.png"], "absent.png: there is no such file"),
        (["predict", "-m", "one", "broken.png"], "broken.png"),
        (["predict", "-m", "one", "."], "broken.png"),
        (["predict", "-m", "one", "odd.csv"], "odd.csv: the network takes 64 pixels, and the table has 3 columns"),
        (
            ["predict", "-m", "one", "zeros.npy", "--columns", "id,lable"],
            "columns: 'lable' is not known. Did you mean 'label'?",
        ),
        (["export", "one", "--format", "onxx"], "format = 'onxx' is not known. Did you mean 'onnx'?"),
        (["export", "one", "--format", "keras", "--quantize", "int8"], "only the format 'c' takes it"),
        (["export", "onee", "--format", "keras"], "Did you mean 'one'?"),
        (["compare", "one"], "at least two different names"),
        (["compare", "one", "one"], "at least two different names"),
        (["compare", "one", "tow"], "'tow'"),
        (["runs", "show", "absent"], "'absent'"),
        (["runs", "remove", "absent"], "'absent'"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_1(call, folder, arguments, says):
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    (folder / "odd.csv").write_text("a,b,c\n1,2,3\n4,5,6\n")
    np.save(folder / "zeros.npy", np.zeros((2, 8, 8), np.uint8))
    code, out, err = call(*arguments)
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "not foreseen" not in last
    assert says in last
    assert "\x1b" not in err


def test_a_home_that_is_a_file_is_one_line(capsys, folder):
    (folder / "file").write_text("")
    assert run(["train", "-m", "a", *SHORT, "--home", "file"]) in (1, 2)
    assert "file" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("engine_here")
@pytest.mark.parametrize(("seeds", "more"), [("4", True), ("5", False)])
def test_more_seeds_are_advised_until_there_are_five(call, seeds, more):
    well = ["--data", "digits", "--hidden", "32", "--epochs", "40", "--lr", "1e-2", "--l2", "1e-2"]
    _, out, _ = call("train", "-m", "well", *well, "--seeds", seeds)
    (verdict,) = (line for line in out.splitlines() if line.startswith("Verdict: "))
    assert "Good fit." in verdict
    assert ("--seeds 5" in verdict) == more


@pytest.mark.usefixtures("engine_here")
def test_a_diverged_run_is_told_as_such_and_exits_0(call, asked):
    code, out, _ = call("train", "-m", "wild", *SHORT, "--optimizer", "sgd", "--lr", "1e20")
    assert code == 0
    assert "Verdict: Diverged." in out
    assert (
        asked("train", "-m", "wild", *SHORT, "--optimizer", "sgd", "--lr", "1e20")["runs"][0]["verdict"]["kind"] == "diverged"
    )
    assert call("runs", "list")[0] == 0
    code, _, err = call("evaluate", "-m", "wild")
    assert code == 1
    assert "diverged" in err


@pytest.mark.usefixtures("engine_here", "ctrl_c_once")
def test_ctrl_c_saves_and_resume_goes_on(call, asked):
    arguments = ["train", "-m", "long", "--data", "digits", "--hidden", "16", "--epochs", "9", "--workers", "1"]
    code, _, err = call(*arguments)
    assert code == 130
    assert "--resume" in err.splitlines()[-1]
    code, _, err = call(*arguments)
    assert code == 1
    assert "Continue with --resume" in err.splitlines()[-1]
    [resumed] = asked(*arguments, "--resume")["runs"]
    assert [row["epoch"] for row in resumed["curve"]] == list(range(1, 10))
    assert call("runs", "remove", "long", "--yes")[0] == 0
