"""Files as users bring them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, part: str, images: np.ndarray, labels: np.ndarray, *, packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        content = idx_bytes(array)
        (folder / f"{part}-{name}-ubyte{'.gz' if packed else ''}").write_bytes(gzip.compress(content) if packed else content)


def write_pictures(
    folder: Path, classes: dict[str, int], size: tuple[int, int] = (6, 5), mode: str = "L", kind: str = "png"
) -> None:
    """So many pictures of each class, each of one shade of its own."""
    shade = 0
    for name, count in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            shade = (shade + 7) % 256
            value = shade if mode in ("L", "P") else (shade, 255 - shade, 9, 255)[: len(mode)]
            Image.new(mode, (size[1], size[0]), value).save(folder / name / f"{number:03}.{kind}")


def digits_like(n: int = 40, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Images `(n, 6, 5)` whose first pixel is their index, and labels."""
    images = np.full((n, 6, 5), 200, dtype=np.uint8)
    images[:, 0, 0] = np.arange(n)
    return images, (np.arange(n) % classes).astype(np.uint8)
