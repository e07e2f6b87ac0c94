"""Bad settings and broken files of one's own: one line with the setting, the value and the rule, before anything is trained."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from seedbed.cli import frame

BAD: list[tuple[list[str], str]] = [
    (["--epochs", "0"], "epochs = 0: it must be greater than or equal to 1"),
    (["--epochs", "-3"], "epochs = -3: it must be"),
    (["--batch-size", "0"], "batch_size = 0: it must be"),
    (["--batch-size", "1258"], "batch_size = 1258: it must be at most 1257"),
    (["--lr", "nan"], "learning_rate = nan: it must be"),
    (["--lr", "inf"], "learning_rate = inf: it must be"),
    (["--lr", "0"], "learning_rate = 0.0: it must be greater than 0"),
    (["--lr", "-1"], "learning_rate = -1.0: it must be greater than 0"),
    (["-r", "-1"], "l2 = -1.0: it must be greater than or equal to 0"),
    (["-r", "nan"], "l2 = nan: it must be"),
    (["--l1", "inf"], "l1 = inf: it must be"),
    (["--dropout", "1"], "dropout = 1.0: it must be less than 1"),
    (["--dropout", "nan"], "dropout = nan: it must be"),
    (["--hidden", "0"], "hidden.0 = 0: it must be greater than or equal to 1"),
    (["--hidden", "20,-1"], "hidden.1 = -1: it must be"),
    (["--activation", "rleu"], "Did you mean 'relu'?"),
    (["--optimizer", "adm"], "Did you mean 'adam"),
    (["--schedule", "cosin"], "Did you mean 'cosine'?"),
    (["--patience", "-1"], "patience = -1: it must be"),
    (["--seed", "-1"], "seed = -1: it must be"),
    (["--seed", str(2**32)], "seed = 4294967296: it must be less than 4294967296"),
    (["--seeds", "0"], "seeds = 0: it must be"),
    (["--data", "digts"], "Did you mean 'digits'?"),
    (["-m", "../x"], "name = '../x': it must be"),
    (["-m", "con"], "name = 'con': Windows reserves this name"),
    (["-m", "x\x1b[2J"], r"x\x1b[2J"),
    (["--epohcs", "3"], "Did you mean '--epochs'?"),
]


def _train(home: Path, *arguments: str) -> tuple[int, list[str]]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = frame.run(["train", "-m", "x", "--data", "digits", "--home", str(home), *arguments])
    assert out.getvalue() == ""
    return code, err.getvalue().splitlines()


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=[" ".join(case[0]).replace("\x1b", "ESC") for case in BAD])
def test_a_bad_setting_is_one_line_with_the_value_and_the_rule(tmp_path: Path, arguments: list[str], said: str) -> None:
    code, lines = _train(tmp_path / "home", *arguments)
    assert code in (1, 2)
    assert said in lines[-1]
    assert not [line for line in lines if "Training" in line or "Traceback" in line]
    assert not [path for path in (tmp_path / "home").glob("*") if path.name != ".locks"]


BUILT = "import keras\ndef net():\n    print('hello')\n    return keras.Sequential([keras.Input("
OWN = {
    "raises": ("def net():\n    raise ValueError('no luck')\n", "net() in {file} raised ValueError: no luck"),
    "exits": ("import sys\ndef net():\n    sys.exit(0)\n", "net() in {file} raised SystemExit: 0"),
    "is no Python": ("def net(:\n", "raised SyntaxError"),
    "has no such function": ("def nett(): ...\n", "has no function named 'net'"),
    "returns nothing": ("def net(): ...\n", "must return a keras.Model, and returned NoneType"),
    "is not for these images": (
        f"{BUILT}(28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])\n",
        "takes (28, 28, 1) and returns (10,); it must take images of shape (8, 8, 1) and return one number for each of 10",
    ),
    "has the wrong output": (
        f"{BUILT}(8, 8, 1)), keras.layers.Dense(10)])\n",
        "takes (8, 8, 1) and returns (8, 8, 10); it must",
    ),
}


@pytest.mark.parametrize(("text", "said"), OWN.values(), ids=OWN.keys())
def test_a_file_of_ones_own_that_is_broken_is_one_line_with_file_function_and_rule(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "net.py"
    file.write_text(text)
    code, lines = _train(tmp_path / "home", "--model", f"{file}:net")
    assert code == 1
    assert said.format(file=file) in lines[-1]
    assert "net" in lines[-1]
    assert not [line for line in lines if "Traceback" in line]
