"""`seedbed data`, as it is typed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from data.samples import write_pictures
from seedbed import storage
from seedbed.cli.frame import seedbed
from seedbed.data import builtin, kept
from seedbed.data.builtin import BUILTIN
from seedbed.data.readers import cifar
from seedbed.errors import CorruptData, SeedbedError


def typed(*arguments):
    result = CliRunner().invoke(seedbed, ["data", *map(str, arguments)])
    if isinstance(result.exception, SeedbedError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_list_tells_what_is_here_and_what_would_be_downloaded():
    listed = json.loads(typed("list", "--json").stdout)["data"]
    assert [each["name"] for each in listed] == ["mnist", "fashion_mnist", "kmnist", "cifar10", "digits"]
    assert [bool(each["where"]) for each in listed] == [False] * 4 + [True]
    assert "downloaded when needed, 162 MB" in typed("list").stdout


def test_info_counts_classes_and_parts():
    facts = json.loads(typed("info", "digits", "--json").stdout)
    assert facts["parts"] == {"train": 1257, "validation": 270, "test": 270}
    assert sum(facts["counts"]["train"]) == 1257
    assert "1,257 train, 270 validation, 270 test; 10 classes" in typed("info", "digits").stdout
    assert "1,527 train, 270 validation; 10 classes" in typed("info", "digits", "--protocol", "handout").stdout


def test_add_tells_the_rule_of_the_size_and_an_imbalance_and_json_stands_alone(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 40, "[red]dog\x1b[31m": 10})
    shown = typed("add", "pets", tmp_path / "in", "--size", "4x5")
    assert "- Size 4 x 5, as requested." in shown.stdout
    assert "4.7 times as many training images" in shown.stdout
    assert "[red]dog\\x1b[31m" in shown.stdout
    assert "\x1b[31m" not in shown.stdout
    facts = json.loads(typed("add", "pets", tmp_path / "in", "--size", "4x5", "--json").stdout)
    assert facts["image_shape"] == [4, 5, 1]
    assert facts["classes"] == ["[red]dog\x1b[31m", "cat"]


def test_a_path_can_stand_for_a_name(tmp_path):
    write_pictures(tmp_path / "pets", {"cat": 9, "dog": 9})
    assert typed("info", tmp_path / "pets").stdout.startswith("pets: ")


def test_info_of_a_path_leaves_no_entry(tmp_path):
    write_pictures(tmp_path / "pets", {"cat": 9, "dog": 9})
    before = typed("list").stdout
    facts = json.loads(typed("info", tmp_path / "pets", "--json").stdout)
    assert facts["classes"] == ["cat", "dog"]
    assert facts["proof"] == "read now, and not kept"
    assert typed("list").stdout == before


def test_info_of_a_path_reads_it_as_add_would(tmp_path):
    write_pictures(tmp_path / "pets", {"cat": 9, "dog": 9})
    (tmp_path / "pets" / "cat" / "000.png").write_bytes(b"no picture")
    with pytest.raises(CorruptData, match="--skip-damaged"):
        typed("info", tmp_path / "pets")
    facts = json.loads(typed("info", tmp_path / "pets", "--skip-damaged", "--size", "4x5", "--json").stdout)
    assert facts["image_shape"] == [4, 5, 1]
    assert sum(facts["parts"].values()) == 17
    with pytest.raises(SeedbedError, match="'picture' is not known"):
        typed("info", tmp_path / "pets", "--kind", "picture")


def test_how_a_named_set_is_read_was_said_when_it_was_added():
    result = CliRunner().invoke(seedbed, ["data", "info", "digits", "--size", "4x5"])
    assert result.exit_code == 2
    assert "only a PATH that has no name yet" in result.output


def test_a_data_set_is_renamed_and_removed_and_its_files_stay(tmp_path):
    write_pictures(tmp_path / "pets", {"cat": 9, "dog": 9})
    typed("add", "pets", tmp_path / "pets")
    assert "pets is now animals" in typed("rename", "pets", "animals").stdout
    assert typed("info", "animals").stdout.startswith("animals: ")
    with pytest.raises(SeedbedError, match="No data set is named 'pets'"):
        typed("remove", "pets")
    with pytest.raises(SeedbedError, match="'digits' is the name of another data set"):
        typed("rename", "animals", "digits")
    typed("remove", "animals")
    assert "animals" not in typed("list").stdout
    assert (tmp_path / "pets/cat/000.png").is_file()


def test_name_and_path_the_wrong_way_round_are_noticed(tmp_path):
    write_pictures(tmp_path / "pets", {"cat": 9, "dog": 9})
    result = CliRunner().invoke(seedbed, ["data", "add", str(tmp_path / "pets"), "animals"])
    assert result.exit_code == 2
    assert "the name comes first. Did you mean `seedbed data add animals " in result.output


def test_a_path_that_was_added_with_options_is_read_with_them(tmp_path):
    for name, count in (("cat.1", 9), ("dog.2", 9)):
        write_pictures(tmp_path / "in", {name: count})
    flat = tmp_path / "flat"
    flat.mkdir()
    for folder in (tmp_path / "in").iterdir():
        for path in folder.iterdir():
            path.rename(flat / f"{folder.name}.{path.name}")
    typed("add", "pets", flat, "--label-pattern", "^[a-z]+")
    assert typed("info", flat).stdout.startswith("pets: ")


def test_verify_says_what_it_found(tmp_path):
    assert typed("verify", "digits").stdout.startswith("digits is sound: content fa9526cb1597")
    write_pictures(tmp_path / "pets", {"cat": 9, "dog": 9})
    typed("add", "pets", tmp_path / "pets")
    assert json.loads(typed("verify", "pets", "--json").stdout)["repaired"] is False
    write_pictures(tmp_path / "pets", {"emu": 9})
    with pytest.raises(CorruptData, match="has changed"):
        typed("verify", "pets")


def test_cifar_is_read_from_its_binary_folder_and_never_from_its_pickles(alone):
    (alone / "work/data/cifar-10-batches-py").mkdir(parents=True)
    (alone / "work/data/cifar-10-batches-py/data_batch_1").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    assert {each["name"]: each["where"] for each in json.loads(typed("list", "--json").stdout)["data"]}["cifar10"] == ""
    folder = alone / "work/data/cifar-10-batches-bin"
    folder.mkdir()
    record = np.arange(cifar.RECORD, dtype=np.uint8)
    for names in cifar.FILES.values():
        for name in names:
            records = np.repeat(record[None], cifar.RECORDS, axis=0)
            records[:, 0] = np.arange(cifar.RECORDS) % 10
            storage.write(folder / name, records.tobytes())
    facts = json.loads(typed("info", "cifar10", "--json").stdout)
    assert facts["parts"] == {"train": 45_833, "validation": 4_167, "test": 10_000}
    assert facts["classes"][3] == "cat"
    pixel = kept.find(facts["digest"]).parts["train"].images[0, 1, 2]
    assert pixel.tolist() == [record[1 + channel * 1024 + 32 + 2] for channel in range(3)]


def test_every_built_in_data_set_can_be_had_from_several_places():
    for one in BUILTIN.values():
        assert one.format == "embedded" or len(one.mirrors) >= 3
        assert one.format == "embedded" or all(remote.digest for remote in one.files)
        assert len(one.classes) == 10
    assert builtin.BUILTIN["mnist"].digest
