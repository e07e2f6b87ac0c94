"""Bad inputs by the thousand: sound ones, damaged in the ways that disks, editors and strangers damage them."""

from __future__ import annotations

import copy
import gzip
import io
import math
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from data import layouts
from data.samples import digits_like, idx_bytes

ESCAPES = (
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "[bold]x[/bold]",
    "../../etc/passwd",
    "a\nb",
)
"""What would steer a terminal, a page or a path, were it not shown as text."""

NUMBERS = (0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


# --- Bytes -------------------------------------------------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn, sound: tuple[bytes, ...]) -> bytes:
    """A sound file with one to four wounds: bits, bytes and numbers changed, stretches cut out, doubled or put in."""
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(1, 64))
        match draw(st.sampled_from(["flip", "cut", "drop", "double", "insert", "number", "swap"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + length]
            case "double":
                data[at:at] = data[at : at + length]
            case "insert":
                data[at:at] = draw(st.binary(max_size=16))
            case "number":
                order = draw(st.sampled_from("<>"))
                data[at : at + 8] = struct.pack(f"{order}q", draw(st.sampled_from(NUMBERS[:-2])))[
                    : draw(st.sampled_from([1, 2, 4, 8]))
                ]
            case "swap":
                data[at : at + length], data[:length] = data[:length], data[at : at + length]
    return bytes(data)


def npz_bytes(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def picture_bytes(kind: str, mode: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((9, 7), 60).convert(mode).save(file, kind)
    return file.getvalue()


IMAGES, LABELS = digits_like()
NPZ = (npz_bytes(X=IMAGES, y=LABELS), npz_bytes(x_train=IMAGES / 255, y_train=LABELS, x_test=IMAGES / 255, y_test=LABELS))
IDX = (idx_bytes(IMAGES),)
IDX_PACKED = (gzip.compress(idx_bytes(IMAGES)),)
NPY = (npy_bytes(IMAGES), npy_bytes(IMAGES.astype(np.float32)))
PICTURES = tuple(picture_bytes(kind, mode) for kind, mode in (("PNG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB")))
CSV = (
    "\n".join(
        ["label," + ",".join(f"p{i}" for i in range(9)), *(f"{n % 3}," + ",".join("0123456789"[:9]) for n in range(30))]
    ).encode(),
    "\n".join(",".join([str(n % 2)] + [f"{n / 7:.3f}"] * 16) for n in range(24)).encode(),
)


def saved(name: str) -> tuple[bytes, ...]:
    """The data files of a layout of docs/reference/images.md."""
    with tempfile.TemporaryDirectory() as folder:
        path = layouts.READ[name].make(Path(folder))
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        return tuple(file.read_bytes() for file in files[:2])


def _zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, picture in enumerate(PICTURES[:2] * 2):
            archive.writestr(f"set/{'ab'[number % 2]}/{number}.png", picture)
    return stream.getvalue()


NEW_PICTURES = tuple(saved(name)[0] for name in ("BMP", "WebP", "GIF", "PNM"))
TIFF = (saved("TIFF")[0], saved("TIFF of several pages")[0])
MAT = saved("MATLAB")
HDF5 = (saved("HDF5")[0], saved("MATLAB 7.3")[0])
PARQUET = saved("Parquet")
ZIP = (_zipped(),)
TAR = saved(".tar, .tar.gz")
LISTED = saved("pictures and a table of labels")[-1:]
TABLES = tuple(
    saved(name)[0]
    for name in ("CSV with an index", "semicolons, tabs", "pixels in one cell", "one-hot columns", "CSV, label last")
)

DTYPES = ("u1", "i8", "f2", "f4", "f8", "?", "c8", "U3", "S2", "M8[s]", "V4", ">f4", [("a", "i4")])


@st.composite
def strange_arrays(draw: st.DrawFn) -> bytes:
    """An npz of the usual names and unusual arrays: any type, any shape, NaN, objects."""

    def array() -> np.ndarray:
        shape = tuple(draw(st.lists(st.sampled_from([0, 1, 2, 5, 8, 40]), max_size=5)))
        if math.prod(shape) > 100_000:
            shape = shape[:2]
        if draw(st.booleans()):
            return np.full(shape, draw(st.sampled_from([math.nan, math.inf, -1.0, 1e30, 0.5, 300.0])))
        if draw(st.integers(0, 5)) == 0:
            return np.full(shape, None, dtype=object)
        return np.zeros(shape, np.dtype(draw(st.sampled_from(DTYPES))))

    names = draw(
        st.sampled_from([("X", "y"), ("x_train", "y_train", "x_test", "y_test"), ("images",), ("X", "y", "z"), ("/x", "..y")])
    )
    return npz_bytes(**{name: array() for name in names})


# --- Text --------------------------------------------------------------------------------------------------------------

TOKENS = (
    *ESCAPES,
    "NaN",
    "inf",
    "1e999",
    "-1",
    "9" * 400,
    "0x10",
    '"',
    "'",
    "\x00",
    "\r",
    "\t",
    ",,,",
    ": ",
    "- ",
    "&a [*a]",
    "*b",
)
YAML_TOKENS = (
    *TOKENS,
    "!!python/object/apply:os.system ['touch canary']",
    "[" * 3000,
    "{" * 200,
    "!!binary x",
    "<<: *a",
    "2001-13-45",
    "~",
)


@st.composite
def damaged_text(draw: st.DrawFn, sound: tuple[str, ...], tokens: tuple[str, ...] = TOKENS) -> bytes:
    """A sound text with tokens put in, or put in the place of others."""
    words = draw(st.sampled_from(sound)).replace("\n", " \n ").split(" ")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(words)))
        words[at : at + draw(st.integers(0, 2))] = [draw(st.sampled_from(tokens) | st.text(max_size=6))]
    return " ".join(words).encode("utf-8", "surrogatepass")


CONFIGS = (
    "model:\n  family: dense\n  hidden: [ 20 , 10 ]\n  activation: relu\n  dropout: 0.2\nplan:\n  epochs: 3\n",
    "model:\n  family: conv\n  filters: [ 4 , 2 ]\n  kernel: 3\nplan:\n  optimizer: adamw\n  batch_size: 32\nseeds: 3\n",
    "data:\n  name: digits\n  size: [ 8 , 8 ]\n  label_noise: 0.1\n  first: 100\nseed: 7\n",
    "model:\n  family: keras\n  file: nothing.py\n  function: net\n  arguments: { width: 3 }\n",
)


# --- Values ------------------------------------------------------------------------------------------------------------

STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    1e308,
    math.nan,
    math.inf,
    2**63,
    10**400,
    "",
    "x" * 5000,
    [],
    {},
    [[[]]],
    [None],
    {"a": {}},
    *ESCAPES,
)


@st.composite
def damaged_value(draw: st.DrawFn, sound: Any) -> Any:
    """A JSON value with one to three of its parts replaced, removed or doubled."""
    value = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "replace", "remove", "double"])):
            case "replace":
                strange = st.sampled_from(STRANGE) | st.text(max_size=8) | st.integers() | st.floats()
                holder[key] = copy.deepcopy(draw(strange))
            case "remove":
                del holder[key]
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case "double":
                holder[draw(st.sampled_from(ESCAPES))] = copy.deepcopy(holder[key])
    return value


def _places(value: Any) -> Any:
    """Every part of a value, as what holds it and under which key."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from _places(value[key])


# --- User model files --------------------------------------------------------------------------------------------------

ERRORS = (
    "ValueError",
    "KeyError",
    "RuntimeError",
    "SystemExit",
    "MemoryError",
    "RecursionError",
    "ZeroDivisionError",
    "OSError",
    "StopIteration",
)
LAYERS = (
    "keras.layers.Flatten()", "keras.layers.Dense(10)", "keras.layers.Dense(3, activation='softmax')", "keras.layers.Dense(0)",
    "keras.layers.Conv2D(2, 3)", "keras.layers.Conv2D(2, 30)", "keras.layers.Reshape((8, 8))", "keras.layers.Reshape((7, 9))",
    "keras.layers.LSTM(3)", "keras.layers.Dropout(2.0)", "keras.layers.Dropout(0.5)", "keras.layers.BatchNormalization()",
    "keras.layers.Dense(10, activation='rleu')", "keras.layers.Dense(10, activity_regularizer='l2')",
    "None", "3", "print", "keras.layers.MaxPooling2D(9)", "keras.layers.Lambda(lambda x: x[:, :2])",
    "keras.layers.Lambda(lambda x: 1 / 0)",
)  # fmt: skip
SHAPES = ("(8, 8, 1)", "(8, 8)", "(28, 28, 1)", "(None, None, 1)", "()", "(-1,)", "'x'")


@st.composite
def model_files(draw: st.DrawFn) -> str:
    """A user's file whose `net` raises, prints, returns something strange, or builds a network of arbitrary layers."""
    kind = draw(st.sampled_from(["raise", "top", "return", "build", "build", "garbage", "exit"]))
    if kind == "garbage":
        return draw(st.text(alphabet=" ()=:\n\tabc1\"'#\\é\x00", max_size=40))
    message = repr(draw(st.sampled_from(ESCAPES) | st.text(max_size=20)))
    stop = f"raise {draw(st.sampled_from(ERRORS))}({message})"
    if kind == "top":
        return f"{stop}\ndef net(): pass\n"
    if kind in ("raise", "exit"):
        return f"import sys\ndef net():\n    print({message})\n    {stop if kind == 'raise' else 'sys.exit(0)'}\n"
    if kind == "return":
        value = draw(st.sampled_from(["None", "3", "net", "'x' * 10**6", "[]", "object()", "iter(())"]))
        return f"def net():\n    return {value}\n"
    layers = ", ".join(draw(st.lists(st.sampled_from(LAYERS), max_size=3)))
    return f"import keras\ndef net():\n    return keras.Sequential([keras.Input({draw(st.sampled_from(SHAPES))}), {layers}])\n"
