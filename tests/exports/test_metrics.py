"""Metrics of runs, groups, sweeps and searches as CSV, JSON, LaTeX and event files of TensorBoard."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from runs.samples import WEIGHTS, entry, result
from seedbed import exports
from seedbed.errors import SpecError, UnknownRun
from seedbed.runs import FinishedRun, NamedRun, RunStore

LABELS = np.arange(40) % 3


def finished(home: RunStore, name: str, seed: int, l2: float, right: int) -> None:
    """A finished run of a group, which has this number of 40 images right."""
    named = entry(f"{name}.{seed}", group=name, seed=seed, l2=l2)
    guesses = np.where(np.arange(40) < right, LABELS, (LABELS + 1) % 3)
    predictions = {"validation_labels": LABELS, "validation_probabilities": 0.8 * np.eye(3)[guesses] + 0.1}
    with home.claim([named]):
        home.finish(FinishedRun(named, result(named), 16.0, WEIGHTS, predictions=predictions))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    home = RunStore(tmp_path_factory.mktemp("metrics") / "runs")
    for name, l2, right in (("w-l2_0", 0.0, 36), ("w-l2_1e-4", 1e-4, 30), ("s-trial-3", 0.5, 20), ("s-best-3", 0.5, 22)):
        for seed in (0, 1):
            finished(home, name, seed, l2, right + seed)
    return home


def exported(home: RunStore, what: Any, form: str, folder: Path) -> exports.Export:
    return exports.export(what, form, folder, home=home.root)


def test_a_sweep_as_csv_has_one_row_per_run_with_the_field_that_varies(home: RunStore, tmp_path: Path) -> None:
    written = exported(home, "w", "csv", tmp_path)
    assert written.files == (tmp_path / "w.csv",)
    assert written.lines == ("One row per run.",)
    with written.files[0].open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["l2"], row["seed"]) for row in rows] == [
        ("w-l2_0.0", "0", "0"),
        ("w-l2_0.1", "0", "1"),
        ("w-l2_1e-4.0", "1e-4", "0"),
        ("w-l2_1e-4.1", "1e-4", "1"),
    ]
    assert float(rows[0]["best_validation_accuracy"]) == pytest.approx(0.8)


def test_a_single_run_as_csv_has_one_row_per_epoch(home: RunStore, tmp_path: Path) -> None:
    with exported(home, "w-l2_0.1", "csv", tmp_path / "curve.csv").files[0].open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[1]["train_loss"]) == 0.5
    assert rows[0]["saturation/dense_0"] == ""


def test_a_path_with_a_slash_is_a_folder_and_one_without_gets_the_formats_ending(home: RunStore, tmp_path: Path) -> None:
    for path, expected in (("new/", "new/w.csv"), ("table", "table.csv"), ("sub/table.csv", "sub/table.csv")):
        written = exports.export("w", "csv", f"{tmp_path}/{path}", home=home.root)
        assert written.files == (tmp_path / expected,)


def test_a_search_is_its_trials_and_finalists_and_several_names_are_one_table(home: RunStore, tmp_path: Path) -> None:
    plain = json.loads(exported(home, "s", "json", tmp_path).files[0].read_text())
    assert [run["name"] for run in plain["runs"]] == ["s-best-3.0", "s-best-3.1", "s-trial-3.0", "s-trial-3.1"]
    assert len(plain["runs"][0]["curve"]) == 3
    several = json.loads(exported(home, ["w-l2_0", "s"], "json", tmp_path).files[0].read_text())
    assert several["varying"] == ["l2"]
    assert len(several["runs"]) == 6


def test_results_of_a_session_are_exported_without_their_names(home: RunStore, tmp_path: Path) -> None:
    results = home.find("w-l2_0")
    written = exported(RunStore(tmp_path), results, "csv", tmp_path)
    assert written.name == "w-l2_0"
    assert len(written.files[0].read_text().splitlines()) == 3


def test_a_latex_table_has_a_row_per_setting_with_mean_and_interval(home: RunStore, tmp_path: Path) -> None:
    text = exported(home, "w", "latex", tmp_path).files[0].read_text()
    assert text.startswith(
        "\\begin{tabular}{lrrrr}\n\\toprule\nl2 & parameters & seeds & accuracy (\\%) & 95 \\% interval (\\%) \\\\"
    )
    rows = [line.split(" & ") for line in text.splitlines() if line.startswith(("0 ", "1e-4 "))]
    assert [row[:4] for row in rows] == [["0", "15", "2", "91.25"], ["1e-4", "15", "2", "76.25"]]
    low, high = rows[0][4].removesuffix(" \\\\").split(" to ")
    assert float(low) < 91.25 < float(high)
    assert "% Validation accuracy on digits at the best epoch" in text


@pytest.mark.parametrize(
    ("what", "form", "path", "error", "message"),
    [
        ("nothing", "csv", None, UnknownRun, "No run or group is named 'nothing'"),
        ("w", "csvv", None, SpecError, "format = 'csvv' is not known. Did you mean 'csv'"),
        ("w", "csv", "w.json", SpecError, "a file of the format 'csv' ends with .csv"),
        (3, "csv", None, SpecError, "int is nothing to export"),
        ("w", "keras", None, SpecError, "'w' stands for 2 settings, and a file .* validation accuracy is 'w-l2_0.0'"),
        (["w-l2_0", "w-l2_1e-4"], "keras", None, SpecError, "'w-l2_0' stands for 2 settings"),
    ],
)
def test_what_cannot_be_exported_is_said(
    what: Any, form: str, path: str | None, error: type[Exception], message: str, home: RunStore
) -> None:
    with pytest.raises(error, match=message):
        exports.export(what, form, path, home=home.root)


# TensorBoard, read back by Google's own protocol buffers


def event_type() -> Any:
    """The message `Event` of TensorFlow, with the fields that are written."""
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="read_back", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    messages: dict[str, list[tuple[str, int, int, str]]] = {
        "Value": [("tag", 1, kinds.TYPE_STRING, ""), ("simple_value", 2, kinds.TYPE_FLOAT, "")],
        "Summary": [("value", 1, kinds.TYPE_MESSAGE, "Value")],
        "Event": [
            ("wall_time", 1, kinds.TYPE_DOUBLE, ""),
            ("step", 2, kinds.TYPE_INT64, ""),
            ("file_version", 3, kinds.TYPE_STRING, ""),
            ("summary", 5, kinds.TYPE_MESSAGE, "Summary"),
        ],
    }
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of in fields:
            label = kinds.LABEL_REPEATED if of == "Value" else kinds.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, label=label, type_name=f".read_back.{of}" if of else None)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("read_back.Event"))


def checksum(data: bytes) -> int:
    """The masked CRC-32C of data, bit by bit."""
    register = 0xFFFFFFFF
    for bit in (byte >> place & 1 for byte in data for place in range(8)):
        register = register >> 1 ^ (0x82F63B78 if (register ^ bit) & 1 else 0)
    register ^= 0xFFFFFFFF
    return ((register >> 15 | register << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(content: bytes) -> Iterator[bytes]:
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        assert struct.unpack("<I", content[8:12]) == (checksum(content[:8]),)
        assert struct.unpack("<I", content[12 + length : 16 + length]) == (checksum(content[12 : 12 + length]),)
        yield content[12 : 12 + length]
        content = content[16 + length :]


def test_event_files_hold_every_epochs_metrics(home: RunStore, tmp_path: Path) -> None:
    written = exported(home, "w-l2_0", "tensorboard", tmp_path / "board")
    assert [path.parent for path in written.files] == [tmp_path / "board" / f"w-l2_0.{seed}" for seed in (0, 1)]
    assert ".tfevents." in written.files[0].name
    kind = event_type()
    assert checksum(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
    version, *epochs = [kind.FromString(data) for data in records(written.files[0].read_bytes())]
    assert version.file_version == "brain.Event:2"
    assert [event.step for event in epochs] == [1, 2, 3]
    scalars = {value.tag: value.simple_value for value in epochs[1].summary.value}
    assert scalars["loss/train"] == 0.5
    assert scalars["accuracy/validation"] == pytest.approx(0.7)
    assert set(scalars) == {
        "loss/train", "penalty/train", "accuracy/train", "loss/validation", "accuracy/validation", "learning_rate",
        "saturation/dense_0",
    }  # fmt: skip


def test_a_long_record_has_its_length_in_several_bytes() -> None:
    named = NamedRun("a", "a", entry().run)
    run = result(named)
    wide = replace(run, history=replace(run.history, columns={**run.history.columns, "probe/" + "x" * 300: np.ones(3)}))
    events = [event_type().FromString(data) for data in records(exports.formats.tensorboard.event_file(wide))]
    assert events[3].summary.value[-1].tag == "probe/" + "x" * 300
