"""What differs between systems, as far as one system can show it: the branches of others, with what they would find."""

from __future__ import annotations

import errno
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from seedbed import devices
from seedbed.cli import screen
from seedbed.errors import DeviceError
from seedbed.executor import pool
from seedbed.kernels import library
from seedbed.storage import changes, files, locks, refusals

WINDOWS = SimpleNamespace(platform="win32")


def test_json_is_utf8_whatever_the_encoding_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding in ("utf-8", "cp1252", "ascii"):
        pipe = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
        monkeypatch.setattr(sys, "stdout", pipe)
        screen.emit({"name": "Größe 大 €"})
        pipe.flush()
        assert json.loads(pipe.buffer.getvalue().decode("utf-8")) == {"name": "Größe 大 €"}  # type: ignore[attr-defined]


def test_without_kernels_the_reason_on_windows_names_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    monkeypatch.setattr(library, "sys", WINDOWS)
    found = library._loaded.__wrapped__()
    assert (found.lanes, found.broken) == (0, False)
    assert "on Windows there are none" in found.reason
    assert "WSL2" in found.reason


@pytest.mark.parametrize(
    ("system", "reason"),
    [("linux", "no NVIDIA GPU was found"), ("darwin", "not on this system"), ("win32", "in WSL2 of Windows")],
)
def test_a_gpu_that_a_system_cannot_offer_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, system: str, reason: str
) -> None:
    monkeypatch.setattr(devices, "gpus", lambda: 0)
    monkeypatch.setattr(devices, "sys", SimpleNamespace(platform=system))
    with pytest.raises(DeviceError, match=reason):
        devices.workers("gpu", None, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
@pytest.mark.parametrize(
    ("script", "count"), [("echo 'GPU 0: one'; echo '  MIG 1g'; echo 'GPU 1: two'", 2), ("exit 9", 0), (None, 0)]
)
def test_in_wsl_the_drivers_tool_counts_gpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str | None, count: int
) -> None:
    if script:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(devices, "WSL_GPU", tmp_path)
    monkeypatch.setattr(devices, "Path", lambda _: tmp_path / "nothing")
    assert devices.gpus() == count


def test_a_wait_that_hears_no_ctrl_c_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    class Idle(pool.Pool):
        def _start_worker(self, kind: devices.WorkerKind, number: int, post: object) -> pool.Worker:
            raise NotImplementedError

    assert Idle([])._patience() is None
    monkeypatch.setattr(pool, "UNHEARD", (0.2,))
    assert Idle([])._patience() == 0.2


# Files


def test_a_path_that_windows_finds_too_long_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "sys", WINDOWS)
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory")
    assert "Windows allows 259" in refusals._explanation(missing, "write", Path("/") / ("x" * 250))
    assert "there is no such file" in refusals._explanation(missing, "write", Path("/short"))
    full = OSError(errno.ENOSPC, "No space left on device")
    assert "no space is left" in refusals._explanation(full, "write", Path("/") / ("x" * 250))


def test_a_file_that_another_process_reads_is_replaced_once_windows_allows_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replaced, refusals_left = Path.replace, [PermissionError(), PermissionError()]

    def replace(old: Path, new: Path) -> Path:
        if refusals_left:
            raise refusals_left.pop()
        return replaced(old, new)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(changes, "sys", WINDOWS)
    monkeypatch.setattr(changes.time, "sleep", lambda _: None)
    monkeypatch.setattr(files, "sys", WINDOWS)  # which closes a temporary file before it takes its place
    (tmp_path / "x").write_bytes(b"old")
    files.write(tmp_path / "x", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_a_lock_of_windows_leaves_the_name_of_its_owner_readable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    locked: list[int] = []

    def locking(handle: int, mode: int, size: int) -> None:
        """As msvcrt's: the bytes from the file's position on, for one holder."""
        if locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        locked.append(files.os.lseek(handle, 0, 1))

    monkeypatch.setattr(locks, "sys", WINDOWS)
    monkeypatch.setattr(locks, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2), raising=False)
    with locks.lock(tmp_path / "held", "the home"):
        assert (tmp_path / "held").read_bytes().startswith(b"pid ")
        assert locked[0] > 10_000
        assert locks.holder(tmp_path / "held").startswith("pid ")
