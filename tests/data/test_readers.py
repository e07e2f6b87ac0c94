"""Every kind of file that a user may bring."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from data.samples import digits_like, idx_bytes, write_idx, write_pictures
from seedbed.data import ReadOptions
from seedbed.data.ranges import extent_of, scale_of
from seedbed.data.readers import decoding, kind_of
from seedbed.data.readers import read as read_kind
from seedbed.errors import CorruptData, DataError
from seedbed.records import PictureRule

PLAIN = PictureRule((0.0,), (255.0,))


def read(path, kind=None, **options):
    """The content of a path, by the reader that fits or the one of this kind."""
    chosen = ReadOptions(**options)
    return read_kind(path, kind or kind_of(path, chosen), chosen)


def shades(path, shape, rule=PLAIN):
    """A picture as bytes."""
    return np.rint(decoding.read_one(path, shape, rule) * 255)


def refused(path, match, kind=None, **options):
    """The path is refused with one line that matches."""
    with pytest.raises(DataError, match=match) as caught:
        read(path, kind, **options)
    assert "\n" not in str(caught.value)
    return caught.value


# --- Pictures ----------------------------------------------------------------------------------------------------------


def test_class_folders_give_names_labels_and_file_names(tmp_path):
    write_pictures(tmp_path / "in", {"b & <b>": 3, "a": 2})
    content = read(tmp_path / "in")
    assert content.classes == ("a", "b & <b>")
    train = content.parts["train"]
    assert train.images.shape == (5, 6, 5, 1)
    assert train.labels.tolist() == [0, 0, 1, 1, 1]
    assert train.sources[2] == "b & <b>/000.png"
    assert train.images[2].max() == 7


def test_classes_named_by_numbers_are_ordered_as_numbers(tmp_path):
    write_pictures(tmp_path / "in", {"10": 1, "9": 1, "2": 1})
    assert read(tmp_path / "in", "pictures").classes == ("2", "9", "10")


@pytest.mark.parametrize(
    ("names", "parts"), [(("train", "val", "test"), 3), (("Train", "validation"), 2), (("train", "test"), 2)]
)
def test_train_val_and_test_may_stand_above_the_classes(tmp_path, names, parts):
    for name in names:
        write_pictures(tmp_path / "in" / name, {"a": 2, "b": 2})
    content = read(tmp_path / "in", "pictures")
    assert len(content.parts) == parts
    assert content.parts["train"].sources[0] == f"{names[0]}/a/000.png"


def test_all_are_read_as_colour_if_one_is(tmp_path):
    write_pictures(tmp_path / "in", {"a": 2, "b": 2})
    assert read(tmp_path / "in", "pictures").image_shape == (6, 5, 1)
    write_pictures(tmp_path / "in", {"c": 1}, mode="RGB")
    content = read(tmp_path / "in", "pictures")
    assert content.image_shape == (6, 5, 3)
    assert any(rule.startswith("1 of 5 pictures are stored in colour, and not all") for rule in content.rules)


def test_a_palette_of_greys_is_grey(tmp_path):
    write_pictures(tmp_path / "in", {"a": 1, "b": 1})
    Image.open(tmp_path / "in/a/000.png").convert("P").save(tmp_path / "in/a/001.png")
    assert read(tmp_path / "in", "pictures").image_shape == (6, 5, 1)


def test_the_most_common_size_wins_and_the_rule_is_said(tmp_path):
    write_pictures(tmp_path / "in", {"a": 2, "b": 2})
    write_pictures(tmp_path / "in", {"c": 1}, size=(9, 9), kind="jpg")
    content = read(tmp_path / "in", "pictures")
    assert content.image_shape == (6, 5, 1)
    assert content.rules[:2] == (
        "Size 6 x 5, the most common.",
        "1 of 5 pictures had another size and were brought to it, and 1 of other proportions were padded with the colour of "
        "their border.",
    )
    assert read(tmp_path / "in", "pictures", size=(4, 8)).image_shape == (4, 8, 1)


def test_what_is_transparent_is_laid_on_white(tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(path)
    assert (shades(path, (4, 4, 1)) == 255).all()


def test_16_bit_grey_is_brought_to_8(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(np.full((4, 4), 0x8123, np.uint16)).save(path)
    assert (shades(path, (4, 4, 1), replace(PLAIN, deep=65535)) == 0x81).all()


def test_a_jpegs_rotation_mark_is_obeyed(tmp_path):
    (tmp_path / "in/a").mkdir(parents=True)
    write_pictures(tmp_path / "in", {"b": 1}, size=(8, 4), kind="jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 4), 50).save(tmp_path / "in/a/0.jpg", exif=exif)
    assert read(tmp_path / "in", "pictures").image_shape == (8, 4, 1)


def test_other_files_are_left_out_and_counted(tmp_path):
    write_pictures(tmp_path / "in", {"a": 2, "b": 2})
    (tmp_path / "in/a/notes.txt").write_text("x")
    (tmp_path / "in/a/.DS_Store").write_text("x")
    content = read(tmp_path / "in", "pictures")
    assert len(content.parts["train"].labels) == 4
    assert any(rule.startswith("Not read: 1 file (a/notes.txt): no picture (PNG, JPEG, ") for rule in content.rules)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "this is no PNG, .*, despite its name"),
        (b"GIF89a" + bytes(40), "damaged picture|this is no PNG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "this is no PNG|damaged picture"),
    ],
)
def test_a_file_that_is_no_picture_is_named(tmp_path, content, match):
    write_pictures(tmp_path / "in", {"a": 2, "b": 2})
    (tmp_path / "in/b/001.png").write_bytes(content)
    assert "001.png" in str(refused(tmp_path / "in", match, "pictures"))


def test_a_format_that_is_not_on_the_list_is_refused_even_where_pillow_could_read_it(tmp_path):
    write_pictures(tmp_path / "in", {"a": 2, "b": 2})
    Image.new("L", (6, 5)).save(tmp_path / "in/b/001.png", format="TGA")
    refused(tmp_path / "in", "this is no PNG", "pictures")


def test_a_picture_cut_short_is_named(tmp_path):
    write_pictures(tmp_path / "in", {"a": 2, "b": 2}, size=(60, 60))
    path = tmp_path / "in/b/001.png"
    path.write_bytes(path.read_bytes()[:-20])
    assert "001.png" in str(refused(tmp_path / "in", "damaged picture", "pictures"))


@pytest.mark.parametrize("side", [7_100, 20_000, 60_000])
def test_a_bomb_is_refused_by_its_header(tmp_path, side):
    write_pictures(tmp_path / "in", {"a": 2, "b": 2})
    path = tmp_path / "in/b/001.png"
    content = bytearray(path.read_bytes())
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    refused(tmp_path / "in", "at most 50,000,000 pixels", "pictures")


def test_a_folder_without_classes_says_what_is_needed(tmp_path):
    (tmp_path / "in").mkdir()
    refused(tmp_path / "in", "it holds no file. Data are a folder of class folders ")


# --- Arrays ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_idx_pairs_are_read_gzipped_or_not(tmp_path, packed):
    images, labels = digits_like()
    write_idx(tmp_path / "in", "train", images, labels, packed=packed)
    write_idx(tmp_path / "in", "t10k", images[:10], labels[:10], packed=packed)
    content = read(tmp_path / "in")
    assert np.array_equal(content.parts["train"].images[..., 0], images)
    assert content.parts["test"].labels.tolist() == labels[:10].tolist()
    assert isinstance(content.parts["train"].images, np.memmap) is not packed


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda b: b[:-3], "promises 1,216 bytes, and it has 1,213"),
        (lambda b: b + b"x", "promises 1,216 bytes, and it has 1,217"),
        (lambda b: b"", "it begins with nothing"),
        (lambda b: b"\x00\x00\x07" + b[3:], "not an IDX file; it begins with 00 00 07 03"),
        (lambda b: b[:10], "cut short within its header"),
        (lambda b: gzip.compress(b)[:-30], "damaged or cut short"),
        (lambda b: gzip.compress(b + b"x"), "more bytes follow"),
        (lambda b: gzip.compress(b[:-5]), "cut short: 1,195 of 1,200"),
        (lambda b: gzip.compress(b[:4] + b"\x00\xff\xff\xff" + b[8:]), "claim to unfold to"),
        (lambda b: b[:4] + b"\xff\xff\xff\xff" * 3 + b[16:], "promises"),
    ],
)
def test_damaged_idx_says_what_is_wrong(tmp_path, change, match):
    images, labels = digits_like()
    write_idx(tmp_path, "train", images, labels)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(change(idx_bytes(images)))
    refused(tmp_path, match, "idx")


def test_an_idx_file_without_its_twin_is_named(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(digits_like()[0]))
    refused(tmp_path, "no file of labels next to train-images-idx3-ubyte", "idx")


@pytest.mark.parametrize("names", [("X", "y"), ("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels")])
def test_npz_archives_are_read_by_the_usual_names(tmp_path, names):
    images, labels = digits_like()
    np.savez_compressed(tmp_path / "d.npz", **dict(zip(names, (images, labels) * 2, strict=False)))
    content = read(tmp_path / "d.npz")
    assert len(content.parts) == len(names) // 2
    assert np.array_equal(content.parts["train"].images[..., 0], images)


@pytest.mark.parametrize(
    ("images", "shape", "dtype", "scale"),
    [
        (np.linspace(0, 1, 240).reshape(8, 6, 5), (6, 5, 1), np.float32, 1),
        (np.arange(8 * 12).reshape(8, 2, 2, 3), (2, 2, 3), np.uint8, 255),
        (np.arange(8 * 75).reshape(8, 3, 5, 5) % 256, (5, 5, 3), np.uint8, 255),
        (np.arange(8 * 16).reshape(8, 16) % 17, (4, 4, 1), np.uint8, 16),
        (np.arange(8 * 48).reshape(8, 48) % 200, (4, 4, 3), np.uint8, 255),
        (np.arange(8 * 4).reshape(8, 2, 2) * 1000, (2, 2, 1), np.float32, 65535),
        (np.ones((8, 3, 3), bool), (3, 3, 1), np.uint8, 1),
        (np.asfortranarray(np.arange(32, dtype=np.uint8).reshape(8, 2, 2)), (2, 2, 1), np.uint8, 255),
        (np.arange(32, dtype=">f4").reshape(8, 2, 2), (2, 2, 1), np.float32, 255),
    ],
)
def test_arrays_of_every_honest_kind_become_images(tmp_path, images, shape, dtype, scale):
    np.savez(tmp_path / "d.npz", X=images, y=np.arange(8) % 2)
    content = read(tmp_path / "d.npz")
    assert content.image_shape == shape
    assert content.parts["train"].images.dtype == dtype
    assert content.scale == scale
    assert content.parts["train"].images.sum(dtype=float) == pytest.approx(images.sum(dtype=float))


@pytest.mark.parametrize(
    ("largest", "scale"),
    [(0, 1), (1, 1), (8, 15), (16, 16), (17, 255), (255, 255), (1000, 1023), (4000, 4095), (60000, 65535), (1e6, 1e6)],
)
def test_pixels_are_divided_by_the_first_usual_scale_that_holds_them(largest, scale):
    assert scale_of(extent_of(np.array([[[[0], [largest]]]], dtype=np.float64))) == scale


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (np.array(["cat", "ant"] * 4), ("ant", "cat"), [1, 0] * 4),
        (np.array([b"cat", b"ant"] * 4), ("ant", "cat"), [1, 0] * 4),
        (np.array([[7], [30]] * 4), ("7", "30"), [0, 1] * 4),
        (np.array([2.0, -1.0] * 4), ("-1", "2"), [1, 0] * 4),
        (np.array([True, False] * 4), ("0", "1"), [1, 0] * 4),
    ],
)
def test_labels_of_every_honest_kind_become_classes(tmp_path, labels, classes, numbers):
    np.savez(tmp_path / "d.npz", X=digits_like(8)[0], y=labels)
    content = read(tmp_path / "d.npz")
    assert content.classes == classes
    assert content.parts["train"].labels.tolist() == numbers


NAN = np.full((8, 2, 2), 0.5)
NAN[5, 1, 0] = np.nan


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"X": NAN, "y": np.arange(8)}, r"image 5, row 1, column 0: pixels must be finite, and this one is nan"),
        ({"X": NAN * 0 + np.inf, "y": np.arange(8)}, "image 0, row 0, column 0: .* is inf"),
        ({"X": digits_like(8)[0], "y": np.arange(7)}, "8 images, but 7 labels"),
        ({"X": digits_like(8)[0], "y": np.arange(8) / 3}, "labels must be whole numbers or names, and that of image 1 is 0.33"),
        ({"X": digits_like(8)[0], "y": np.full(8, np.nan)}, "labels must be whole numbers"),
        ({"X": digits_like(8)[0], "y": np.eye(8) + 1}, r"shape \(n,\), and these are \(8, 8\)"),
        ({"X": np.zeros((8, 2, 2), complex), "y": np.arange(8)}, "images must be numbers, and these are complex128"),
        ({"X": np.zeros((8, 10)), "y": np.arange(8)}, "10 pixels per image are no square"),
        ({"X": np.zeros((8, 4, 4, 4)), "y": np.arange(8)}, "1 or 3 channels"),
        ({"X": np.zeros((0, 4, 4)), "y": np.zeros(0)}, "images must have the shape"),
        ({"X": np.zeros(8), "y": np.arange(8)}, "images must have the shape"),
        ({"X": digits_like(8)[0], "y": np.full(8, 0x7FFFFFFF, "<u4").view("<U1")}, "no character of Unicode"),
        ({"pictures": np.zeros(8)}, "must be named X, y or x_train.*here are: pictures"),
    ],
)
def test_arrays_that_are_no_images_and_labels_are_refused(tmp_path, arrays, match):
    np.savez(tmp_path / "d.npz", **arrays)
    refused(tmp_path / "d.npz", match)


class Canary:
    """Unpickled, it would leave a file behind."""

    def __reduce__(self):
        return (open, ("canary", "w"))


def test_objects_are_never_unpickled(tmp_path, alone):
    images, _ = digits_like(8)
    np.savez(tmp_path / "d.npz", X=images, y=np.array([Canary()] * 8, dtype=object))
    refused(tmp_path / "d.npz", "array y: it has Python objects, which are never unpickled")
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in/X.npy", images)
    np.save(tmp_path / "in/y.npy", np.array([Canary()] * 8, dtype=object))
    refused(tmp_path / "in", "Python objects")
    assert list((alone / "work").iterdir()) == []


def test_an_archive_that_claims_too_much_is_refused_before_memory_is_given(tmp_path):
    header = np.lib.format.magic(1, 0) + b"\x76\x00" + b"{'descr': '|u1', 'fortran_order': False, 'shape': (900000000, 2, 4)}"
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("X.npy", header.ljust(127) + b"\n")
        archive.writestr("y.npy", header.ljust(127) + b"\n")
    refused(tmp_path / "d.npz", "claim to unfold to 7,200,000,000")


def test_paths_inside_an_archive_lead_nowhere(tmp_path):
    images, labels = digits_like(8)
    np.savez(tmp_path / "d.npz", **{"X": images, "y": labels, "../../escaped": images})
    read(tmp_path / "d.npz")
    assert not list(tmp_path.parent.glob("**/escaped*"))


def test_npy_files_are_mapped_where_they_lie(tmp_path):
    images, labels = digits_like()
    for name, array in (("x_train", images), ("y_train", labels), ("x_test", images), ("y_test", labels)):
        np.save(tmp_path / f"{name}.npy", array)
    content = read(tmp_path)
    stored = content.parts["train"].images
    assert isinstance(stored, np.memmap)
    assert str(stored.filename).endswith("x_train.npy")
    assert content.parts["test"].images.shape == (40, 6, 5, 1)


# --- Tables ------------------------------------------------------------------------------------------------------------

ROWS = "0,1,2,3,4\n1,5,6,7,255\n0,9,10,11,12\n"


@pytest.mark.parametrize(
    ("text", "options", "classes"),
    [
        (ROWS, {}, ("0", "1")),
        ("label,a,b,c,d\n" + ROWS, {}, ("0", "1")),
        ("a,b,Target,c,d\n1,2,x,3,4\n5,6,y,7,255\n", {}, ("x", "y")),
        ("a,b,c,d,kind\n1,2,3,4,x\n5,6,7,255,y\n", {"label_column": "kind"}, ("x", "y")),
        ("1,2,3,4,x\n5,6,7,255,y\n", {"label_column": "4"}, ("x", "y")),
        ('"a, b",1,2,3,4\n"c",5,6,7,255\n', {}, ("a, b", "c")),
        ("\ufefflabel,a,b,c,d\r\n#1,1,2,3,4\r\n\r\n#2,5,6,7,255\r\n", {}, ("#1", "#2")),
    ],
)
def test_tables_are_read_with_and_without_a_header(tmp_path, text, options, classes):
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8", newline="")
    content = read(path, **options)
    assert content.classes == classes
    assert content.image_shape == (2, 2, 1)
    assert content.parts["train"].images.dtype == np.uint8
    assert content.parts["train"].images[1].ravel().tolist() == [5, 6, 7, 255]


@pytest.mark.parametrize("changed", [None, "-1", "3.5", " 7", "300", "+4", "0007", "1e1"])
def test_blocks_of_bytes_are_parsed_as_any_numbers_are(tmp_path, monkeypatch, changed):
    cells = [[str((7 * row + 13 * column) % 256) for column in range(9)] for row in range(30)]
    cells[20][4] = changed or cells[20][4]
    lines = [f"{','.join(row[:4])},{'xy'[number % 2]},{','.join(row[4:])}" for number, row in enumerate(cells)]
    (tmp_path / "d.csv").write_text("\n".join(["a,b,c,d,label,e,f,g,h,i", *lines]))
    quick = read(tmp_path / "d.csv")
    monkeypatch.setattr("seedbed.data.readers.bytewise.parse", lambda *_: None)
    plain = read(tmp_path / "d.csv")
    assert quick.digest == plain.digest
    assert quick.classes == ("x", "y")
    assert quick.parts["train"].images[20, 1, 1, 0] == float(changed or (7 * 20 + 13 * 4) % 256)


def test_tables_may_be_gzipped_and_come_as_train_and_test(tmp_path):
    (tmp_path / "mnist_train.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    (tmp_path / "mnist_test.csv").write_text(ROWS)
    content = read(tmp_path)
    assert kind_of(tmp_path) == "csv"
    assert set(content.parts) == {"train", "test"}


def test_a_size_says_what_rows_that_are_no_square_are(tmp_path):
    (tmp_path / "d.csv").write_text("0,1,2,3,4,5,6\n1,1,2,3,4,5,6\n")
    refused(tmp_path / "d.csv", "6 pixels per image are no square, grey or colour. State the --size")
    assert read(tmp_path / "d.csv", "csv", size=(3, 2)).image_shape == (3, 2, 1)
    assert read(tmp_path / "d.csv", "csv", size=(1, 2)).image_shape == (1, 2, 3)
    refused(tmp_path / "d.csv", "images of 4 x 4 have 16 pixels", "csv", size=(4, 4))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "the table is empty"),
        ("label,a,b\n", "a header and no rows"),
        ("0,1,2,3,4\n1,5,nan,7,8\n", "line 2, column 2: pixels must be finite numbers, and this one is nan"),
        ("0,1,2,3,4\n1,5,1e999,7,8\n", "line 2, column 2: pixels must be finite"),
        ("0,1,2,3,4\n1,5,x,7,8\n", "line 2, column 2: pixels must be numbers, not 'x'"),
        ("0,1,2,3,4\n1,5,,7,8\n", "line 2, column 2: pixels must be numbers, not ''"),
        ("0,1,2,3,4\n1,5,6\n", "line 2: it has 3 values, and the first line has 5"),
        ("0,1,2,3,4\n1,5,6,7,8,9\n", "line 2: it has 6 values, and the first line has 5"),
        ("label,1,2,3,4\n,5,6,7,8\n", "line 2: the label is missing"),
        ("7\n8\n", "a row needs a label and pixels"),
        ("0,1,2,3,4\n0.5,5,6,7,8\n", "no column is certainly that of the labels .*--label-column"),
        ("label,1,2,3,4\n0.5,5,6,7,8\n", "labels must be whole numbers or names"),
    ],
)
def test_damaged_tables_say_line_and_column(tmp_path, text, match):
    (tmp_path / "d.csv").write_text(text)
    refused(tmp_path / "d.csv", match)


def test_bytes_that_are_no_text_are_no_table(tmp_path):
    (tmp_path / "d.csv").write_bytes(b"\xff\xfe\x00\x01,\x93\n1,2\n")
    refused(tmp_path / "d.csv", "no CSV text in UTF-8")


def test_a_label_column_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    (tmp_path / "d.csv").write_text("kind,a,b,c,d\nx,1,2,3,4\n")
    with pytest.raises(DataError, match=r"no column 'kin'\. Did you mean 'kind'"):
        read(tmp_path / "d.csv", label_column="kin")


@pytest.mark.parametrize(
    ("name", "match"),
    [("nothing", "no such file or folder"), ("x.gif", "this is one picture"), ("x.doc", "it holds 1 .doc file")],
)
def test_what_is_no_data_is_refused(tmp_path, name, match):
    (tmp_path / "x.gif").write_bytes(b"GIF89a")
    (tmp_path / "x.doc").write_bytes(b"x")
    with pytest.raises(DataError, match=match):
        kind_of(tmp_path / name)


def test_errors_are_of_the_right_kind(tmp_path):
    (tmp_path / "d.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(CorruptData, match=r"not an \.npz archive"):
        read(tmp_path / "d.npz")
