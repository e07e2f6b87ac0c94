"""Locks that the kernel frees when their owner dies."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from seedbed.errors import HomeInUse
from seedbed.storage import changes
from seedbed.storage.folders import make_folder
from seedbed.storage.refusals import explained

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def lock(path: Path, what: str = "", *, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock that the kernel frees when this process ends, however it ends.

    Args:
        path: file of the lock, which names its owner; it exists only while the lock is held.
        what: name of the locked thing for the message; the path if empty.
        wait: how long to keep trying while another process holds the lock (s).

    Raises:
        HomeInUse: another process holds it; the message names the process and its machine.
        StorageError: the file system has no locks, or cannot be written.
    """
    file = _locked(path, what or str(path), time.monotonic() + wait)
    try:
        yield
    finally:
        with file, suppress(OSError):  # on Windows an open file cannot be removed: it stays, and means nothing
            changes.remove(path)


def holder(path: Path) -> str:
    """Name the owner of the lock as "pid P on host H"; "" where it is free."""
    try:
        with path.open("r+b", buffering=0) as file:
            return "" if try_lock(file, shared=True) else _owner(path)
    except FileNotFoundError:
        return ""
    except PermissionError:  # another user's home: the lock cannot be tried, only read
        return _owner(path)


def _locked(path: Path, what: str, until: float) -> BinaryIO:
    make_folder(path.parent)
    while True:
        with explained("lock", path):
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b", buffering=0)
            try:
                if try_lock(file) and is_at(file, path):
                    file.truncate(0)
                    file.write(f"pid {os.getpid()} on host {socket.gethostname()}".encode())
                    return file
            except BaseException:
                file.close()
                raise
            file.close()
        if time.monotonic() >= until:
            raise HomeInUse(f"{what} is in use by {_owner(path)}. Wait until it has ended, or stop it.")
        time.sleep(0.01)


def try_lock(file: BinaryIO, *, shared: bool = False) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(1 << 30)  # far behind the text, which other processes must be able to read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, getattr(errno, "EDEADLOCK", errno.EAGAIN)):
            return False
        raise
    return True


def is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the file is still the one under this name: its last owner may have removed it while we waited."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _owner(path: Path) -> str:
    try:
        text = path.read_bytes()[:200].decode(errors="replace")
    except OSError:
        text = ""
    return text if text.isprintable() and text else "another process"
