"""What strangers may send: run folders that name programs, files that hold programs, names that steer a terminal or a page."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seedbed
from hostile.corpus import ESCAPES
from hostile.engine import entries, install
from runs import samples
from seedbed import storage
from seedbed.cli import frame
from seedbed.cli.text import escaped
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import Dense, Keras

NETWORK = """
from pathlib import Path
Path({canary!r}).write_text("ran")
def net():
    import keras
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
"""


def _told(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = frame.run(arguments)
    return code, out.getvalue(), err.getvalue()


def test_a_run_folder_cannot_make_its_reader_run_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    monkeypatch.setattr(Keras, "named", set())
    root = tmp_path / "home"
    train_runs(entries(Dense(hidden=(3,)), epochs=1), Execution.of(home=root, device="cpu", workers=1))
    (tmp_path / "net.py").write_text(NETWORK.format(canary=str(tmp_path / "canary")))
    spec = Keras.of(f"{tmp_path / 'net.py'}:net")
    Keras.named.clear()  # the stranger's process was another one
    path = root / "r-0" / "run.json"
    record = storage.read_json(path)
    for digest in (spec.digest, ""):
        record["run"]["model"] = {**spec.plain(), "digest": digest}
        storage.write_json(path, record)
        for command in (("evaluate", "-m", "r-0"), ("runs", "show", "r-0"), ("runs", "list")):
            _, _, err = _told(*command, "--home", str(root))
            assert "not foreseen" not in err
            assert len(err.splitlines()) <= 1
            if command[0] == "evaluate":
                assert ("which only the run names" if digest else "must hold the digest of its file") in err
    assert not (tmp_path / "canary").exists()
    assert Keras.of(f"{tmp_path / 'net.py'}:net") == spec  # now the user names it
    _told("evaluate", "-m", "r-0", "--home", str(root))


def test_no_line_of_the_source_unpickles_or_evaluates_what_it_reads() -> None:
    root = Path(seedbed.__file__).parent
    forbidden = {"load_model", "unsafe_load", "eval", "exec", "full_load", "fromfile"}
    found: list[str] = []
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                pickled = name in ("load", "loads") and ast.unparse(node.func).startswith(("pickle.", "yaml."))
                allowed = any(key.arg == "allow_pickle" and ast.unparse(key.value) != "False" for key in node.keywords)
                if name in forbidden or pickled or allowed:
                    found.append(f"{path.relative_to(root)}: {ast.unparse(node.func)}")
    between_our_processes, compiled_by_this_user = "executor/channel.py: pickle.loads", "training/programs.py: pickle.loads"
    just_exported = "exports/formats/keras.py: keras.saving.load_model"  # the file that this process has written
    assert sorted(found) == [between_our_processes, just_exported, compiled_by_this_user]


class _Program:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.canary),))


@pytest.mark.parametrize("name", ["weights/best.safetensors", "predictions.npz"])
def test_a_pickle_in_the_place_of_arrays_is_not_run(tmp_path: Path, name: str) -> None:
    root = samples.grown(tmp_path / "home", samples.entry("a")).root
    content = pickle.dumps(_Program(tmp_path / "canary"))
    if name.endswith("npz"):
        file = io.BytesIO()
        np.savez(file, validation_labels=np.array([_Program(tmp_path / "canary")], dtype=object))
        content = file.getvalue()
    (root / "a" / name).write_bytes(content)
    record = storage.read_json(root / "a" / "run.json")
    record["files"][name] = storage.sha256(content)
    storage.write_json(root / "a" / "run.json", record)
    code, _, err = _told("evaluate", "-m", "a", "--home", str(root))
    assert (code, len(err.splitlines())) == (1, 1)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("payload", ESCAPES)
def test_a_payload_in_any_text_of_a_run_is_shown_as_text(tmp_path: Path, payload: str) -> None:
    root = samples.grown(tmp_path / "home", samples.entry("a")).root
    record = storage.read_json(root / "a" / "run.json")
    record |= {"device": payload, "reason": payload, "versions": {payload: payload}, "group": "a"}
    record["verdict"]["evidence"] = payload
    record["data"]["classes"] = [payload] * 3
    record["run"]["data"]["name"] = payload
    for changes in (record, {**record, "group": payload}, {**record, "status": payload}, {**record, "identity": payload}):
        storage.write_json(root / "a" / "run.json", changes)
        for command in (("list",), ("show", "a"), ("list", "--json")):
            _, out, err = _told("runs", *command, "--home", str(root))
            assert "not foreseen" not in err
            assert all(escaped(line) == line for line in (out + err).splitlines())


@pytest.mark.parametrize("payload", [text for text in ESCAPES if "/" not in text])
def test_a_class_folder_with_a_hostile_name_is_shown_as_text_and_drawn_as_text(tmp_path: Path, payload: str) -> None:
    for name in (payload, "plain"):
        for number in range(12):
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            Image.effect_noise((8, 8), 60).save(tmp_path / "set" / name / f"{number}.png")
    code, out, err = _told("data", "info", str(tmp_path / "set"))
    assert code == 0, err
    assert all(escaped(line) == line for line in (out + err).splitlines())
    shutil.rmtree(tmp_path / "set")


def test_a_markup_payload_stays_text_in_a_page_of_curves(tmp_path: Path) -> None:
    from seedbed import figures

    result = samples.result(samples.entry("a"))
    named = result.named("a</script><script>alert(1)</script>", "g", "")
    [page] = [
        path for path in figures.save(figures.learning_curves([named]), tmp_path / "x", ("html",)) if path.suffix == ".html"
    ]
    assert "<script>alert(1)" not in page.read_text(encoding="utf-8")
