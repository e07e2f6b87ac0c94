"""Files of which any byte may be wrong: they are read, or refused in one line, and nothing else."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from data.samples import digits_like, idx_bytes
from seedbed.data.content import check
from seedbed.data.readers import cifar, kind_of, read
from seedbed.errors import DataError

IMAGES, LABELS = digits_like(12)
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def archive(**options) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if options.pop("packed") else np.savez)(file, X=IMAGES, y=LABELS)
    return file.getvalue()


def array(content) -> bytes:
    file = io.BytesIO()
    np.save(file, content)
    return file.getvalue()


def picture(kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert(options.pop("mode", "L")).save(
        file, kind, **options
    )
    return file.getvalue()


TABLE = ("label,a,b,c,d\n" + "".join(f"{'xy'[i % 2]},{i},2,3,4\n" for i in range(12))).encode()
PICTURES = {f"in/{name}/{i}.png": picture("PNG") for name in "ab" for i in range(2)}
IDX = {"in/train-images-idx3-ubyte": idx_bytes(IMAGES), "in/train-labels-idx1-ubyte": idx_bytes(LABELS)}

CORPUS: dict[str, tuple[dict[str, bytes], str]] = {
    "idx": (IDX, "in/train-images-idx3-ubyte"),
    "idx labels": (IDX, "in/train-labels-idx1-ubyte"),
    "idx.gz": ({name + ".gz": gzip.compress(content) for name, content in IDX.items()}, "in/train-images-idx3-ubyte.gz"),
    "npz": ({"in.npz": archive(packed=False)}, "in.npz"),
    "npz packed": ({"in.npz": archive(packed=True)}, "in.npz"),
    "npy": ({"in/X.npy": array(IMAGES), "in/y.npy": array(LABELS)}, "in/X.npy"),
    "npy labels": ({"in/X.npy": array(IMAGES), "in/y.npy": array(LABELS.astype("U3"))}, "in/y.npy"),
    "npy floats": ({"in/X.npy": array(IMAGES / 255), "in/y.npy": array(LABELS)}, "in/X.npy"),
    "csv": ({"in.csv": TABLE}, "in.csv"),
    "csv.gz": ({"in.csv.gz": gzip.compress(TABLE)}, "in.csv.gz"),
    "png": (PICTURES, "in/b/1.png"),
    "png palette": ({**PICTURES, "in/b/1.png": picture("PNG", mode="P", transparency=3)}, "in/b/1.png"),
    "png colour": ({**PICTURES, "in/b/1.png": picture("PNG", mode="RGBA")}, "in/b/1.png"),
    "jpeg": ({**PICTURES, "in/b/1.png": picture("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")}, "in/b/1.png"),
}


@st.composite
def damage(draw, content: bytes) -> bytes:
    """The content with a few bytes changed, a stretch removed, doubled or put in, or cut short; its head more often."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(content) - 1)) | st.integers(0, min(160, max(0, len(content) - 1))))
        span = draw(st.integers(1, 24))
        put = draw(
            st.sampled_from([b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"nan", b"-1", b",", b"\n", b'"'])
            | st.binary(max_size=8)
            | st.just(content[place : place + span])
        )
        removed = draw(st.sampled_from([0, len(put), span, len(content)]))
        content = content[:place] + put + content[place + removed :]
    return content


@pytest.mark.parametrize("name", CORPUS)
@FEW
@given(chosen=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(name, chosen):
    files, damaged = CORPUS[name]
    with TemporaryDirectory() as folder:
        for path, content in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(chosen.draw(damage(content)) if path == damaged else content)
        read_or_refused(next(Path(folder).iterdir()))


def read_or_refused(path: Path) -> None:
    try:
        content = read(path, kind_of(path))
        check(content, str(path))
    except DataError as error:
        line = str(error)
        assert line
        assert "\n" not in line
        assert len(line) < 1000
        return
    for part in content.parts.values():
        assert part.images.dtype in (np.uint8, np.float32)
        assert part.images.ndim == 4
        assert len(part.images) == len(part.labels) > 0
        assert part.labels.max() < len(content.classes)
    assert content.scale > 0


@pytest.mark.parametrize("name", CORPUS)
def test_the_undamaged_files_are_read(name, tmp_path):
    for path, content in CORPUS[name][0].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    [path] = tmp_path.glob("in*")
    assert len(read(path, kind_of(path)).classes) == 2


@FEW
@given(chosen=st.data())
def test_a_damaged_archive_of_cifar_is_refused_in_one_line(chosen):
    import tarfile

    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in ("cifar-10-batches-bin/data_batch_1.bin", "../../escaped", "/absolute"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("data_batch_2.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with TemporaryDirectory() as folder:
        path = Path(folder, "cifar-10-binary.tar.gz")
        path.write_bytes(chosen.draw(damage(file.getvalue())))
        with pytest.raises(DataError) as caught:
            cifar.read(path, tuple("0123456789"))
        assert "\n" not in str(caught.value)
        assert [entry.name for entry in Path(folder).iterdir()] == [path.name]
