from __future__ import annotations

import errno
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from faults import Kind, Scenario, faulty, sweep
from seedbed import storage
from seedbed.errors import CorruptFile, HomeInUse, StorageError

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and forks")
ROWS = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": None}, {"epoch": 3, "name": "é\n\u2028"}]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _stage_half(path: Path) -> None:
    with storage.staged(path) as temporary:
        temporary.write_bytes(b"half")
        raise KeyError


# Whole files


def test_a_file_is_written_with_its_parents_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    storage.write(path, b"old")
    storage.write(path, [b"n", memoryview(b""), memoryview(b"ew")])
    assert path.read_bytes() == b"new"
    assert _names(path.parent) == ["file"]


def test_what_a_library_writes_takes_its_place_only_when_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    with storage.staged(path) as temporary:
        assert temporary.suffix == ".png"
        assert not path.exists()
        temporary.write_bytes(b"picture")
    assert path.read_bytes() == b"picture"
    with pytest.raises(KeyError):
        _stage_half(path)
    assert path.read_bytes() == b"picture"
    assert _names(tmp_path) == ["chart.png"]


def test_a_library_that_writes_nothing_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nothing was written"), storage.staged(tmp_path / "x"):
        pass


def test_json_comes_back_in_its_order(tmp_path: Path) -> None:
    value = {"b": [1, None, {"é": 0.1}], "a": "x"}
    storage.write_json(tmp_path / "v.json", value)
    assert storage.read_json(tmp_path / "v.json") == value
    assert list(storage.read_json(tmp_path / "v.json")) == ["b", "a"]


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"x": -math.inf}, object(), b"bytes"])
def test_json_refuses_what_it_has_no_word_for_and_leaves_the_old_file(tmp_path: Path, value: object) -> None:
    path = tmp_path / "v.json"
    storage.write_json(path, 1)
    with pytest.raises(StorageError, match="JSON has no word"):
        storage.write_json(path, value)
    assert storage.read_json(path) == 1


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"NaN", b'{"a": Infinity}', b"\xff\xfe", b"[" * 100_000, b"1" * 5_000, b'{"a": 1} x', b" " * 2_000_001],
    ids=["empty", "torn", "nan", "infinity", "not utf-8", "deep", "long number", "trailing", "large"],
)
def test_a_hostile_json_file_is_one_line_of_error(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "v.json"
    path.write_bytes(text)
    with pytest.raises(CorruptFile, match=re.escape(str(path))) as caught:
        storage.read_json(path, 2_000_000)
    assert "\n" not in str(caught.value)


def test_a_missing_json_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.json: there is no such file"):
        storage.read_json(tmp_path / "none.json")


def test_sha256_of_a_file_of_bytes_and_of_pieces_agree(tmp_path: Path) -> None:
    storage.write(tmp_path / "x", b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert {storage.sha256(tmp_path / "x"), storage.sha256(b"abc"), storage.sha256([b"a", memoryview(b"bc")])} == {known}


def test_a_folder_is_removed_at_once_and_its_remains_are_tidied(tmp_path: Path) -> None:
    storage.write(tmp_path / "a" / "b" / "c", b"x")
    storage.remove_tree(tmp_path / "a")
    storage.remove_tree(tmp_path / "a")
    assert _names(tmp_path) == []
    storage.write(tmp_path / f"{storage.GONE}1" / "c", b"x")
    storage.write(tmp_path / f"{storage.TEMPORARY}1-x", b"x")
    storage.write(tmp_path / "kept", b"x")
    storage.tidy(tmp_path)
    assert _names(tmp_path) == ["kept"]


def test_writing_a_file_removes_what_killed_writers_left_of_it_and_nothing_else(tmp_path: Path) -> None:
    mine, *others = (tmp_path / f"{storage.TEMPORARY}0123456789ab-{name}" for name in ("a.html", "b-a.html", "b.html"))
    for path in (mine, *others):
        path.touch()
    storage.write(tmp_path / "a.html", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [*(path.name for path in others), "a.html"]
    storage.tidy(tmp_path / "absent")


@pytest.mark.parametrize("write", ["write", "staged"])
def test_what_somebody_is_writing_is_not_tidied_away(tmp_path: Path, write: str) -> None:
    def tidied() -> bytes:
        storage.tidy(tmp_path)
        storage.tidy(tmp_path, [tmp_path / "x"])
        return b"new"

    if write == "write":
        storage.write(tmp_path / "x", (memoryview(tidied()) for _ in range(2)))
    else:
        with storage.staged(tmp_path / "x") as temporary:
            temporary.write_bytes(2 * tidied())
            tidied()
    assert (tmp_path / "x").read_bytes() == b"newnew"
    assert _names(tmp_path) == ["x"]


@POSIX
def test_a_file_tidied_away_before_it_could_be_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create, hasty = storage._create, iter([True, False])

    def created(path: Path) -> BinaryIO:
        file = create(path)
        if next(hasty):
            storage.tidy(tmp_path)
        return file

    monkeypatch.setattr(storage, "_create", created)
    storage.write(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert next(hasty, None) is None


# What the disk says


def test_a_full_disk_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    with faulty(2, "full"), pytest.raises(StorageError, match=r"no space is left.*--resume"):
        storage.write(tmp_path / "x", b"y" * 100)
    assert _names(tmp_path) == []


@POSIX
def test_a_real_limit_on_file_size_reads_as_no_space(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from seedbed import storage\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: storage.write(Path(sys.argv[1]) / 'x', bytes(10_000))\n"
        "except storage.StorageError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert "no space is left" in done.stdout, done.stderr
    assert _names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_place_that_may_not_be_written_is_known_beforehand(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(storage, "_create", refuse)
    with pytest.raises(StorageError, match=r"not allowed to write.*--home DIR"):
        storage.check_writable(tmp_path / "home")


def test_a_writable_place_is_left_empty(tmp_path: Path) -> None:
    storage.check_writable(tmp_path / "home")
    assert _names(tmp_path / "home") == []


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    storage.write(tmp_path / "file", b"")
    with pytest.raises(StorageError, match="a file is in the way"):
        storage.write(tmp_path / "file" / "x", b"")


# Lines


def test_lines_come_back_and_are_plain_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    storage.append_lines(path, ROWS[:1])
    storage.append_lines(path, ROWS[1:], sync=False)
    storage.append_lines(path, [{}])
    assert storage.read_lines(path) == [*ROWS, {}]
    assert [json.loads(line)["crc"] for line in path.read_text().splitlines()]
    assert storage.read_lines(tmp_path / "none") == []


def test_lines_written_at_once_equal_lines_appended(tmp_path: Path) -> None:
    storage.append_lines(tmp_path / "a", ROWS)
    storage.write_lines(tmp_path / "b", ROWS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_row_with_nan_is_refused_and_nothing_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "m"
    storage.append_lines(path, ROWS)
    with pytest.raises(StorageError):
        storage.append_lines(path, [{"a": 1}, {"loss": math.nan}])
    assert storage.read_lines(path) == ROWS


def test_lines_that_were_not_waited_for_are_on_the_disk_with_their_name_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[object] = []
    monkeypatch.setattr(storage, "_sync", lambda file: waited.append(Path(file.name).name))
    monkeypatch.setattr(storage, "_sync_folder", waited.append)
    for row in ROWS:
        storage.append_lines(tmp_path / "m", [row], sync=False)
    assert waited == []
    storage.sync([tmp_path / "m", tmp_path / "absent"])
    assert waited == ["m", tmp_path]
    assert storage.read_lines(tmp_path / "m") == ROWS


def test_a_tail_torn_at_any_byte_is_cut_before_appending(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "torn"
    storage.append_lines(whole, ROWS)
    data = whole.read_bytes()
    ends = [index + 1 for index, byte in enumerate(data) if byte == ord("\n")]
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        kept = sum(end <= cut for end in ends)
        assert storage.read_lines(path) == ROWS[:kept]
        for extra in ({"again": 1}, {"again": 2}):
            storage.append_lines(path, [extra], sync=False)
        assert storage.read_lines(path) == [*ROWS[:kept], {"again": 1}, {"again": 2}], cut


def test_a_damaged_byte_is_never_read_as_data(tmp_path: Path) -> None:
    path = tmp_path / "m"
    storage.append_lines(path, ROWS)
    data = path.read_bytes()
    last = data.rindex(b"\n", 0, -1)
    for position in range(len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x11]) + data[position + 1 :])
        if position < last:
            with pytest.raises(CorruptFile, match=r"line \d is damaged"):
                storage.read_lines(path)
        else:  # the last line, or the line feed that parts it from the one before: a tail
            assert storage.read_lines(path) == ROWS[: 1 if position == last else 2]


def test_appending_behind_a_long_tail_of_rubbish_finds_the_last_sound_line(tmp_path: Path) -> None:
    path = tmp_path / "m"
    long = [{"text": "x" * 40_000}, *ROWS]
    storage.append_lines(path, long)
    with path.open("ab") as file:
        file.write(b"\0" * 50_000 + b"\n" + b"\r" * 50_000)
    storage.append_lines(path, [{"a": 1}])
    assert storage.read_lines(path) == [*long, {"a": 1}]


def test_a_file_that_is_not_ours_is_not_emptied(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("my notes\nof the day\n")
    with pytest.raises(CorruptFile, match="no line"):
        storage.append_lines(path, ROWS)
    assert path.read_text() == "my notes\nof the day\n"


def test_lines_are_cut_back_whatever_state_the_rest_is_in(tmp_path: Path) -> None:
    path = tmp_path / "m"
    storage.append_lines(path, ROWS)
    data = path.read_bytes()
    second = data.index(b"\n") + 1
    path.write_bytes(data[: second + 3] + b"?" + data[second + 4 :])
    storage.cut_lines(path, 1)
    assert storage.read_lines(path) == ROWS[:1]
    with pytest.raises(CorruptFile, match="line 2 is damaged or missing"):
        storage.cut_lines(path, 2)
    storage.cut_lines(path, 0)
    assert path.read_bytes() == b""
    storage.cut_lines(tmp_path / "none", 0)
    with pytest.raises(CorruptFile):
        storage.cut_lines(tmp_path / "none", 1)


# Locks


def test_the_second_to_lock_learns_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "x"
    with storage.lock(path):
        assert storage.holder(path).startswith(f"pid {os.getpid()} on host ")
        with pytest.raises(HomeInUse, match=f"Run 'a' is in use by pid {os.getpid()} on host "), storage.lock(path, "Run 'a'"):
            pass
        assert storage.holder(path)
    assert storage.holder(path) == ""
    with storage.lock(path):
        pass


def test_a_lock_is_given_back_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(KeyError), storage.lock(tmp_path / "x"):
        raise KeyError
    assert storage.holder(tmp_path / "x") == ""


def test_a_hostile_lock_file_cannot_speak(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with storage.lock(path):
        path.write_bytes(b"\x1b[2Jnobody\n")
        assert storage.holder(path) == "another process"


def test_a_killed_owner_frees_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "x"
    code = (
        "import sys; from pathlib import Path; from seedbed import storage\n"
        "with storage.lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(HomeInUse, match=f"pid {owner.pid} on host "), storage.lock(path):
            pass
        owner.kill()
        owner.wait()
    with storage.lock(path, wait=10):
        assert storage.holder(path).startswith(f"pid {os.getpid()} ")


# Sweeps


def _old(folder: Path) -> None:
    storage.write(folder / "x", b"old" * 10)
    storage.append_lines(folder / "m", ROWS)


def _write(folder: Path) -> None:
    storage.write(folder / "x", [b"new" * 10, b"newer" * 10])


def _stage(folder: Path) -> None:
    with storage.staged(folder / "x") as temporary:
        temporary.write_bytes(b"staged")


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
STAGE = Scenario(_old, _stage, _file, _stage)
DEEP = Scenario(storage.make_folder, _deep, _deeply, _deep)
APPEND = Scenario(_old, _append, _lines, _append_the_rest, between=([*ROWS, {"a": 1}],))
CUT = Scenario(_old, _cut, _lines, _cut)
REMOVE = Scenario(_old, _remove, _all, _remove)


@pytest.mark.parametrize("kind", ["fails", "full", "dies"])
@pytest.mark.parametrize("name", ["WRITE", "SEVERAL", "STAGE", "DEEP", "APPEND", "CUT", "REMOVE"])
def test_a_fault_at_any_change_leaves_the_old_or_the_new(tmp_path: Path, name: str, kind: Kind) -> None:
    sweep(globals()[name], tmp_path, kind)


@POSIX
@pytest.mark.parametrize("name", ["WRITE", "APPEND"])
def test_a_kill_at_any_change_leaves_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    swept = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("faults.py")), f"test_storage:{name}", str(tmp_path)],
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
        assert _names(tmp_path) == ["x"]
        assert (tmp_path / "x").read_bytes() == b"old"


def test_of_several_files_none_takes_its_place_before_all_are_on_the_disk(tmp_path: Path) -> None:
    with faulty(0, "fails") as struck:
        storage.write_all({tmp_path / "x": b"1", tmp_path / "y": b"2", tmp_path / "a" / "z": b"3"})
    last_synced = len(struck.changes) - 1 - struck.changes[::-1].index("_sync")
    assert last_synced < struck.changes.index("_rename")
    assert struck.changes[-2:] == ["_sync_folder"] * 2
    assert struck.changes.count("_sync") == 3


def test_every_change_of_the_disk_goes_through_the_named_functions() -> None:
    """Outside them, the module calls nothing that changes the disk: the sweeps would not see it."""
    text = Path(storage.__file__).read_text()
    named = text[text.index("# --- What changes the disk") : text.index("# --- Whole files")]
    rest = text.replace(named, "").replace("file.truncate(0)", "")  # a lock's own text
    assert not re.search(r"\.(mkdir|unlink|rename|replace|truncate|write_text|write_bytes|rmtree)\((?!b?\")", rest)
