from __future__ import annotations

import io
import json
import math
import random
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open

from runs.samples import PREDICTIONS, WEIGHTS, entry, finish, grown, result, rows
from seedbed import storage
from seedbed.errors import CorruptFile, HomeInUse, RunError, RunHalfDone, SeedbedError, StorageError, UnknownRun
from seedbed.runs import FinishedRun, RunStore, claims

# Storing and finding


def test_a_finished_run_comes_back_as_it_was(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    (found,) = home.find("a")
    expected = result(entry()).named("a", "a", str(tmp_path / "a"))
    assert found.as_json() == expected.as_json()
    assert (found.versions, found.run) == (expected.versions, expected.run)
    for name, column in expected.history.columns.items():
        np.testing.assert_array_equal(found.history[name], column)
    assert math.isnan(found.history["saturation/dense_0"][0])
    assert home.status("a") == "finished"
    assert home.scale("a") == 16.0


def test_the_files_are_plain(tmp_path: Path) -> None:
    grown(tmp_path, entry())
    files = sorted(str(path.relative_to(tmp_path / "a").as_posix()) for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert files == ["metrics.jsonl", "predictions.npz", "run.json", "weights/best.safetensors", "weights/last.safetensors"]
    said = json.loads((tmp_path / "a" / "run.json").read_text())
    assert (said["format"], said["status"], said["identity"]) == (2, "finished", entry().run.identity)
    assert said["best"]["validation"]["accuracy"] == 0.8
    lines = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[0]["saturation/dense_0"] is None
    with safe_open(tmp_path / "a" / "weights" / "best.safetensors", framework="numpy") as file:
        facts = {name: json.loads(text) for name, text in file.metadata().items()}
    assert facts["model"] == entry().run.model.plain()
    assert (facts["scale"], facts["classes"], facts["image_shape"]) == (16.0, ["0", "1", "<b>2"], [2, 2, 1])


def test_weights_and_predictions_come_back(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    shapes = {"dense_0/kernel": (4, 3), "dense_0/bias": (3,)}
    for which, extra in (("best", 0), ("last", 1)):
        found = home.weights("a", which, shapes)
        assert set(found) == set(WEIGHTS)
        for name, array in WEIGHTS.items():
            np.testing.assert_array_equal(found[name], array + extra)
    found = home.predictions("a")
    assert set(found) == set(PREDICTIONS)
    for name, array in PREDICTIONS.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_run_may_keep_metrics_only(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    with home.claim([entry()]):
        home.finish(FinishedRun(entry(), result(entry()), 16.0))
    assert home.find("a")[0].history.epochs == 3
    with pytest.raises(RunError, match=r"kept no weights/best\.safetensors"):
        home.weights("a", "best")
    with pytest.raises(RunError, match="kept no predictions"):
        home.predictions("a")


def test_a_diverged_run_is_stored_with_null_for_nan(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    diverged = result(entry())
    for name in ("validation_loss", "train_loss"):
        diverged.history.columns[name][:] = [math.nan, math.inf, math.nan]
    with home.claim([entry()]):
        home.finish(FinishedRun(entry(), diverged, 16.0))
    (found,) = home.find("a")
    assert found.best == 0
    assert found.summary()["best"] is None
    assert np.isnan(found.history["validation_loss"]).all()
    assert "NaN" not in (tmp_path / "a" / "metrics.jsonl").read_text() + (tmp_path / "a" / "run.json").read_text()


def test_a_result_of_the_same_identity_is_copied_under_another_name(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("a"))
    assert home.find_identities(["0" * 16]) == {}
    [twin] = home.find_identities([entry("b").run.identity]).values()
    with home.claim([entry("b")]):
        weights = {which: home.weights(twin.name, which) for which in ("best", "last")}
        [copied] = home.finish(FinishedRun(entry("b"), twin, home.scale("a"), predictions=home.predictions("a"), **weights))
    assert (copied.name, copied.folder) == ("b", str(tmp_path / "b"))
    assert home.find("b")[0].as_json()["curve"] == home.find("a")[0].as_json()["curve"]


def test_a_result_of_other_settings_is_refused(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    with home.claim([entry()]), pytest.raises(RunError, match="other settings"):
        home.finish(FinishedRun(entry(), result(entry(seed=1)), 1.0))
    assert home.status("a") == "interrupted"


def test_a_group_is_found_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    home = grown(tmp_path, *(entry(f"a.{seed}", group="a", seed=seed) for seed in range(11)), entry("b"))
    assert [each.run.seed for each in home.find("a")] == list(range(11))
    assert [each.name for each in home.find("a.10")] == ["a.10"]
    assert len(home.results()) == 12


def test_an_unknown_name_offers_the_nearest(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("baseline"))
    for method in (
        home.find,
        home.status,
        home.remove,
        lambda name: home.weights(name, "best"),
        lambda name: home.look(name, {}),
    ):
        with pytest.raises(UnknownRun, match=r"'basline'. Did you mean 'baseline'\?"):
            method("basline")
    for method in (RunStore(tmp_path / "none").find, RunStore(tmp_path / "none").remove):
        with pytest.raises(UnknownRun, match="is empty"):
            method("a")
    assert not (tmp_path / "none").exists()


def test_an_unfinished_run_is_listed_and_says_what_is_wrong_when_it_is_needed(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("b"))
    with home.claim([entry("a")]):
        home.mark(["a"], "failed", "out of memory")
    assert [(each.name, each.status, each.reason) for each in home.listing()] == [
        ("a", "failed", "out of memory"),
        ("b", "finished", ""),
    ]
    with pytest.raises(RunHalfDone, match=r"'a' is failed \(out of memory\), not finished"):
        home.find("a")
    assert [each.name for each in home.results()] == ["b"]


def test_a_listing_does_not_open_the_curves(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    (tmp_path / "a" / "metrics.jsonl").write_bytes(b"rubbish\n")
    (listed,) = home.listing()
    assert listed.record is not None
    assert listed.record.best is not None
    assert listed.record.best["epoch"] == 3


def test_a_folder_that_the_user_renamed_has_its_new_name(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("a"))
    (tmp_path / "a").rename(tmp_path / "z")
    assert home.find("z")[0].name == "z"
    assert [each.name for each in home.listing()] == ["z"]


def test_a_linked_run_is_removed_and_what_it_links_to_is_not(tmp_path: Path) -> None:
    home, elsewhere = grown(tmp_path / "home", entry("b")), grown(tmp_path / "elsewhere", entry("a"))
    try:
        (tmp_path / "home" / "a").symlink_to(elsewhere.folder("a"), target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert home.remove("a") == ["a"]
    assert [each.name for each in home.listing()] == ["b"]
    assert elsewhere.find("a")


def test_removing_takes_a_run_or_a_group(tmp_path: Path) -> None:
    home = grown(tmp_path, *(entry(f"a.{seed}", group="a", seed=seed) for seed in range(3)), entry("b"))
    assert home.remove("a.1") == ["a.1"]
    assert home.remove("a") == ["a.0", "a.2"]
    assert [path.name for path in sorted(tmp_path.iterdir()) if not path.name.startswith(".")] == ["b"]


# Metrics


def test_appended_epochs_are_numbered_and_cut_back(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    with home.claim([entry()]):
        home.append("a", rows(2))
        home.append("a", [{"epoch": 3, **rows(3)[-1]}])
        assert home.epochs("a") == RunStore(tmp_path).epochs("a") == 3
        with pytest.raises(RunError, match="epoch 3 was given where epoch 4 is next"):
            home.append("a", [{"epoch": 3}])
        home.cut("a", 1)
        home.append("a", rows(1))
    assert [row["epoch"] for row in storage.read_lines(tmp_path / "a" / "metrics.jsonl")] == [1, 2]


def test_a_run_begun_anew_counts_from_one(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    for _ in range(2):
        with home.claim([entry()], replace=True):
            home.append("a", rows(2))
            assert home.epochs("a") == 2


# The ledger


def test_looks_are_kept_in_order_and_outlive_their_run(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("a.0", group="a"), entry("b"))
    home.look("a.0", {"accuracy": 0.5, "loss": math.nan})
    home.look("b", {"accuracy": 0.6})
    home.remove("a")
    assert [look["figures"] for look in home.looks()] == [{"accuracy": 0.5, "loss": None}, {"accuracy": 0.6}]
    assert [look["run"] for look in home.looks("a")] == [look["run"] for look in home.looks("a.0")] == ["a.0"]
    assert home.looks("b")[0]["identity"] == entry().run.identity
    assert RunStore(tmp_path / "none").looks() == []


def test_a_look_waits_for_the_one_who_writes_in_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = grown(tmp_path, entry())
    monkeypatch.setattr(claims, "PATIENCE", 0.0)
    with storage.lock(tmp_path / ".locks" / "ledger"), pytest.raises(HomeInUse, match="The ledger is in use by pid"):
        home.look("a", {})
    home.look("a", {})
    assert len(home.looks()) == 1


# Damage and malice

BROKEN = {
    "a list": [],
    "nothing": {},
    "another status": {"status": "great"},
    "no model": {"model": None},
    "a bad model": {"model": {"parameters": "many"}},
    "an unknown setting": {"run": {"plan": {"l3": 1}}},
    "a bad setting": {"run": {"plan": {"l2": -1}}},
    "a text for a spec": {"run": "x"},
    "a bad seed": {"run": {"seed": 2**99}},
    "a path for a group": {"group": "../../x"},
    "a path for an owner": {"owner": "../../etc/passwd"},
    "letters that clear the screen": {"status": "\x1b[2J" * 1000},
    "negative epochs": {"epochs": -1},
    "other epochs": {"epochs": 2},
    "files of another kind": {"files": [1]},
    "a long reason": {"reason": "x" * 20_000},
}


@pytest.mark.parametrize("changes", BROKEN.values(), ids=BROKEN.keys())
def test_a_hostile_run_file_is_one_line_of_error(tmp_path: Path, changes: object) -> None:
    home = grown(tmp_path, entry(), entry("b", seed=1))
    path = tmp_path / "a" / "run.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, **changes} if isinstance(changes, dict) and changes else changes))
    messages: list[str] = []
    assert [each.name for each in home.results(messages.append)] == ["b"]
    for ask in (lambda: home.find("a"), lambda: home.claim([entry()])):
        with pytest.raises(CorruptFile) as caught:
            ask()
        messages.append(str(caught.value))
    for message in messages:
        assert re.search(r"a.(run\.json|metrics\.jsonl): ", message)
        assert message.isprintable()
        assert len(message) < 600 + len(str(tmp_path))
    assert len(messages) == 3
    assert {each.name for each in home.listing()} == {"a", "b"}
    assert home.find("b")
    assert home.remove("a") == ["a"]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"format": NaN}', "\x00" * 10, " " * (5 << 20)])
def test_a_run_file_that_is_no_json_is_listed_as_damaged(tmp_path: Path, text: str) -> None:
    home = grown(tmp_path, entry())
    (tmp_path / "a" / "run.json").write_text(text)
    (listed,) = home.listing()
    assert (listed.status, listed.record) == ("damaged", None)
    assert "run.json" in listed.reason
    assert "\n" not in listed.reason


def test_random_damage_never_ends_in_a_traceback(tmp_path: Path) -> None:
    home, chance = grown(tmp_path, entry()), random.Random(0)
    path = tmp_path / "a" / "run.json"
    data = path.read_bytes()
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 2, 8))):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(damaged)
        assert len(home.listing()) == 1
        with suppress(SeedbedError):
            home.find("a")


def test_a_run_of_a_newer_seedbed_is_refused_in_words(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    path = tmp_path / "a" / "run.json"
    path.write_text(json.dumps({"format": 3, "anything": {}}))
    with pytest.raises(StorageError, match=r"a newer seedbed wrote it \(format 3; this one reads up to 2\). Update seedbed"):
        home.find("a")


def test_a_run_from_before_a_setting_existed_still_has_its_identity(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    path = tmp_path / "a" / "run.json"
    said = json.loads(path.read_text())
    del said["run"]["plan"]["precision"]
    path.write_text(json.dumps({**said, "identity": "of another age", "new": "field"}))
    with home.claim([entry()]) as claim:
        assert "a" in claim.done


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_a_finished_run_that_lost_epochs_says_so(tmp_path: Path, keep: int) -> None:
    home = grown(tmp_path, entry())
    storage.cut_lines(tmp_path / "a" / "metrics.jsonl", keep)
    with pytest.raises(CorruptFile, match=rf"has 3 epochs, and the file has {keep} sound rows.*seedbed runs remove a"):
        home.find("a")


@pytest.mark.parametrize("figure", ["x", "1.5", [1], {"a": 1}, True, 10**400])
def test_a_figure_that_is_no_number_is_one_line(tmp_path: Path, figure: object) -> None:
    home = grown(tmp_path, entry())
    storage.write_lines(tmp_path / "a" / "metrics.jsonl", [{"epoch": epoch, "train_loss": figure} for epoch in (1, 2, 3)])
    with pytest.raises(CorruptFile, match=r"is not a number|number is too large"):
        home.find("a")


@pytest.mark.parametrize("file", ["weights/best.safetensors", "predictions.npz"])
def test_damaged_arrays_are_never_returned(tmp_path: Path, file: str) -> None:
    home = grown(tmp_path, entry())
    path = tmp_path / "a" / file
    data = path.read_bytes()
    for position in range(0, len(data), 7):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(CorruptFile, match="SHA-256"):
            home.predictions("a") if file.startswith("pred") else home.weights("a", "best")


def _with_file(home: RunStore, file: str, data: bytes) -> None:
    """Put a file in place of another, and its hash in `run.json`: an attacker can."""
    path = home.folder("a") / "run.json"
    said = json.loads(path.read_text())
    storage.write(home.folder("a") / file, data)
    said["files"][file] = storage.sha256(data)
    path.write_text(json.dumps(said))


class _Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_predictions_that_hold_objects_are_not_unpickled(tmp_path: Path) -> None:
    home, canary = grown(tmp_path, entry()), tmp_path / "canary"
    file = io.BytesIO()
    np.savez(file, x=np.array([_Canary(canary)], dtype=object))
    _with_file(home, "predictions.npz", file.getvalue())
    with pytest.raises(CorruptFile, match="not a sound file of arrays"):
        home.predictions("a")
    assert not canary.exists()


def _zipped(name: str, data: bytes, kind: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def _npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _claiming(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return file.getvalue() + b"x" * 80


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        _zipped("x.npy", b"not npy"),
        _zipped("x.npy", _npy(np.zeros(1_000_000)), zipfile.ZIP_DEFLATED),
        _zipped("x.npy", _claiming((10**15,))),
        _zipped("x.npy", _claiming((2**62, 2**62))),
        _zipped("x.npy", _claiming((-1,))),
    ],
    ids=["empty", "torn", "no npy", "a bomb", "a huge claim", "an overflow", "a negative shape"],
)
def test_hostile_predictions_are_one_line(tmp_path: Path, data: bytes) -> None:
    home = grown(tmp_path, entry())
    _with_file(home, "predictions.npz", data)
    with pytest.raises(CorruptFile, match="not a sound file of arrays") as caught:
        home.predictions("a")
    assert "\n" not in str(caught.value)


def _header(**header: object) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        _header(x={"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}),
        _header(x={"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}) + b"1234",
        b"\x80\x04cposix\nsystem\n.",
    ],
    ids=["empty", "a long header", "a huge claim", "a short array", "a pickle"],
)
def test_hostile_weights_are_one_line(tmp_path: Path, data: bytes) -> None:
    home = grown(tmp_path, entry())
    _with_file(home, "weights/best.safetensors", data)
    with pytest.raises(CorruptFile, match="not a sound safetensors file") as caught:
        home.weights("a", "best")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"dense_0/kernel": (4, 5), "dense_0/bias": (3,)}, r"'dense_0/kernel' is \(4, 3\) in the file, and \(4, 5\)"),
        ({"dense_0/kernel": (4, 3)}, r"'dense_0/bias' is \(3,\) in the file, and missing"),
        ({"dense_0/kernel": (4, 3), "dense_0/bias": (3,), "x": (1,)}, "'x' is missing in the file"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path: Path, expected: dict[str, tuple[int, ...]], said: str) -> None:
    home = grown(tmp_path, entry())
    with pytest.raises(CorruptFile, match=said):
        home.weights("a", "best", expected)


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    with home.claim([entry()]), pytest.raises(CorruptFile, match="reason"):
        home.mark(["a"], "failed", "x" * 20_000)
    assert home.status("a") == "interrupted"


def test_finish_can_be_repeated(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    finish(home, entry())
    assert len(home.find("a")) == 1
