"""A fault or a kill at any change of the disk leaves the old state or the new one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from faults import Kind, Scenario, faulty, sweep
from seedbed import storage
from seedbed.errors import StorageError
from storage.samples import POSIX, ROWS, names_in


def _old(folder: Path) -> None:
    storage.write(folder / "x", b"old" * 10)
    storage.append_lines(folder / "m", ROWS)


def _write(folder: Path) -> None:
    storage.write(folder / "x", [b"new" * 10, b"newer" * 10])


def _several(folder: Path) -> None:
    storage.write_all({folder / "x": b"new", folder / "y": b"newer"})


def _both(folder: Path) -> object:
    return tuple((folder / name).read_bytes() if (folder / name).exists() else None for name in ("x", "y"))


def _file(folder: Path) -> object:
    return (folder / "x").read_bytes() if (folder / "x").exists() else None


def _all(folder: Path) -> object:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def _lines(folder: Path) -> object:
    return storage.read_lines(folder / "m")


def _append(folder: Path) -> None:
    storage.append_lines(folder / "m", [{"a": 1}, {"b": 2}])


def _append_the_rest(folder: Path) -> None:
    storage.append_lines(folder / "m", [{"a": 1}, {"b": 2}][len(storage.read_lines(folder / "m")) - len(ROWS) :])


def _cut(folder: Path) -> None:
    storage.cut_lines(folder / "m", 1)


def _deep(folder: Path) -> None:
    storage.write(folder / "a" / "b" / "x", b"new")


def _deeply(folder: Path) -> object:
    return (folder / "a" / "b" / "x").read_bytes() if (folder / "a" / "b" / "x").exists() else None


def _remove(folder: Path) -> None:
    storage.remove_tree(folder)


WRITE = Scenario(_old, _write, _file, _write)


SEVERAL = Scenario(_old, _several, _both, _several, between=((b"new", None), (b"old" * 10, b"newer")))


DEEP = Scenario(storage.make_folder, _deep, _deeply, _deep)


APPEND = Scenario(_old, _append, _lines, _append_the_rest, between=([*ROWS, {"a": 1}],))


CUT = Scenario(_old, _cut, _lines, _cut)


REMOVE = Scenario(_old, _remove, _all, _remove)


@pytest.mark.parametrize("kind", ["fails", "full", "dies"])
@pytest.mark.parametrize("name", ["WRITE", "SEVERAL", "DEEP", "APPEND", "CUT", "REMOVE"])
def test_a_fault_at_any_change_leaves_the_old_or_the_new(tmp_path: Path, name: str, kind: Kind) -> None:
    sweep(globals()[name], tmp_path, kind)


@POSIX
@pytest.mark.parametrize("name", ["WRITE", "APPEND"])
def test_a_kill_at_any_change_leaves_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    swept = subprocess.run(
        [sys.executable, str(Path(__file__).parents[1] / "faults.py"), f"storage.test_changes:{name}", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert swept.returncode == 0, swept.stderr
    assert int(swept.stdout) >= 2


@POSIX
def test_a_failed_write_leaves_no_file_beside_it(tmp_path: Path) -> None:
    storage.write(tmp_path / "x", b"old")
    for number in range(1, 5):
        with faulty(number, "fails"), pytest.raises(StorageError):
            storage.write(tmp_path / "x", b"new")
        assert names_in(tmp_path) == ["x"]
        assert (tmp_path / "x").read_bytes() == b"old"


def test_of_several_files_none_takes_its_place_before_all_are_on_the_disk(tmp_path: Path) -> None:
    with faulty(0, "fails") as struck:
        storage.write_all({tmp_path / "x": b"1", tmp_path / "y": b"2", tmp_path / "a" / "z": b"3"})
    last_synced = len(struck.changes) - 1 - struck.changes[::-1].index("sync")
    assert last_synced < struck.changes.index("rename")
    assert struck.changes[-2:] == ["sync_folder"] * 2
    assert struck.changes.count("sync") == 3


def test_every_change_of_the_disk_goes_through_the_named_functions() -> None:
    """Outside them, the module calls nothing that changes the disk: the sweeps would not see it."""
    modules = [path for path in Path(storage.__file__).parent.glob("*.py") if path.name != "changes.py"]
    assert len(modules) > 5
    rest = "".join(path.read_text() for path in modules).replace("file.truncate(0)", "")  # a lock's own text
    rest = re.sub(r"\bchanges\.\w+\(", "", rest)
    assert not re.search(r"\.(mkdir|unlink|rename|replace|truncate|write_text|write_bytes|rmtree)\((?!b?\")", rest)
