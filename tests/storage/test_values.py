"""JSON files."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from seedbed import storage
from seedbed.errors import CorruptFile, StorageError


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
