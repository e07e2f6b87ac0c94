"""What a user's file depends on: found in its text, without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.sources import related
from seedbed.specs import Keras

FILES = {
    "net.py": "import blocks.dense\nfrom pathlib import Path\nPLACE = Path(__file__).parent / 'start.npz'\ndef build(): ...\n",
    "blocks/__init__.py": "",
    "blocks/dense.py": "from . import shared\ndef lazily():\n    import later\n",
    "blocks/shared.py": "WIDTH = 3\n",
    "later.py": "import json\n",
    "json.py": "raise SystemExit\n",
    "unused.py": "",
    "start.npz": "1",
    "given.npz": "2",
}
COVERED = {"blocks/__init__.py", "blocks/dense.py", "blocks/shared.py", "later.py", "start.npz"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_imports_and_named_files_are_found_through_other_files(folder: Path) -> None:
    assert set(related(folder / "net.py")) == COVERED
    assert set(related(folder / "net.py", [["given.npz"], 3])) == {*COVERED, "given.npz"}


@pytest.mark.parametrize("name", sorted(COVERED))
def test_the_identity_changes_with_each_of_them_and_with_no_other(folder: Path, name: str) -> None:
    def identity() -> str:
        return Keras.of(f"{folder / 'net.py'}:build").identity

    before = identity()
    (folder / "unused.py").write_text("# changed")
    assert identity() == before
    (folder / name).write_text(FILES[name] + "\n")
    assert identity() != before


def test_a_file_elsewhere_counts_by_its_whole_path(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "start.npz"
    elsewhere.write_text("3")
    (folder / "net.py").write_text(f"START = {str(elsewhere)!r}\n")
    assert set(related(folder / "net.py")) == {str(elsewhere)}


def test_a_file_that_is_not_python_is_left_to_its_error(folder: Path) -> None:
    (folder / "net.py").write_text("def build(:\n")
    assert related(folder / "net.py") == {}
