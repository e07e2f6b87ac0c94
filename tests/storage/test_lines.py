"""Lines with checksums."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from seedbed import storage
from seedbed.errors import CorruptFile, StorageError
from seedbed.storage import changes
from storage.samples import ROWS


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
    monkeypatch.setattr(changes, "sync", lambda file: waited.append(Path(file.name).name))
    monkeypatch.setattr(changes, "sync_folder", waited.append)
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
