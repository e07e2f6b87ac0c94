"""Every layout and format of docs/reference/images.md, made small as users have it: the table's rows by their first column."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data.samples import idx_bytes

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (24, 6, 6)).astype(np.uint8)
IMAGES[:, 0, 0] = np.arange(24)
COLOUR = GENERATOR.integers(0, 256, (24, 6, 6, 3)).astype(np.uint8)
LABELS = np.arange(24) % 2
NAMES = ("cat", "dog")


@dataclass(frozen=True)
class Layout:
    """Files in a folder, and what reading them gives.

    Attributes:
        make: function that writes the files into an empty folder and returns the path to add.
        kind: the reader.
        classes, parts, shape: what is read.
        options: options of `data add`.
    """

    make: Callable[[Path], Path]
    kind: str
    classes: tuple[str, ...] = ("0", "1")
    parts: dict[str, int] = field(default_factory=lambda: {"train": 24})
    shape: tuple[int, int, int] = (6, 6, 1)
    options: dict[str, Any] = field(default_factory=dict)


def save(array: np.ndarray, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def class_folders(root: Path, ending: str = "png", images: np.ndarray = IMAGES, **options: Any) -> Path:
    for number, (image, label) in enumerate(zip(images, LABELS, strict=True)):
        save(image, root / NAMES[label] / f"{number:02}.{ending}", **options)
    return root


def parts(root: Path) -> Path:
    for name in ("train", "val", "test"):
        class_folders(root / name)
    return root


def flat(root: Path, stem: Callable[[int], str] = "{:02}".format) -> list[str]:
    names = [f"{stem(number)}.png" for number in range(24)]
    for name, image in zip(names, IMAGES, strict=True):
        save(image, root / name)
    return names


def listed(root: Path, *, header: str = "id,label", extra: bool = True) -> Path:
    names = flat(root / "train")
    for number in range(24, 28):
        save(IMAGES[0], root / "test" / f"{number}.png")
    rows = [f"{name.removesuffix('.png')},{NAMES[label]}" for name, label in zip(names, LABELS, strict=True)]
    (root / "train.csv").write_text("\n".join([header, *rows]))
    if extra:
        (root / "sample_submission.csv").write_text("id,label\n" + "\n".join(f"{number},cat" for number in range(24, 28)))
    return root


def hot_list(root: Path) -> Path:
    for part, numbers in (("train", range(18)), ("valid", range(18, 24))):
        for number in numbers:
            save(IMAGES[number], root / part / f"{number:02}.png")
        lines = [f"{number:02}.png,{1 - LABELS[number]},{LABELS[number]}" for number in numbers]
        (root / part / "_classes.csv").write_text("\n".join(["filename,cat,dog", *lines]))
    return root


def text_list(root: Path) -> Path:
    names = flat(root / "img")
    lines = [f"img/{name} {NAMES[label]}" for name, label in zip(names, LABELS, strict=True)]
    (root / "list.txt").write_text("\n".join(lines))
    return root


def pages(root: Path) -> Path:
    for label, name in enumerate(NAMES):
        stack = [Image.fromarray(image) for image in IMAGES[label == LABELS]]
        (root / name).mkdir(parents=True)
        stack[0].save(root / name / "stack.tif", save_all=True, append_images=stack[1:])
    return root


def idx(root: Path, prefix: str = "", names: tuple[str, ...] = ("train", "t10k"), labels: np.ndarray = LABELS) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for part in names:
        for kind, array in (("images-idx3", IMAGES), ("labels-idx1", labels)):
            (root / f"{prefix}{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(array)))
    return root


def emnist(root: Path) -> Path:
    idx(root, "emnist-letters-", ("train", "test"), LABELS + 1)
    idx(root, "emnist-digits-", ("train", "test"))
    (root / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n")
    return root


def npz(root: Path, **arrays: Any) -> Path:
    np.savez(root / "data.npz", **arrays)
    return root / "data.npz"


def npy(root: Path, **arrays: Any) -> Path:
    for name, array in arrays.items():
        path = root / f"{name.replace('__', '/')}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    return root


def kmnist(root: Path) -> Path:
    for part in ("train", "test"):
        np.savez_compressed(root / f"kmnist-{part}-imgs.npz", IMAGES)
        np.savez_compressed(root / f"kmnist-{part}-labels.npz", LABELS)
    return root


def mat(root: Path) -> Path:
    from scipy.io import savemat

    for part in ("train", "test"):
        savemat(root / f"{part}_32x32.mat", {"X": np.moveaxis(COLOUR, 0, -1), "y": LABELS[:, None]}, do_compression=True)
    return root


def hdf5(root: Path) -> Path:
    import h5py

    with h5py.File(root / "usps.h5", "w") as file:
        for part in ("train", "test"):
            file[f"{part}/data"] = IMAGES.reshape(24, -1) / 255
            file[f"{part}/target"] = LABELS
    return root / "usps.h5"


def mat73(root: Path) -> Path:
    import h5py

    with h5py.File(root / "d.mat", "w", userblock_size=512) as file:
        file["X"] = IMAGES.transpose(2, 1, 0)  # MATLAB: 6 x 6 x n, and HDF5 has its axes in reverse
        file["y"] = LABELS[None]
    with (root / "d.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return root / "d.mat"


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def parquet(root: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    feature = {"info": {"features": {"label": {"names": list(NAMES), "_type": "ClassLabel"}}}}
    held = [{"bytes": png(image), "path": None} for image in IMAGES]
    table = pa.table({"image": held, "label": LABELS}).replace_schema_metadata({"huggingface": json.dumps(feature)})
    (root / "data").mkdir()
    for part in ("train", "test"):
        pq.write_table(table, root / "data" / f"{part}-00000-of-00001.parquet")
    return root


def csv(root: Path, text: str, name: str = "d.csv") -> Path:
    (root / name).write_text(text)
    return root / name


def rows(*, header: str = "", separator: str = ",", last: bool = False, index: bool = False) -> str:
    lines = [header] if header else []
    for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        pixels, cell = [*map(str, image.ravel())], [NAMES[label]]
        lines.append(separator.join([*([str(number)] if index else []), *(pixels + cell if last else cell + pixels)]))
    return "\n".join(lines)


HEADER = ",".join(f"pixel{i}" for i in range(36))


def fer(root: Path) -> Path:
    usage = ["Training"] * 12 + ["PublicTest"] * 6 + ["PrivateTest"] * 6
    lines = [
        f"{label},{' '.join(map(str, image.ravel()))},{part}" for image, label, part in zip(IMAGES, LABELS, usage, strict=True)
    ]
    return csv(root, "\n".join(["emotion,pixels,Usage", *lines]))


def one_hot(root: Path) -> Path:
    lines = [f"{','.join(map(str, image.ravel()))},{1 - label},{label}" for image, label in zip(IMAGES, LABELS, strict=True)]
    return csv(root, "\n".join([f"{HEADER},cat,dog", *lines]))


def kaggle_digits(root: Path) -> Path:
    csv(root, rows(header=f"label,{HEADER}"), "train.csv")
    csv(root, "\n".join([HEADER, *(",".join(map(str, image.ravel())) for image in IMAGES)]), "test.csv")
    return root


def zipped(root: Path) -> Path:
    parts(root / "set")
    with zipfile.ZipFile(root / "set.zip", "w") as archive:
        for path in sorted((root / "set").rglob("*.png")):
            archive.write(path, f"My Pets/{path.relative_to(root / 'set')}")
    return root / "set.zip"


def tarred(root: Path) -> Path:
    class_folders(root / "set")
    with tarfile.open(root / "set.tar.gz", "w:gz") as archive:
        archive.add(root / "set", "set")
    return root / "set.tar.gz"


PETS = {"classes": NAMES}
THREE = {"train": 24, "validation": 24, "test": 24}
TWO = {"train": 24, "test": 24}

READ: dict[str, Layout] = {
    "class folders": Layout(class_folders, "pictures", **PETS),
    "parts with class folders": Layout(parts, "pictures", parts=THREE, **PETS),
    "JPEG, JFIF": Layout(lambda root: class_folders(root, "jfif"), "pictures", **PETS),
    "BMP": Layout(lambda root: class_folders(root, "bmp"), "pictures", **PETS),
    "WebP": Layout(lambda root: class_folders(root, "webp", lossless=True), "pictures", **PETS),
    "GIF": Layout(lambda root: class_folders(root, "gif"), "pictures", **PETS),
    "PNM": Layout(lambda root: class_folders(root, "pgm"), "pictures", **PETS),
    "TIFF": Layout(lambda root: class_folders(root, "tif", IMAGES.astype(np.uint16) * 16), "pictures", **PETS),
    "TIFF of several pages": Layout(pages, "pictures", **PETS),
    "pictures and a table of labels": Layout(listed, "listed", **PETS),
    "pictures and one-hot columns": Layout(hot_list, "listed", parts={"train": 18, "validation": 6}, **PETS),
    "pictures and a text list": Layout(text_list, "listed", **PETS),
    "labels in file names": Layout(
        lambda root: (flat(root, lambda n: f"{NAMES[LABELS[n]]}.{n}"), root)[1],
        "pattern",
        options={"label_pattern": r"^([a-z]+)\."},
        **PETS,
    ),
    "IDX": Layout(idx, "idx", parts=TWO),
    "IDX of EMNIST": Layout(emnist, "idx", ("Aa", "Bb"), TWO, options={"prefix": "emnist-letters"}),
    ".npz": Layout(lambda root: npz(root, x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=LABELS), "npz", parts=TWO),
    ".npz of MedMNIST": Layout(
        lambda root: npz(
            root,
            **{f"{part}_images": COLOUR for part in ("train", "val", "test")},
            **{f"{part}_labels": LABELS[:, None] for part in ("train", "val", "test")},
        ),
        "npz",
        parts=THREE,
        shape=(6, 6, 3),
    ),
    ".npz pairs of KMNIST": Layout(kmnist, "npy", parts=TWO),
    ".npy": Layout(lambda root: npy(root, X=IMAGES, y=LABELS), "npy"),
    ".npy in folders of parts": Layout(
        lambda root: npy(root, train__x=IMAGES, train__y=LABELS, test__x=IMAGES, test__y=LABELS), "npy", parts=TWO
    ),
    ".npy for each class": Layout(
        lambda root: npy(
            root, full_numpy_bitmap_cat=IMAGES[:12].reshape(12, -1), full_numpy_bitmap_dog=IMAGES[12:].reshape(12, -1)
        ),
        "npy",
        **PETS,
    ),
    "MATLAB": Layout(mat, "mat", parts=TWO, shape=(6, 6, 3)),
    "MATLAB 7.3": Layout(mat73, "mat"),
    "HDF5": Layout(hdf5, "hdf5", parts=TWO),
    "Parquet": Layout(parquet, "parquet", parts=TWO, **PETS),
    "CSV": Layout(lambda root: csv(root, rows(header=f"label,{HEADER}")), "csv", **PETS),
    "CSV, label last": Layout(lambda root: csv(root, rows(header=f"{HEADER},species_id", last=True)), "csv", **PETS),
    "CSV with an index": Layout(lambda root: csv(root, rows(header=f",label,{HEADER}", index=True)), "csv", **PETS),
    "CSV with numbers for names": Layout(
        lambda root: csv(root, rows(header=",".join(map(str, range(36))) + ",label", last=True)), "csv", **PETS
    ),
    "semicolons, tabs": Layout(lambda root: csv(root, rows(separator=";")), "csv", **PETS),
    "pixels in one cell": Layout(fer, "csv", parts={"train": 12, "validation": 6, "test": 6}),
    "one-hot columns": Layout(one_hot, "csv", **PETS),
    "train.csv, test.csv": Layout(kaggle_digits, "csv", **PETS),
    ".zip": Layout(zipped, "pictures", parts=THREE, **PETS),
    ".tar, .tar.gz": Layout(tarred, "pictures", **PETS),
}


def pickled(root: Path) -> Path:
    (root / "data.pkl").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    return root


def cifar_pickles(root: Path) -> Path:
    for number in range(1, 6):
        (root / f"data_batch_{number}").write_bytes(b"\x80\x02}q")
    return root


def other_format(root: Path) -> Path:
    for name in NAMES:
        (root / name).mkdir()
        (root / name / "1.heic").write_bytes(b"x")
    return root


def one_level_down(root: Path) -> Path:
    class_folders(root / "PetImages")
    (root / "readme.txt").write_text("x")
    return root


def two_levels_down(root: Path) -> Path:
    class_folders(root / "archive/PetImages")
    (root / "archive/readme.txt").write_text("x")
    return root


def cifar100_pickles(root: Path) -> Path:
    for name in ("train", "test", "meta"):
        (root / name).write_bytes(b"\x80\x02}q")
    return root


def named(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).write_bytes(b"x")
    return root


def same_names(root: Path) -> Path:
    for folder in ("left", "right"):
        flat(root / "set" / folder)
    (root / "set.csv").write_text("file,label\n" + "\n".join(f"{number:02}.png,{number % 2}" for number in range(24)))
    return root


def two_labels(root: Path) -> Path:
    names = flat(root)
    (root / "list.csv").write_text("file,label\n" + "\n".join([*(f"{name},cat" for name in names), f"{names[3]},dog"]))
    return root


def rar(root: Path) -> Path:
    (root / "pets.rar").write_bytes(b"Rar!")
    return root


def many_sizes(root: Path) -> Path:
    for number in range(24):
        save(np.full((10 + number, 20 + number), number, np.uint8), root / NAMES[number % 2] / f"{number}.png")
    return root


def several_idx(root: Path) -> Path:
    return emnist(root)


def empty_class(root: Path) -> Path:
    class_folders(root)
    (root / "emu").mkdir()
    return root


def val_and_validation(root: Path) -> Path:
    parts(root)
    class_folders(root / "validation")
    return root


def other_scale(root: Path) -> Path:
    return npz(root, x_train=IMAGES, y_train=LABELS, x_test=IMAGES / 255, y_test=LABELS)


def two_label_columns(root: Path) -> Path:
    lines = [f"{number % 3},{','.join(['7'] * 36)},{number % 4}" for number in range(24)]
    return csv(root, "\n".join(lines))


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "pickles": (pickled, r"pickles are never opened, since they can run any program. Save the arrays with numpy.savez"),
    "CIFAR-10 for Python": (cifar_pickles, r"pickles are never opened.*For CIFAR-10 use --data cifar10"),
    "other formats": (other_format, r"it holds 2 .heic files in 2 folders. Convert the .heic files to PNG."),
    "one level too high": (one_level_down, r"one level down, PetImages/ is a folder of class folders .*did you mean that\?"),
    "two levels too high": (two_levels_down, r"two levels down, archive/PetImages/ is .*did you mean that\?"),
    "CIFAR-100 for Python": (cifar100_pickles, r"meta, test, train: pickles are never opened"),
    "spreadsheets": (lambda root: named(root, "labels.xlsx"), r"it holds 1 .xlsx file. Save the table as CSV."),
    "TFRecord, LMDB": (lambda root: named(root, "a.tfrecord"), r"This format is not read. Save its arrays with numpy.savez"),
    "annotations in JSON, XML": (lambda root: named(root, "a.json"), r"save file names and labels as CSV next to the pictures"),
    "images without labels": (lambda root: npz(root, images=IMAGES), r"there are images \(images\), but no labels"),
    "one class": (lambda root: (flat(root / "cat"), root)[1], r"cat/ would be the only class"),
    "equal names in two folders": (same_names, r"'00.png' is the name of 2 pictures \(set/left/00.png, set/right/00.png\)"),
    "a picture with two labels": (two_labels, r"03.png: it has two labels, 'cat' and 'dog'"),
    "RAR, 7z": (rar, r"it holds 1 .rar file; unpack first"),
    "pictures without labels": (
        lambda root: (flat(root), root)[1],
        r"24 pictures in 1 folder, without labels: sort .*--label-pattern",
    ),
    "photos of many sizes": (many_sizes, r"24 pictures have 24 sizes, from 10 x 20 to 33 x 43 .*--size 2\dx3\d.*--fit"),
    "several sets in one folder": (several_idx, r"has 2 data sets: 'emnist-digits', 'emnist-letters'. .*--prefix"),
    "a class without pictures": (empty_class, r"class 'emu' has no picture that is read .*: it is empty"),
    "two folders of one part": (val_and_validation, r"val/ and validation/ are both the validation part"),
    "parts on different scales": (
        other_scale,
        r"the test part is on another scale than the training part.* 0 to 1, .* 0 to 255",
    ),
    "two columns that may be labels": (two_label_columns, r"no column is certainly that of the labels .*--label-column"),
}
