from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faults import faulty
from runs.samples import WEIGHTS, entry, finish, rows
from seedbed import storage
from seedbed.errors import CorruptFile, StorageError
from seedbed.runs import RunStore
from seedbed.storage import changes


def _saved(root: Path, saves: int) -> RunStore:
    home = RunStore(root)
    for number in range(1, saves + 1):
        home.save_population("p", {name: array + number for name, array in WEIGHTS.items()}, {"epoch": number})
    return home


def _is_save(found: object, number: int) -> bool:
    assert isinstance(found, tuple)
    arrays, manifest = found
    same = all((arrays[name] == WEIGHTS[name] + number).all() for name in WEIGHTS)
    return manifest == {"epoch": number} and set(arrays) == set(WEIGHTS) and same


def test_the_newest_save_is_loaded_and_two_are_kept(tmp_path: Path) -> None:
    home = _saved(tmp_path, 5)
    assert _is_save(home.load_population("p", pytest.fail), 5)
    names = sorted(path.name for path in (tmp_path / ".populations" / "p").iterdir())
    assert names == ["000004.json", "000004.safetensors", "000005.json", "000005.safetensors"]


def test_a_population_that_was_never_saved_or_was_dropped_is_none(tmp_path: Path) -> None:
    home = _saved(tmp_path, 1)
    assert home.populations() == ["p"]
    assert home.load_population("q") is None
    home.drop_population("p")
    assert home.load_population("p") is None
    assert home.populations() == []


@pytest.mark.parametrize("file", ["000002.safetensors", "000002.json"])
def test_a_flip_or_cut_anywhere_falls_back_to_the_save_before_and_says_so(tmp_path: Path, file: str) -> None:
    home = _saved(tmp_path, 2)
    path = tmp_path / ".populations" / "p" / file
    data = path.read_bytes()
    flips = [data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :] for at in range(len(data))]
    cuts = [data[:at] for at in range(0, len(data), 3)]
    for damaged in [*flips, *cuts, data + b"x"]:
        path.write_bytes(damaged)
        told: list[str] = []
        found = home.load_population("p", told.append)
        if damaged == data + b"x" and file.endswith("json"):
            assert _is_save(found, 2)  # a tail behind the one line is not read
            continue
        assert _is_save(found, 1)
        assert len(told) == 1
        assert "Continuing from the checkpoint before it" in told[0]
        assert "\n" not in told[0]


def test_a_fallback_that_nobody_listens_to_warns(tmp_path: Path) -> None:
    home = _saved(tmp_path, 2)
    storage.write(tmp_path / ".populations" / "p" / "000002.safetensors", b"rot")
    with pytest.warns(UserWarning, match="Continuing from the checkpoint before"):
        assert _is_save(home.load_population("p"), 1)


def test_no_sound_save_is_an_error_and_never_a_silent_fresh_start(tmp_path: Path) -> None:
    home = _saved(tmp_path, 3)
    for path in (tmp_path / ".populations" / "p").glob("*.safetensors"):
        path.write_bytes(b"rot")
    told: list[str] = []
    with pytest.raises(CorruptFile, match=r"no checkpoint of this population is sound.*--replace"):
        home.load_population("p", told.append)
    assert len(told) == 2


def test_a_full_disk_leaves_the_last_save(tmp_path: Path) -> None:
    home = _saved(tmp_path, 2)
    with faulty(2, "full"), pytest.raises(StorageError, match="no space"):
        home.save_population("p", WEIGHTS, {"epoch": 3})
    assert _is_save(home.load_population("p", pytest.fail), 2)
    home.save_population("p", {name: array + 3 for name, array in WEIGHTS.items()}, {"epoch": 3})
    assert _is_save(home.load_population("p", pytest.fail), 3)


def test_arrays_of_every_kind_come_back(tmp_path: Path) -> None:
    kinds = ("float64", "float32", "float16", "int64", "int32", "uint32", "uint8", "int8", "bool")
    arrays = {f"{kind}/x": np.arange(6).reshape(2, 3).astype(kind) for kind in kinds}
    arrays |= {"scalar": np.array(3.5), "empty": np.zeros((0, 4), np.float32)}
    arrays |= {
        "fortran": np.asfortranarray(arrays["float32/x"]),
        "strided": np.arange(20)[::3],
        "big": np.arange(3, dtype=">f4"),
    }
    home = RunStore(tmp_path)
    home.save_population("p", arrays, {})
    found = home.load_population("p")
    assert found is not None
    assert set(found[0]) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[0][name], array)
        assert found[0][name].dtype == array.dtype.newbyteorder("=")


def test_arrays_without_a_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not support the dtype object"):
        RunStore(tmp_path).save_population("p", {"x": np.array([object()])}, {})


def test_metrics_are_on_the_disk_before_the_save_that_counts_on_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = RunStore(tmp_path)
    order: list[str] = []
    monkeypatch.setattr(changes, "sync", lambda file: order.append(Path(file.name).suffix))
    with home.claim([entry()]):
        home.append("a", rows(2))
        order.clear()
        home.save_population("p", WEIGHTS, {"epoch": 2})
        home.save_population("p", WEIGHTS, {"epoch": 2})
    assert order == [".jsonl", ".safetensors", ".json", ".safetensors", ".json"]


def test_removing_the_last_run_to_resume_removes_the_populations_saves(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    entries = [entry("a"), entry("b"), entry("c")]
    with home.claim(entries):
        finish(home, entries[2])
    home.save_population("p", WEIGHTS, {"runs": ["a", "b", "c"]})
    home.save_population("other", WEIGHTS, {"runs": ["b"]})
    home.save_population("nameless", WEIGHTS, {})
    home.remove("a")
    assert home.populations() == ["nameless", "other", "p"]
    home.remove("b")
    assert home.populations() == ["nameless"]


def test_beginning_anew_removes_the_saves_that_led_here(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    home.claim([entry()]).close()
    home.save_population("p", WEIGHTS, {"runs": ["a"]})
    home.claim([entry()], resume=True).close()
    assert home.populations() == ["p"]
    home.claim([entry()], replace=True).close()
    assert home.populations() == []
