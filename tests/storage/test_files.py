"""Whole files: there or not there, and what is left of half-written ones."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from faults import faulty
from seedbed import storage
from seedbed.errors import StorageError
from seedbed.storage import changes
from storage.samples import POSIX, names_in


def test_a_file_is_written_with_its_parents_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    storage.write(path, b"old")
    storage.write(path, [b"n", memoryview(b""), memoryview(b"ew")])
    assert path.read_bytes() == b"new"
    assert names_in(path.parent) == ["file"]


def test_sha256_of_a_file_of_bytes_and_of_pieces_agree(tmp_path: Path) -> None:
    storage.write(tmp_path / "x", b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert {storage.sha256(tmp_path / "x"), storage.sha256(b"abc"), storage.sha256([b"a", memoryview(b"bc")])} == {known}


def test_writing_a_file_removes_what_killed_writers_left_of_it_and_nothing_else(tmp_path: Path) -> None:
    mine, *others = (tmp_path / f"{storage.TEMPORARY}0123456789ab-{name}" for name in ("a.html", "b-a.html", "b.html"))
    for path in (mine, *others):
        path.touch()
    storage.write(tmp_path / "a.html", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [*(path.name for path in others), "a.html"]
    storage.tidy(tmp_path / "absent")


def test_what_somebody_is_writing_is_not_tidied_away(tmp_path: Path) -> None:
    def tidied() -> bytes:
        storage.tidy(tmp_path)
        storage.tidy(tmp_path, [tmp_path / "x"])
        return b"new"

    storage.write(tmp_path / "x", (memoryview(tidied()) for _ in range(2)))
    assert (tmp_path / "x").read_bytes() == b"newnew"
    assert names_in(tmp_path) == ["x"]


@POSIX
def test_a_file_tidied_away_before_it_could_be_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create, hasty = changes.make_file, iter([True, False])

    def created(path: Path) -> BinaryIO:
        file = create(path)
        if next(hasty):
            storage.tidy(tmp_path)
        return file

    monkeypatch.setattr(changes, "make_file", created)
    storage.write(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert next(hasty, None) is None


def test_a_full_disk_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    with faulty(2, "full"), pytest.raises(StorageError, match=r"no space is left.*--resume"):
        storage.write(tmp_path / "x", b"y" * 100)
    assert names_in(tmp_path) == []


@POSIX
def test_a_real_limit_on_file_size_reads_as_no_space(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from seedbed import storage\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: storage.write(Path(sys.argv[1]) / 'x', bytes(10_000))\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert "no space is left" in done.stdout, done.stderr
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_place_that_may_not_be_written_is_known_beforehand(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(changes, "make_file", refuse)
    with pytest.raises(StorageError, match=r"not allowed to write.*--home DIR"):
        storage.check_writable(tmp_path / "home")


def test_a_writable_place_is_left_empty(tmp_path: Path) -> None:
    storage.check_writable(tmp_path / "home")
    assert names_in(tmp_path / "home") == []
