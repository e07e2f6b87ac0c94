"""`start.py`: from a fresh checkout to work, with exit codes that pass through."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import start

ROOT = Path(__file__).parents[1]


PROJECT = """
[project]
dependencies = ["numpy>=2.1"]
[project.optional-dependencies]
ray = ["ray>=2.60"]
test = ["pytest>=8.4", "ruff>=0.12"]
"""


@pytest.fixture
def sandbox(tmp_path, monkeypatch):
    """start.py in a folder of its own, its commands written down instead of run."""
    for name in ("constraints.txt", "setup.py"):
        (tmp_path / name).write_text("as it is\n")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    bin_folder = tmp_path / ".venv" / "bin"
    monkeypatch.setattr(start, "HERE", tmp_path)
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "BIN", bin_folder)
    monkeypatch.setattr(start, "PYTHON", bin_folder / "python")
    monkeypatch.setattr(start, "STAMP", tmp_path / ".venv" / "stamp.json")
    ran: list[tuple[str, ...]] = []
    codes: dict[str, int] = {}

    def run(*command: str) -> int:
        ran.append(command)
        if "venv" in command:
            bin_folder.mkdir(parents=True, exist_ok=True)
        return next((code for word, code in codes.items() if word in [Path(part).name for part in command]), 0)

    monkeypatch.setattr(start, "run", run)
    monkeypatch.setattr(start, "has_pip", lambda: True)
    return ran, codes, tmp_path


def words(ran: list[tuple[str, ...]]) -> list[str]:
    """The last path segment of each program that ran, or what pip and venv were asked for."""
    return [command[2] if command[1:2] == ("-m",) else Path(command[0]).name for command in ran]


def test_a_fresh_checkout_gets_an_environment_and_a_second_time_nothing_is_done(sandbox):
    ran, _, _ = sandbox
    assert start.setup() == 0
    assert words(ran) == ["venv", "pip", "pip", "compileall"]
    own, libraries = sorted(ran[1:3], key=len)
    assert own[-3:] == ("--no-deps", "-e", ".")
    assert libraries[-3:] == ("-c", "constraints.txt", "numpy>=2.1")
    ran.clear()
    assert start.setup() == 0
    assert ran == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "setup.py"])
def test_changed_versions_are_installed(sandbox, name):
    ran, _, folder = sandbox
    start.setup()
    ran.clear()
    (folder / name).write_text((folder / name).read_text() + "# changed\n")
    start.setup()
    assert "pip" in words(ran)


def test_extras_are_added_once_and_stay(sandbox):
    ran, _, _ = sandbox
    start.setup()
    start.setup("test")
    [*_, libraries] = [command for command in ran if "constraints.txt" in command]
    assert libraries[-3:] == ("numpy>=2.1", "pytest>=8.4", "ruff>=0.12")
    ran.clear()
    start.setup()
    assert ran == []


@pytest.mark.parametrize("failing", ["--no-deps", "constraints.txt"])
def test_an_installation_that_failed_is_tried_again(sandbox, failing):
    """Whichever of the two that run side by side: seedbed's own, or that of its libraries."""
    ran, codes, _ = sandbox
    codes[failing] = 3
    assert start.setup() == 3
    codes.clear()
    ran.clear()
    assert start.setup() == 0
    assert "pip" in words(ran)


def test_a_damaged_stamp_means_setting_up_anew(sandbox):
    ran, _, _ = sandbox
    start.setup()
    start.STAMP.write_text("{")
    ran.clear()
    assert start.setup() == 0
    assert "pip" in words(ran)
    assert json.loads(start.STAMP.read_text())["extras"] == []


def test_without_a_pip_inside_the_outer_one_installs(sandbox, monkeypatch):
    ran, _, _ = sandbox
    monkeypatch.setattr(start, "has_pip", lambda: False)
    assert start.setup() == 0
    assert {command[:5] for command in ran[1:3]} == {(sys.executable, "-m", "pip", "--python", str(start.PYTHON))}


def test_check_runs_every_tool_and_fails_with_the_first_that_failed(sandbox, capsys, monkeypatch):
    ran, codes, _ = sandbox
    codes["lint-imports"] = 7
    codes["mypy"] = 3
    codes["pytest"] = 1
    monkeypatch.setattr(start.shutil, "which", {"chromium": "/bin/chromium", "npm": "/bin/npm"}.get)
    assert start.check() == 7
    beside = ["ruff", "ruff", "lint-imports", "mypy"]
    assert [word for word in words(ran) if word not in ("npm", *beside)] == [
        *("venv", "pip", "pip", "compileall"),
        *("pytest", "pytest"),
    ]
    assert [word for word in words(ran) if word in beside] == beside
    assert [command[1:] for command in ran if "pytest" in words([command])][1] == ("--last-failed",)
    assert words(ran).count("npm") == 2
    assert "failed: lint-imports, mypy, pytest" in capsys.readouterr().err


@pytest.mark.parametrize(("ci", "asked"), [("true", ["sh"]), ("", [])])
def test_a_browser_is_installed_by_ci_alone(sandbox, monkeypatch, ci, asked):
    ran, _, _ = sandbox
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(start.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(start.shutil, "which", {"apt-get": "/usr/bin/apt-get"}.get)
    start.get_browser()
    assert words(ran) == asked


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_scripts_are_not_checked_without_npm_and_only_ci_insists_on_its_packages(sandbox, monkeypatch, ci, code):
    ran, codes, _ = sandbox
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(start.shutil, "which", {}.get)
    assert start.check_scripts() == 0
    assert ran == []
    codes["ci"] = 1
    monkeypatch.setattr(start.shutil, "which", {"npm": "/bin/npm"}.get)
    assert start.check_scripts() == code


def test_digits_stops_at_the_first_failure(sandbox):
    ran, codes, _ = sandbox
    codes["report"] = 130
    assert start.digits() == 130
    assert ran[-1][1] == "report"


def test_digits_says_where_the_pictures_are(sandbox, capsys, monkeypatch):
    _, _, folder = sandbox
    monkeypatch.chdir(folder)
    picture = folder / "report" / "figures" / "units_widths.png"
    picture.parent.mkdir(parents=True)
    picture.touch()
    assert start.digits() == 0
    told = capsys.readouterr().out
    assert str(Path("report/figures/units_widths.png")) in told
    assert "report.html" in told


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["check", "more"]])
def test_wrong_usage_shows_the_commands_and_exits_2(arguments):
    told = subprocess.run([sys.executable, ROOT / "start.py", *arguments], capture_output=True, text=True)
    assert told.returncode == 2
    assert "start.py digits" in told.stderr


def test_the_constraints_pin_every_direct_dependency_and_name_no_address():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {name.lower().replace("_", "-") for name in pins}
    for requirement in wanted:
        name = requirement.partition(">")[0].partition("=")[0].partition("[")[0].strip().lower()
        assert name in pinned, f"{requirement} is not pinned in constraints.txt"
    assert not any("://" in line or "@" in line for line in lines)


def test_ci_runs_what_a_developer_runs():
    assert (ROOT / ".ci" / "run").read_text().strip().endswith("exec python3 start.py check")
