"""What the documents say is run: every command, every snippet, every link."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import start

from hostile.engine import install
from seedbed import specs
from seedbed.cli import options  # noqa: F401  # before a test changes the number of epochs that help texts name
from seedbed.cli.frame import run

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def lines(page: Path, language: str) -> list[str]:
    return [line.partition("  #")[0].strip() for block in blocks(page, language) for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, with a home in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDBED_HOME", str(tmp_path / "runs"))
    return tmp_path


@pytest.mark.slow
def test_the_tutorial_of_the_readme_works_from_the_first_command_to_the_last(folder, capsys, monkeypatch):
    monkeypatch.setattr(specs, "AUTO_EPOCHS", 8)  # to their end they train a minute
    for line in lines(ROOT / "README.md", "console"):
        program, *arguments = shlex.split(line.removeprefix("$ "))
        if program == "source":
            continue
        assert program == "seedbed"
        assert run(arguments) == 0, f"{line}: {capsys.readouterr().err}"
    shown = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in (".png", ".html")]
    assert "img/index.html" in shown
    assert "runs/first/figures/learning_curves.png" in shown
    assert "runs/first/figures/mistakes.png" in shown
    assert not any(path.startswith("runs/plain") for path in shown)


def test_the_commands_for_ones_own_images_and_network_work(folder, capsys):
    from PIL import Image

    random = np.random.default_rng(0)
    for name, lit in (("rose", slice(0, 6)), ("tulip", slice(6, 12))):
        place = folder / "path" / "to" / "folder" / name
        place.mkdir(parents=True)
        for number in range(300):
            pixels = random.integers(0, 100, size=(12, 12), dtype=np.uint8)
            pixels[:, lit] += 150
            Image.fromarray(pixels).save(place / f"{number}.png")
    Image.new("L", (40, 30), 210).save(folder / "photo.png")
    (folder / "my_net.py").write_text(
        "import keras\n\n\ndef build(width):\n"
        "    layers = [keras.layers.Flatten(), keras.layers.Dense(width, 'relu'), keras.layers.Dense(2)]\n"
        "    return keras.Sequential([keras.Input((12, 12, 1)), *layers])\n"
    )
    for line in lines(ROOT / "README.md", "sh"):
        program, *arguments = shlex.split(line)
        if program == "seedbed":
            more = ["--data", "flowers"] if "--model" in arguments else []
            assert run([*arguments, *more]) == 0, f"{line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_of_start_py_in_the_documents_exists(page):
    for line in lines(page, "sh"):
        program, *arguments = shlex.split(line)
        if arguments[:1] == ["start.py"]:
            assert program == "python3"
            assert arguments[1] in start.COMMANDS
        elif program == "python":
            assert (ROOT / arguments[0]).is_file()
        else:
            assert program == "seedbed"


def test_the_python_of_the_readme_runs(folder):
    for block in blocks(ROOT / "README.md", "python"):
        exec(compile(block, "README.md", "exec"), {})


def test_the_page_on_own_networks_works(folder, monkeypatch, capsys):
    install(monkeypatch)
    monkeypatch.syspath_prepend(folder)
    page = ROOT / "docs" / "own-networks.md"
    file, session = blocks(page, "python")
    (folder / "my_net.py").write_text(file)
    for line in lines(page, "sh"):
        assert run(shlex.split(line)[1:]) == 0, f"{line}: {capsys.readouterr().err}"
    exec(compile(session, page.name, "exec"), {})


def test_the_snippets_of_the_page_on_exports_load_what_was_written(folder, monkeypatch, capsys):
    install(monkeypatch)
    page = ROOT / "docs" / "export.md"
    assert run(["train", "-m", "first", "-d", "--data", "digits", "--epochs", "2"]) == 0
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    expected = names["sb"].load_network("first").predict(names["images"])
    assert np.abs(names["by_keras"] - expected).max() < 1e-5
    assert np.abs(names["by_onnx"] - expected).max() < 1e-5
    assert names["classes"] == [str(digit) for digit in range(10)]
    assert len(names["losses"]) == 2
    assert (names["hidden"] > 0).any()
    [program] = blocks(page, "c")
    (folder / "main.c").write_text(program)
    [command] = re.findall(r"`(cc [^`]+)`", page.read_text(encoding="utf-8"))
    subprocess.run([*command.split(), "-o", "main"], check=True)
    shown = subprocess.run(["./main"], capture_output=True, text=True, check=True).stdout.split()
    black = names["sb"].load_network("first").predict(np.zeros((1, 8, 8, 1)))[0]
    assert [float(share) for share in shown[1::2]] == pytest.approx(black.tolist(), abs=2e-6)


def test_the_page_of_the_command_line_is_made_from_its_help():
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs" / "make_cli.py")
    make_cli = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_cli)
    assert make_cli.PAGE.read_text(encoding="utf-8") == make_cli.page(), "out of date: run `python docs/make_cli.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_tree_of_the_readme_names_every_room():
    [tree] = [block for block in blocks(ROOT / "README.md", "text") if "src/seedbed/" in block]
    rooms = {path.name for path in (ROOT / "src" / "seedbed").iterdir() if not path.name.startswith("_")}
    named = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("    ")}
    assert named == rooms - {"py.typed"}
