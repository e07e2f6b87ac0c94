"""What the documents say is run: every command, every snippet, every link."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import start
from PIL import Image

import seedbed
from hostile.engine import install
from hostile.pictures import hashed
from seedbed import specs
from seedbed.cli import options  # noqa: F401  # before a test changes the number of epochs that help texts name
from seedbed.cli.frame import run
from seedbed.cli.frame import seedbed as root_command
from seedbed.figures import drawing

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SITE = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")), *SITE]


def path_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [block for _, block in re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, flags=re.MULTILINE | re.DOTALL)]


def lines(page: Path, language: str) -> list[str]:
    return [line.partition("  #")[0].strip() for block in blocks(page, language) for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, with a home in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDBED_HOME", str(tmp_path / "runs"))
    return tmp_path


def commands(page: Path) -> list[str]:
    """The commands of a page's `console` blocks, without the prompt; those of the shell itself are left out."""
    found = [line.removeprefix("$ ") for line in lines(page, "console")]
    assert all(line.startswith(("seedbed ", "source ")) for line in found), found
    return [line for line in found if line.startswith("seedbed ")]


def quick(line: str) -> list[str]:
    """The arguments of a command, with less to do where it would take most of a minute."""
    arguments = shlex.split(line)[1:]
    return [*arguments, "--trials", "3", "--finalists", "1"] if arguments[0] == "search" else arguments


@pytest.mark.slow
def test_the_commands_work_in_the_order_of_reading(folder, capsys, monkeypatch):
    install(monkeypatch)
    monkeypatch.setattr(specs, "AUTO_EPOCHS", 6)  # to their end they train a minute
    guides = (f"docs/how-to/{name}.md" for name in ("sweep", "search", "classroom"))
    read = [ROOT / name for name in ("README.md", "docs/start.md", *guides, "docs/understand/protocols.md")]
    assert {page for page in PAGES if commands(page)} == set(read)
    begin = {line for page in read[:2] for line in commands(page)}
    for line in dict.fromkeys(line for page in read for line in commands(page)):
        if line not in begin:
            monkeypatch.setattr(drawing, "draw", hashed)  # what the first pages need was drawn; a chart is now its hash
        assert run(quick(line)) == 0, f"{line}: {capsys.readouterr().err}"
    capsys.readouterr()
    for line, keys in json_commands().items():
        assert run(quick(line)) == 0, f"{line}: {capsys.readouterr().err}"
        assert set(json.loads(capsys.readouterr().out)) == keys, line
    shown = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in (".png", ".tex", ".md")]
    for path in ("runs/first/figures/learning_curves.png", "img/comparison.png", "widths.tex", "worksheet.md"):
        assert path in shown


def json_commands() -> dict[str, set[str]]:
    """The commands in the table of the page on JSON, with the keys of what each prints."""
    rows = re.findall(r"^\| `(seedbed [^`]+)` \| (.+) \|$", (DOCS / "reference" / "json.md").read_text(), re.MULTILINE)
    return {command: set(re.findall(r"`([^`]+)`", keys)) for command, keys in rows}


def write_pictures(place: Path) -> None:
    """Two classes of grey pictures, 12 x 12, that differ in which half is bright."""
    random = np.random.default_rng(0)
    for name, lit in (("rose", slice(0, 6)), ("tulip", slice(6, 12))):
        (place / name).mkdir(parents=True)
        for number in range(300):
            pixels = random.integers(0, 100, size=(12, 12), dtype=np.uint8)
            pixels[:, lit] += 150
            Image.fromarray(pixels).save(place / name / f"{number}.png")


def test_the_pages_on_ones_own_images_and_on_predicting_work(folder, capsys, monkeypatch):
    install(monkeypatch)
    write_pictures(folder / "path" / "to" / "images")
    (folder / "photos").mkdir()
    for name in ("photo.png", "photos/a.png"):
        Image.new("L", (40, 30), 210).save(folder / name)
    table = [",".join(f"pixel{number}" for number in range(144)), ",".join("9" * 144)]
    (folder / "test.csv").write_text("\n".join(table))
    for line in [line for name in ("own-images", "predict") for line in lines(DOCS / "how-to" / f"{name}.md", "sh")]:
        assert run(shlex.split(line)[1:]) == 0, f"{line}: {capsys.readouterr().err}"
    assert (folder / "submission.csv").read_text().startswith("ImageId,Label\n1,")


def test_the_commands_for_ones_own_images_and_network_work(folder, capsys, monkeypatch):
    install(monkeypatch)
    write_pictures(folder / "path" / "to" / "folder")
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


@pytest.mark.parametrize("page", PAGES, ids=path_of)
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
    page = DOCS / "how-to" / "own-network.md"
    file, session = blocks(page, "python")
    (folder / "my_net.py").write_text(file)
    for line in lines(page, "sh"):
        assert run(shlex.split(line)[1:]) == 0, f"{line}: {capsys.readouterr().err}"
    exec(compile(session, page.name, "exec"), {})


def test_the_page_on_python_works(folder, monkeypatch, capsys):
    install(monkeypatch)
    page, names = DOCS / "how-to" / "python.md", {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    for line in lines(page, "sh"):
        assert run(shlex.split(line)[1:]) == 0, f"{line}: {capsys.readouterr().err}"
    assert "toprule" in (folder / "ablation.tex").read_text()


def test_the_snippets_of_the_page_on_exports_load_what_was_written(folder, monkeypatch, capsys):
    install(monkeypatch)
    page = DOCS / "how-to" / "export.md"
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


@pytest.mark.parametrize("name", ["SECURITY.md", "docs/reference/reliability.md"])
def test_each_test_that_a_promise_names_exists(name):
    tests = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    }
    functions = set(re.findall(r"^def (test_\w+)", "\n".join(tests.values()), re.MULTILINE))
    files = {*tests, *(Path(path).name for path in tests if path.startswith("tests/hostile/"))}
    named = re.findall(r"`((?:tests/[\w/]+/)?test_\w+(?:\.py)?)`", (ROOT / name).read_text(encoding="utf-8"))
    assert len(named) > 10
    assert set(named) <= functions | files


def made_by(script: str) -> Any:
    """A script of docs, as a module."""
    spec = importlib.util.spec_from_file_location(script, DOCS / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_command_line_is_made_from_its_help():
    make_cli = made_by("make_cli")
    assert make_cli.PAGE.read_text(encoding="utf-8") == make_cli.page(), "out of date: run `python docs/make_cli.py`"


def test_the_pages_of_settings_and_terms_are_made_from_the_code():
    for path, text in made_by("make_settings").PAGES.items():
        assert path.read_text(encoding="utf-8") == text(), "out of date: run `python docs/make_settings.py`"


def test_the_page_on_python_names_all_that_is_public():
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    missing = [name for name in seedbed.__all__ if not re.search(rf"\bseedbed\.([\w.]+\.)?{name}\b", text)]
    assert missing == ["SeedbedError"]  # with its whole tree, by its module
    assert "seedbed.errors" in text


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as MyST and GitHub make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,3} (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_links_inside_the_project_lead_somewhere(page):
    text = re.sub(r"^```(?!\{).*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    downloads = re.findall(r"\{download\}`[^`<]+<([^>]+)>`", text)
    for target in [*re.findall(r"\]\((?!https?:)([^) ]+)", text), *downloads]:
        path, _, anchor = target.partition("#")
        leads_to = page.parent / path if path else page
        assert leads_to.exists(), target
        assert not anchor or anchor in anchors(leads_to), target


def test_each_page_of_the_site_is_in_the_contents_once():
    entered = [
        (page.parent / f"{line}.md").resolve()
        for page in SITE
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if line and not line.startswith(":")
    ]
    assert sorted(entered) == sorted(path for path in SITE if path != DOCS / "index.md")


def test_each_command_in_the_text_exists_with_its_options():
    for page in PAGES:
        if page.name in ("log.md", "CHANGELOG.md", "cli.md"):  # of older versions too; the last is made from the help
            continue
        shown = [line.removeprefix("$ ") for line in lines(page, r"\w+")]
        inline = re.findall(r"(?<!`)`(seedbed [a-z][^`]*)`", page.read_text(encoding="utf-8"))
        for line in [*inline, *(line for line in shown if re.match(r"seedbed [a-z]", line))]:
            assert not unknown(line.split()[1:]), f"{page.name}: {line}: {unknown(line.split()[1:])}"


def unknown(words: list[str]) -> list[str]:
    """The words of a command line that its program does not know: commands and options."""
    command: click.Command = root_command
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command)
        below = command.get_command(context, words[0])
        if below is None:
            return words[:1]
        command, words = below, words[1:]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"-h", "--help"}
    return [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]


def test_an_unknown_command_and_an_unknown_option_are_found():
    assert unknown(["train", "-m", "first", "--epoch", "3"]) == ["--epoch"]
    assert unknown(["data", "describe", "digits"]) == ["describe"]
    assert not unknown(["data", "info", "digits", "--json"])


def test_what_a_page_of_the_site_would_fetch_is_found(tmp_path):
    fetched = made_by("site_offline").fetched
    page, style = tmp_path / "page.html", tmp_path / "style.css"
    page.write_text('<a href="https://example.org"></a><link rel="next" href="//x"><script src="static/a.js"></script>')
    style.write_text("a { background: url(data:image/png;base64,) }")
    assert fetched(page) == fetched(style) == []
    page.write_text('<script src="https://example.org/a.js"></script><link rel="stylesheet" href="//example.org/a.css">')
    style.write_text("@import 'https://example.org/font.css'; a { background: url(https://example.org/a.png) }")
    assert fetched(page) == ["https://example.org/a.js", "//example.org/a.css"]
    assert fetched(style) == ["https://example.org/font.css", "https://example.org/a.png"]


def test_the_readme_is_short_and_its_pictures_are_light():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
    heavy = [path.name for path in DOCS.rglob("*.png") if "_build" not in path.parts and path.stat().st_size > 200_000]
    assert not heavy


def test_the_tree_names_every_package():
    [tree] = [block for block in blocks(ROOT / "CONTRIBUTING.md", "text") if "src/seedbed/" in block]
    rooms = {path.name for path in (ROOT / "src" / "seedbed").iterdir() if not path.name.startswith("_")}
    named = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("    ")}
    assert named == rooms - {"py.typed"}
