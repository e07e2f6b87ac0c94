"""Folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed import storage
from seedbed.errors import StorageError
from storage.samples import names_in


def test_a_folder_is_removed_at_once_and_its_remains_are_tidied(tmp_path: Path) -> None:
    storage.write(tmp_path / "a" / "b" / "c", b"x")
    storage.remove_tree(tmp_path / "a")
    storage.remove_tree(tmp_path / "a")
    assert names_in(tmp_path) == []
    storage.write(tmp_path / f"{storage.GONE}1" / "c", b"x")
    storage.write(tmp_path / f"{storage.TEMPORARY}1-x", b"x")
    storage.write(tmp_path / "kept", b"x")
    storage.tidy(tmp_path)
    assert names_in(tmp_path) == ["kept"]


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    storage.write(tmp_path / "file", b"")
    with pytest.raises(StorageError, match="a file is in the way"):
        storage.write(tmp_path / "file" / "x", b"")
