"""The shortcut for plain PNG files: Pillow's pixels, or none."""

from __future__ import annotations

import io
import struct
from zlib import crc32

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from seedbed.data.readers import png, read

GREY = np.arange(15 * 12, dtype=np.uint8).reshape(12, 15, 1)
COLOUR = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)


def saved(image: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def grey(**options) -> bytes:
    return saved(Image.fromarray(GREY[..., 0]), **options)


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc32(kind + content))


def split(content: bytes) -> list[bytes]:
    """The chunks of a PNG file."""
    chunks, start = [], 8
    while start < len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        chunks.append(content[start:end])
        start = end
    return chunks


def joined(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


HEAD, PIXELS, END = split(grey())
HALF = (len(PIXELS) - 12) // 2
TEXT = PngInfo()
TEXT.add_text("date", "today")

PLAIN = {
    "grey": grey(),
    "resolution and text": grey(dpi=(72, 72), pnginfo=TEXT),
    "pixels in two chunks": joined(HEAD, chunk(b"IDAT", PIXELS[8 : 8 + HALF]), chunk(b"IDAT", PIXELS[8 + HALF : -4]), END),
    "text behind the pixels": joined(HEAD, PIXELS, chunk(b"tEXt", b"date:create\0today"), END),
    "bytes behind the end": grey() + b"more",
}

NOT_PLAIN = {
    "JPEG": b"\xff\xd8\xff\xe0" + bytes(40),
    "empty": b"",
    "header alone": grey()[:33],
    "another size": saved(Image.fromarray(GREY[:, :-1, 0])),
    "colour": saved(Image.fromarray(COLOUR)),
    "palette": saved(Image.fromarray(GREY[..., 0]).convert("P")),
    "16 bits": saved(Image.fromarray(GREY[..., 0].astype(np.uint16))),
    "one bit": saved(Image.fromarray(GREY[..., 0]).convert("1")),
    "transparent value": grey(transparency=7),
    "orientation": grey(exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"),
    "interlaced": joined(chunk(b"IHDR", HEAD[8:20] + b"\x01"), PIXELS, END),
    "a wrong checksum": joined(HEAD, PIXELS[:-1] + bytes([PIXELS[-1] ^ 1]), END),
    "a damaged pixel": joined(HEAD, PIXELS[:20] + bytes([PIXELS[20] ^ 1]) + PIXELS[21:], END),
    "pixels cut short": joined(HEAD, chunk(b"IDAT", PIXELS[8 : 8 + HALF]), END),
    "no pixels": joined(HEAD, END),
    "no end": joined(HEAD, PIXELS),
    "text among the pixels": joined(
        HEAD, chunk(b"IDAT", PIXELS[8 : 8 + HALF]), chunk(b"tEXt"), chunk(b"IDAT", PIXELS[8 + HALF : -4]), END
    ),
    "a resolution of 3 bytes": joined(HEAD, chunk(b"pHYs", b"123"), PIXELS, END),
    "a length beyond the file": joined(HEAD, struct.pack(">I", 1 << 31) + PIXELS[4:]),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_file_has_the_pixels_that_pillow_reads(name):
    np.testing.assert_array_equal(png.plain_pixels(io.BytesIO(PLAIN[name]), GREY.shape), GREY)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(PLAIN[name]))), GREY[..., 0])


def test_colours_stay_in_order():
    np.testing.assert_array_equal(png.plain_pixels(io.BytesIO(saved(Image.fromarray(COLOUR))), COLOUR.shape), COLOUR)


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_any_other_file_is_left_to_pillow(name):
    assert png.plain_pixels(io.BytesIO(NOT_PLAIN[name]), GREY.shape) is None


def test_a_folder_of_all_forms_is_read_as_without_the_shortcut(tmp_path, monkeypatch):
    root = tmp_path / "forms"
    forms = {**PLAIN, **{name: NOT_PLAIN[name] for name in ("palette", "16 bits", "transparent value", "orientation")}}
    for label in "ab":
        (root / label).mkdir(parents=True)
        for name, content in forms.items():
            (root / label / f"{name}.png").write_bytes(content)
    shortcut = read(root, "pictures")
    monkeypatch.setattr("seedbed.data.readers.pictures.plain_pixels", lambda *_: None)
    assert read(root, "pictures").digest == shortcut.digest
    assert len(shortcut.parts["train"].images) == 2 * len(forms)
