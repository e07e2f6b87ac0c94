"""The notebooks and the pages of the tutorial run from the first cell to the last, on digits and with few epochs."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hostile.engine import here

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
TUTORIAL = sorted((FOLDER.parents[1] / "docs" / "tutorial").glob("[1-9]*.md"))

LIMITS = {"epochs": 1, "seeds": 2, "SEEDS": 2, "folds": 2, "trials": 2}

ON_PAGES = ("own_images", "own_network", "exercise")

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras saves arrays of jax so


def quick(text: str) -> str:
    """The notebook with less to train: `LIMITS` of what its text asks for."""
    for name, most in LIMITS.items():
        text = re.sub(
            rf"\b{name}( ?= ?)(\d+)", lambda found, most=most: found[0][: -len(found[2])] + str(min(most, int(found[2]))), text
        )
    return text


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_of: Callable[[int], int]
) -> None:
    if notebook.stem in ON_PAGES and step_of(2) > 1:
        pytest.skip("pages of the documentation have its calls; --every-point runs it too")
    pytest.importorskip("pandas")
    run_quickly(notebook.read_text(), tmp_path / notebook.name, monkeypatch)


def run_quickly(text: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a notebook with less to train, as a script in a folder of its own."""
    monkeypatch.chdir(copy.parent)
    monkeypatch.setenv("SEEDBED_HOME", str(copy.parent / "runs"))
    copy.write_text(quick(text))
    with here() as patch:
        patch.setattr(sys, "argv", [str(copy)])
        runpy.run_path(str(copy), run_name="__main__")


def cells(page: Path) -> list[str]:
    """The code cells of a page of the tutorial, without the hidden one, which is for the site alone."""
    found = re.findall(r"^```\{code-cell\} python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    code = [re.sub(r"\A---\n.*?^---\n", "", cell, flags=re.MULTILINE | re.DOTALL) for cell in found]
    return [cell for cell in code if not cell.startswith(":tags: [remove-cell]")]


def test_the_tutorial_runs_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(TUTORIAL) == 8
    for page in TUTORIAL:
        assert len(cells(page)) >= 2
        run_quickly("\n\n".join(cells(page)), tmp_path / f"{page.stem}.py", monkeypatch)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_cells_with_text_between_them(notebook: Path) -> None:
    text = notebook.read_text()
    assert text.startswith("# ---\n# jupyter:\n")
    cells = re.split(r"^# %%", text, flags=re.MULTILINE)[1:]
    assert sum(cell.startswith(" [markdown]") for cell in cells) >= 5
    for cell in cells:
        if cell.startswith(" [markdown]"):
            assert all(line.startswith("#") for line in cell.splitlines()[1:] if line), cell
