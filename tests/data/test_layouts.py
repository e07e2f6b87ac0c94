"""Every layout of docs/reference/images.md, read right or refused in words; and nothing that lies there vanishes."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import layouts
from data.layouts import IMAGES, LABELS, READ, REFUSED, class_folders, save
from data.samples import write_pictures
from seedbed import data
from seedbed.data import ReadOptions, added
from seedbed.data.readers import kind_of, read
from seedbed.errors import CorruptData, DataError, SpecError
from seedbed.specs import DataSpec


@pytest.fixture
def place(tmp_path):
    """A folder of its own; the cache is elsewhere."""
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def taken(path, kind=None, **options):
    chosen = ReadOptions(**options)
    return read(path, kind or kind_of(path, chosen), chosen)


def refused(path, match, **options):
    with pytest.raises((DataError, SpecError), match=match) as caught:
        taken(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", READ)
def test_a_layout_is_read(name, place):
    layout = READ[name]
    path = layout.make(place)
    assert kind_of(path, ReadOptions(**layout.options)) == layout.kind
    content = taken(path, **layout.options)
    assert content.classes == layout.classes
    assert {part: len(each.labels) for part, each in content.parts.items()} == layout.parts
    assert content.image_shape == layout.shape
    assert np.bincount(content.parts["train"].labels).min() == layout.parts["train"] // 2


CHANGED = ("JPEG, JFIF", "TIFF", "pictures and one-hot columns", "IDX of EMNIST", "MATLAB 7.3", "HDF5")
"""Layouts whose pixels are not those of `IMAGES`, or not all of them in their order."""
GREY = [name for name, layout in READ.items() if layout.shape == (6, 6, 1) and name not in CHANGED]


@pytest.mark.parametrize("name", GREY)
def test_its_pixels_are_those_of_the_files(name, place):
    layout = READ[name]
    train = taken(layout.make(place), **layout.options).parts["train"]
    known = {image.tobytes() for image in IMAGES}
    assert all(image.tobytes() in known for image in train.images)
    if name != ".npy for each class":
        assert all(LABELS[image[0, 0, 0]] == label for image, label in zip(train.images, train.labels, strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_a_layout_is_refused_in_words(name, place):
    make, words = REFUSED[name]
    refused(make(place), words)
    assert not list(place.rglob("canary"))


def test_the_table_of_docs_names_every_layout():
    text = (Path(__file__).parents[2] / "docs/reference/images.md").read_text()
    rows = re.findall(r"^\| ([^|]+?) +\| (read|refused|extra)", text, re.MULTILINE)
    assert {name for name, how in rows if how != "refused"} == set(READ)
    assert {name for name, how in rows if how == "refused"} == set(REFUSED)


# Names and notes belong to the data set


def test_two_sets_of_equal_pixels_keep_their_own_file_names_and_notes(place):
    for name in ("old", "new"):
        class_folders(place / name)
        for path in sorted((place / name).rglob("*.png")):
            path.rename(path.with_name(f"{name}-{path.name}"))
    (place / "new/cat/notes.txt").write_text("x")
    digests = {name: data.add(name, place / name).digest for name in ("old", "new")}
    assert digests["old"] == digests["new"]
    for name in ("old", "new"):
        for spec in (DataSpec(name=name), DataSpec(name=name, digest=digests[name])):
            dataset = data.load(spec)
            assert dataset.train.source(0).startswith(f"cat/{name}-")
            assert any("notes.txt" in note for note in dataset.notes) is (name == "new")


def test_an_entry_of_an_earlier_version_is_read_and_says_so(place):
    class_folders(place / "pets")
    data.add("pets", place / "pets")
    entry = place.parent / "cache/data/added/pets.json"
    facts = added.storage.read_json(entry)
    earlier = {name: facts[name] for name in ("name", "path", "kind", "signature", "digests")}
    added.storage.write_json(entry, {**earlier, "size": None, "label_column": None})
    dataset = data.load(DataSpec(name="pets"))
    assert dataset.classes == ("cat", "dog")
    assert any("Read by an earlier version" in note for note in dataset.notes)
    data.verify("pets")
    assert not any("earlier version" in note for note in data.load(DataSpec(name="pets")).notes)


# Nothing vanishes


def test_all_that_was_not_read_is_named_with_its_number_and_reason(place):
    layouts.parts(place)
    class_folders(place / "eval")
    class_folders(place / "train/cat/more")
    save(IMAGES[0], place / "train/loose.png")
    save(IMAGES[0], place / "beside.png")
    (place / "readme.md").write_text("x")
    (place / "train/dog/notes.txt").write_text("x")
    shutil.rmtree(place / "test")
    layouts.flat(place / "test")
    rules = taken(place).rules
    expected = (
        r"Not read: 24 files \(eval/cat/00.png, .*\): eval/ is not the name of a part \(train, val or test\).",
        r"Not read: 24 files \(train/cat/more/.*\): in a folder inside a class folder.",
        r"Not read: 1 file \(train/loose.png\): next to the class folders, so without a label.",
        r"Not read: 24 files \(test/00.png, .*\): test/ has no class folders.",
        r"Not read: 1 file \(train/dog/notes.txt\): no picture \(PNG, .*\).",
        r"Not read: 2 files \(beside.png, readme.md\): no part of this layout.",
    )
    for words in expected:
        assert any(re.fullmatch(words, rule) for rule in rules), (words, rules)


def test_a_class_may_be_called_train_and_pictures_win_over_tables_and_arrays(place):
    write_pictures(place, {"train": 3, "bus": 3})
    np.save(place / "X.npy", IMAGES)
    np.save(place / "y.npy", LABELS)
    (place / "labels.csv").write_text("a,b\n1,2\n")
    content = taken(place)
    assert content.classes == ("bus", "train")
    assert any("X.npy" in rule and "labels.csv" in rule for rule in content.rules)
    assert len(taken(place, "npy").parts["train"].labels) == 24


def test_flat_folders_of_parts_are_no_classes_and_longer_names_of_parts_are_parts(place):
    layouts.flat(place / "train")
    layouts.flat(place / "test1")
    refused(place, "48 pictures in 2 folders, without labels")
    class_folders(place / "set/training_data")
    class_folders(place / "set/test_data")
    assert set(taken(place / "set").parts) == {"train", "test"}


def test_a_header_that_pandas_made_of_a_first_row_is_no_image(place):
    lines = [f"{label},{','.join(map(str, image.ravel()))}" for image, label in zip(IMAGES, LABELS, strict=True)]
    (place / "a_z.csv").write_text("\n".join(["0," + ",".join(f"0.{number}" for number in range(1, 37)), *lines]))
    content = taken(place / "a_z.csv")
    assert content.classes == ("0", "1")
    assert np.array_equal(content.parts["train"].images[..., 0], IMAGES)


def test_a_table_without_a_picture_and_a_picture_without_a_row_are_named(place):
    layouts.listed(place)
    (place / "train/23.png").unlink()
    save(IMAGES[0], place / "train/99.png")
    content = taken(place)
    assert len(content.parts["train"].labels) == 23
    assert any("1 row of train.csv whose pictures are not there (23)" in rule for rule in content.rules)
    assert any(rule.startswith("Not read: 5 files (test/24.png, ") and "named by no table" in rule for rule in content.rules)


def test_a_table_with_several_columns_is_refused_with_the_option(place):
    names = layouts.flat(place)
    rows = [f"{name},{'ab'[number % 2]},{'xyz'[number % 3]}" for number, name in enumerate(names)]
    (place / "list.csv").write_text("\n".join(["file,colour,shape", *rows]))
    refused(place, "several columns may hold the labels: 1, 'colour' with 2 values; 2, 'shape' with 3 values. Choose one")
    assert taken(place, label_column="shape").classes == ("x", "y", "z")


# Damaged files


def test_damaged_pictures_are_listed_at_once_and_left_out_on_request(place):
    class_folders(place)
    for number in (0, 2):
        (place / f"cat/{number:02}.png").write_bytes(b"no picture")
    cut = place / "dog/01.png"
    cut.write_bytes(cut.read_bytes()[:-30])
    line = refused(place, r"3 pictures cannot be read \(22 can\)|3 pictures cannot be read \(21 can\)")
    assert all(name in line for name in ("cat/00.png", "cat/02.png", "dog/01.png", "--skip-damaged"))
    content = taken(place, skip_damaged=True)
    train = content.parts["train"]
    assert len(train.images) == len(train.labels) == len(train.sources) == 21
    assert [LABELS[int(name[4:6])] for name in train.sources] == train.labels.tolist()
    assert "Not read: 3 damaged pictures (cat/00.png, cat/02.png, dog/01.png), left out as requested." in content.rules


# Sizes


WIDE = np.zeros((6, 18), np.uint8)
WIDE[:, 9:] = 200
"""Twice the class folders' proportions and more: black on the left, grey on the right."""


@pytest.mark.parametrize(
    ("fit", "rows", "columns"),
    [
        (None, [100, 100, None, None, 100, 100], [0, 0, None, None, 200, 200]),
        ("crop", [None] * 6, [0, 0, None, None, 200, 200]),
        ("stretch", [None] * 6, [0, 0, None, None, 200, 200]),
    ],
)
def test_proportions_are_kept_unless_stretching_is_requested(place, fit, rows, columns):
    class_folders(place)
    save(WIDE, place / "cat/wide.png")
    train = taken(place, fit=fit).parts["train"]
    image = train.images[train.sources.index("cat/wide.png")][..., 0]
    for row, shade in enumerate(rows):
        assert shade is None or (image[row] == image[0, 0]).all()
    for column, shade in enumerate(columns):
        assert shade is None or image[3, column] == shade
    padded = [row for row in range(6) if (image[row] == image[row, 0]).all()]
    assert padded == ([0, 1, 4, 5] if fit is None else [])


def test_an_unknown_fit_offers_the_nearest():
    with pytest.raises(SpecError, match=r"fit = 'strech' is not known. Did you mean 'stretch'"):
        ReadOptions(fit="strech")


# Pictures that would be blank


def test_white_ink_on_transparency_is_laid_on_black(place):
    white = np.full((24, 6, 6), 255, np.uint8)
    class_folders(place, images=np.stack([white, white, white, IMAGES], axis=-1))
    content = taken(place)
    assert np.array_equal(content.parts["train"].images[0, ..., 0], IMAGES[0])
    assert any("laid on black, since they are drawn in white" in rule for rule in content.rules)
    black = np.zeros_like(white)
    class_folders(place / "dark", images=np.stack([black, black, black, IMAGES], axis=-1))
    assert np.array_equal(taken(place / "dark").parts["train"].images[0, ..., 0], 255 - IMAGES[0])


@pytest.mark.parametrize(("factor", "white"), [(1, 255), (16, 4095), (257, 65535)])
def test_the_depth_of_16_bit_files_is_learned_and_kept(place, factor, white):
    class_folders(place, images=IMAGES.astype(np.uint16) * factor)
    content = taken(place)
    assert content.pictures.deep == white
    assert np.abs(content.parts["train"].images[..., 0].astype(int) - np.concatenate([IMAGES[::2], IMAGES[1::2]])).max() <= 1


@pytest.mark.parametrize(
    ("images", "note"),
    [
        (np.full((24, 6, 6), 7, np.uint8), "All training images are equal"),
        (np.arange(24, dtype=np.uint8)[:, None, None] + np.zeros((24, 6, 6), np.uint8), "a single value"),
        (IMAGES // 64 + np.uint8(100), "hardly any contrast"),
        (np.where(np.arange(24)[:, None, None] < 3, 9, IMAGES).astype(np.uint8), "3 of 24 .* are blank"),
    ],
)
def test_blank_images_are_noted(place, images, note):
    np.savez(place / "d.npz", X=images, y=LABELS)
    assert any(re.search(note, rule) for rule in taken(place / "d.npz").rules)


# Archives


def test_an_archive_is_read_without_writing_and_its_names_lead_nowhere(place):
    inside = place / "deep" / "er"
    inside.mkdir(parents=True)
    with zipfile.ZipFile(inside / "x.zip", "w") as archive:
        for number, image in enumerate(IMAGES):
            archive.writestr(f"../../{layouts.NAMES[LABELS[number]]}/{number}.png", layouts.png(image))
        archive.writestr("__MACOSX/._x", b"x")
    content = taken(inside / "x.zip")
    assert content.classes == ("cat", "dog")
    assert [path.name for path in inside.iterdir()] == ["x.zip"]
    assert not list(place.glob("cat"))


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.xz"])
def test_a_damaged_archive_is_refused_in_one_line(place, ending):
    (place / f"x.{ending}").write_bytes(b"PK\x03\x04 no archive at all" * 10)
    refused(place / f"x.{ending}", "no archive, or a damaged one")


def test_an_archive_that_unfolds_too_far_is_refused(place, monkeypatch):
    with zipfile.ZipFile(place / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1.png", bytes(1 << 20))
    monkeypatch.setattr("seedbed.data.readers.inventory.HARMLESS", 1 << 10)
    refused(place / "x.zip", "claims to unfold to 1,048,576 bytes from")


def test_the_first_frame_of_an_animation_counts(place):
    class_folders(place)
    frames = [Image.fromarray(np.full((6, 6), shade, np.uint8)) for shade in (10, 200)]
    frames[0].save(place / "cat/moving.gif", save_all=True, append_images=frames[1:])
    content = taken(place)
    train = content.parts["train"]
    assert (train.images[train.sources.index("cat/moving.gif")] == 10).all()
    assert "1 picture moves: the first frame counts." in content.rules


def test_a_single_damaged_picture_is_named_with_the_way_out(place):
    class_folders(place)
    (place / "cat/00.png").write_bytes(b"x")
    with pytest.raises(CorruptData, match=r"cat/00.png: this is no PNG.*--skip-damaged leaves it out"):
        taken(place)
