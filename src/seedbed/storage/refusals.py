"""Errors of the file system as messages of one line with a way out."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedbed.errors import StorageError

NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def explained(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(_explanation(error, what, path)) from error


def _explanation(error: OSError, what: str, path: Path) -> str:
    if error.errno in NO_SPACE:
        return f"{path}: no space is left to {what} it. Free some, then continue with --resume; or choose another --home."
    if error.errno in NOT_ALLOWED:
        return f"{path}: not allowed to {what} it ({error.strerror}). Choose a folder that you may write in with --home DIR."
    if error.errno == errno.ENOENT:
        return f"{path}: there is no such file to {what}."
    return f"{path}: could not {what} it ({error.strerror or error})."
