"""Plain PNG files, by the tens of thousands: the few of their many forms of which a file's header says all.

Reading a small PNG takes Pillow longer in Python than in its decoder. A file with 8 bits per value, grey or RGB, without
interlacing and with sound chunks, needs the decoder alone. Pillow opens all others, and says what is wrong with them.

Source: W3C, "Portable Network Graphics (PNG) Specification", 2003.
"""

from __future__ import annotations

import struct
from typing import IO
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

MODES = {1: "L", 3: "RGB"}
"""Channels -> Pillow's mode of 8 bits per value."""

BEGIN = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR")
HEADER = struct.Struct(">IIBBBBB")
"""Width, height, bits per value, and the numbers of the kinds of colour, compression, filters and interlacing."""

COLOUR_TYPES = {1: 0, 3: 2}
"""Channels -> the header's number for grey and RGB."""

CHUNK = struct.Struct(">I4s")
CHECKSUM = struct.Struct(">I")

IGNORED = {b"pHYs": 9, b"gAMA": 4, b"sRGB": 1, b"cHRM": 32, b"tIME": 7, b"tEXt": None}
"""Chunks that change no pixel -> the length that each must have; None for any."""


def plain_pixels(file: IO[bytes], shape: tuple[int, int, int]) -> NDArray[np.uint8] | None:
    """Decode a plain PNG file of this shape, `(h, w, c)`.

    Returns:
        The pixels; None if the file is anything else, damaged, or of another shape.
    """
    from PIL import Image

    height, width, channels = shape
    header = BEGIN + HEADER.pack(width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    if file.read(len(header)) != header or (packed := _packed_pixels(header + file.read())) is None:
        return None
    mode = MODES[channels]
    try:
        pixels = Image.frombytes(mode, (width, height), packed, "zip", mode).tobytes()
    except (ValueError, OSError):
        return None
    return np.frombuffer(pixels, np.uint8).reshape(shape)


def _packed_pixels(content: bytes) -> bytes | None:
    """The content of the chunks of pixels; None if any chunk is damaged, unknown, or out of order."""
    packed: list[bytes] = []
    start, ended = 8, False
    try:
        while True:
            length, kind = CHUNK.unpack_from(content, start)
            end = start + 8 + length
            if CHECKSUM.unpack_from(content, end)[0] != crc32(content[start + 4 : end]):
                return None
            if kind == b"IDAT" and not ended:
                packed.append(content[start + 8 : end])
            elif kind == b"IEND":
                return b"".join(packed)
            elif start > 8:
                if IGNORED.get(kind, -1) not in (None, length):
                    return None
                ended = bool(packed)
            start = end + 4
    except struct.error:
        return None
