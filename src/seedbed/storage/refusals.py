"""Errors of the file system as messages of one line with a way out."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedbed.errors import StorageError

NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
LONGEST = 259
"""Characters of a path on Windows, unless its long paths are enabled; a temporary name may be longer than the file's."""


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
        open_elsewhere = " Perhaps another program has it open." if sys.platform == "win32" else ""
        way_out = "Choose a folder that you may write in with --home DIR."
        return f"{path}: not allowed to {what} it ({error.strerror}).{open_elsewhere} {way_out}"
    if sys.platform == "win32" and len(str(path.absolute())) > LONGEST - 40:
        return (
            f"{path}: could not {what} it, perhaps because its path has {len(str(path.absolute()))} characters; Windows allows "
            f"{LONGEST} unless long paths are enabled. Choose a shorter --home."
        )
    if error.errno == errno.ENOENT:
        return f"{path}: there is no such file to {what}."
    return f"{path}: could not {what} it ({error.strerror or error})."
