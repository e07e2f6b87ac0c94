"""Tables of labels next to pictures: columns, parts, names; and what is not read of archives and folders."""

from __future__ import annotations

import tarfile
import zipfile

import numpy as np
import pytest

from data import layouts
from data.layouts import IMAGES, LABELS, NAMES, class_folders, flat, save
from data.test_layouts import place, refused, taken
from seedbed import data
from seedbed.errors import SpecError
from seedbed.specs import DataSpec

__all__ = ["place"]


def table(root, header, rows, name="list.csv"):
    (root / name).write_text("\n".join([header, *rows] if header else rows))


def test_a_first_row_that_names_a_picture_is_no_header(place):
    table(place, "", [f"{name},{NAMES[label]}" for name, label in zip(flat(place), LABELS, strict=True)])
    assert len(taken(place).parts["train"].labels) == 24


def test_columns_that_cannot_be_labels_are_not_offered(place):
    rows = [f"{n},{name},{NAMES[LABELS[n]]},same,{100 + n}" for n, name in enumerate(flat(place))]
    table(place, "row,image_id,dx,kind,lesion", rows)
    assert taken(place).classes == NAMES


def test_pictures_with_several_classes_are_refused_in_words(place):
    table(place, "file,a,b,c", [f"{name},{n % 2},{int(n % 3 == 0)},{n // 12}" for n, name in enumerate(flat(place))])
    refused(place, "Pictures with several classes, or none, cannot be learned")


def test_a_column_of_parts_divides_the_rows_and_other_words_in_it_are_refused(place):
    names, parts = flat(place), ["train", "train", "val", "test"]
    rows = [f"{name},{NAMES[n // 2 % 2]},{parts[n % 4]}" for n, name in enumerate(names)]
    table(place, "file,label,split", rows)
    assert {part: len(each.labels) for part, each in taken(place).parts.items()} == {"train": 12, "validation": 6, "test": 6}
    table(place, "file,label,split", [*rows[:-1], f"{names[-1]},cat,holdout"])
    refused(place, "column 2, 'split' divides the rows, and 'holdout' is not the name of a part")


def test_equal_names_are_told_apart_by_the_folder_of_the_part_or_in_the_table(place):
    for part in ("train", "test"):
        flat(place / "images" / part)
        rows = [f"{n:02}.png,{NAMES[label]}" for n, label in enumerate(LABELS)]
        table(place, "file,label", rows, f"{part}.csv")
    content = taken(place)
    assert set(content.parts["test"].sources) == {f"images/test/{n:02}.png" for n in range(24)}
    table(place, "file,label", [f"test/{n:02}.png,{NAMES[label]}" for n, label in enumerate(LABELS)], "train.csv")
    (place / "test.csv").unlink()
    assert taken(place).parts["train"].sources[0] == "images/test/00.png"


def test_a_requested_column_may_be_missing_in_the_table_of_a_part_without_labels(place):
    for part in ("train", "test"):
        names = flat(place / part, lambda n, part=part: f"{part}{n:02}")
        breed = [f",{NAMES[label]}" if part == "train" else "" for label in LABELS]
        rows = [f"{name},{n % 3}{breed[n]}" for n, name in enumerate(names)]
        table(place, "file,size,breed" if part == "train" else "file,size", rows, f"{part}.csv")
    content = taken(place, label_column="breed")
    assert content.classes == NAMES
    assert any("test.csv): no column of labels in it" in rule for rule in content.rules)
    refused(place, "there is no column 'bred'. Did you mean 'breed'", label_column="bred")


def test_rows_that_repeat_a_picture_are_counted_and_one_in_two_parts_is_refused(place):
    names = flat(place)
    rows = [f"{name},{NAMES[label]},train" for name, label in zip(names, LABELS, strict=True)]
    table(place, "file,label,split", [*rows, rows[0]])
    assert any("1 row of list.csv about pictures that were listed before" in rule for rule in taken(place).rules)
    table(place, "file,label,split", [*rows, f"{names[0]},cat,test"])
    refused(place, "00.png: it is in the train and in the test part")


# Grey and colour


def test_grey_pictures_stored_in_colour_are_grey_unless_one_has_colour(place):
    class_folders(place, images=np.repeat(IMAGES[..., None], 3, axis=-1))
    content = taken(place)
    assert np.array_equal(content.parts["train"].images[0, ..., 0], IMAGES[0])
    assert any("24 of 24 pictures are stored in colour and have shades of grey alone" in rule for rule in content.rules)
    assert taken(place, channels="colour").image_shape == (6, 6, 3)
    save(layouts.COLOUR[0], place / "dog/99.png")
    assert taken(place).image_shape == (6, 6, 3)
    assert taken(place, channels="grey").image_shape == (6, 6, 1)
    with pytest.raises(SpecError, match=r"channels = 'gray' is not known. Did you mean 'grey'"):
        taken(place, channels="gray")


def test_grey_pictures_that_an_earlier_version_read_as_colour_stay_so(place):
    class_folders(place, images=np.repeat(IMAGES[..., None], 3, axis=-1))
    data.add("pets", place, data.ReadOptions(channels="colour"))
    entry = place.parent / "cache/data/added/pets.json"
    entry.write_text(entry.read_text().replace('"channels": "colour"', '"channels": null'))
    for path in (place.parent / "cache/data").rglob("images*"):
        path.unlink()
    data.verify("pets")
    assert data.load(DataSpec(name="pets")).image_shape == (6, 6, 3)


# Archives and folders


def test_links_and_equal_names_in_archives_are_named(place):
    with tarfile.open(place / "x.tar", "w") as archive:
        archive.add(class_folders(place / "set"), "set")
        for kind, name in ((tarfile.SYMTYPE, "set/cat/link.png"), (tarfile.CHRTYPE, "set/cat/device.png")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    rules = " ".join(taken(place / "x.tar").rules)
    assert "2 files (set/cat/link.png, set/cat/device.png): a link or no plain file" in rules
    with zipfile.ZipFile(place / "x.zip", "w") as archive:
        for number, label in enumerate(LABELS):
            archive.writestr(f"{NAMES[label]}/{number}.png", layouts.png(IMAGES[number]))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("dog/3.png", layouts.png(IMAGES[0]))
    assert any("1 file (dog/3.png): an earlier member of the archive" in rule for rule in taken(place / "x.zip").rules)


def test_links_that_lead_nowhere_or_in_a_circle_and_deep_folders_are_named(place):
    class_folders(place)
    (place / "cat/gone.png").symlink_to(place / "nothing.png")
    (place / "cat/round").symlink_to(place)
    save(IMAGES[0], place / "cat/2/3/4/5/6/7.png")
    rules = taken(place).rules
    for words in (
        "cat/gone.png): a link that leads nowhere",
        "cat/round/): a link to a folder above",
        "cat/2/3/4/5/6/): a folder more",
    ):
        assert any(words in rule for rule in rules), (words, rules)


def test_an_archive_with_data_further_down_is_not_a_folder_to_give(place):
    with zipfile.ZipFile(place / "x.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
        for number, label in enumerate(LABELS):
            archive.writestr(f"archive/{NAMES[label]}/{number}.png", layouts.png(IMAGES[number]))
    refused(place / "x.zip", "one level down, archive/ is .* Unpack the archive, and give archive/")


def test_an_address_is_told_from_a_path(place):
    refused(place / "https://example.org/pets.zip", "this is an address. Download the files first")


def test_one_hot_columns_without_a_header_are_found(place):
    images, labels = IMAGES[::-1], LABELS[::-1]
    rows = [f"{','.join(map(str, image.ravel()))},{1 - label},{label}" for image, label in zip(images, labels, strict=True)]
    table(place, "", rows)
    content = taken(place / "list.csv")
    assert content.classes == ("0", "1")
    assert np.array_equal(content.parts["train"].images[..., 0], images)
    assert np.array_equal(content.parts["train"].labels, labels)


# Progress


@pytest.mark.parametrize("kind", ["pictures", "csv"])
def test_reading_reports_its_progress(place, kind):
    reports = []
    if kind == "csv":
        layouts.csv(place, layouts.rows(header=f"label,{layouts.HEADER}"))
    else:
        class_folders(place)
        save(np.zeros((9, 9), np.uint8), place / "cat/wide.png")
    data.add("pets", place, on_progress=reports.append)
    assert all(isinstance(each, data.ReadProgress) for each in reports)
    done = [each.done for each in reports]
    assert done == sorted(done)
    last = reports[-1]
    if kind == "pictures":
        assert (last.done, last.total, last.unit) == (25, 25, "pictures")
    else:
        assert 0.9 * last.total < last.done <= last.total == (place / "d.csv").stat().st_size


def test_a_name_of_many_letters_is_cut_in_a_message(tmp_path):
    np.savez(tmp_path / "x.npz", **{"n" * 30_000: np.zeros((3, 2, 2))})
    assert len(refused(tmp_path / "x.npz", "arrays must be named")) < 500
