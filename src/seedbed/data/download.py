"""Downloads: every byte is checked before the file gets its name, every wait is bounded, each failure tries another mirror."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seedbed import storage
from seedbed.data.builtin import Builtin, Remote
from seedbed.data.progress import DownloadProgress, WatchData
from seedbed.data.readers.files import first_line
from seedbed.errors import DataError, DataUnavailable

if TYPE_CHECKING:
    from requests import Response

BLOCK = 1 << 16


REASONS = {
    "its name cannot be resolved": ("name resolution", "nameresolution", "getaddrinfo"),
    "refused the connection": ("refused",),
    "its certificate is not trusted": ("certificate",),
    "the proxy refused": ("proxy",),
    "cut the file short": ("incompleteread",),
    "did not answer in time": ("timed out", "timeout"),
    "no network": ("unreachable",),
    "broke the connection": ("reset", "aborted"),
}
"""Reasons of network errors -> texts in their exceptions, in the order of the search."""


@dataclass(frozen=True)
class Patience:
    """Limits of waiting (seconds) and of attempts.

    Attributes:
        connect: timeout of the first answer of a server.
        read: timeout between two of its bytes.
        attempts: number of attempts per mirror that answers but fails; an unreachable mirror gets one.
        pause: pause before the second attempt; doubled before each further one.
        window, least: a download is stalled with fewer than `least` bytes within `window` seconds.
    """

    connect: float = 8.0
    read: float = 15.0
    attempts: int = 3
    pause: float = 0.5
    window: float = 20.0
    least: int = 20_000


class _Failed(DataError):
    """A failed attempt; `again` is whether the same mirror is worth another one."""

    def __init__(self, message: str, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


def fetch(
    builtin: Builtin, folder: Path, *, on_progress: WatchData | None = None, patience: Patience = Patience()
) -> list[Path]:
    """Download the files of a data set into a folder, except those with the right digest that are there already.

    Returns:
        Paths of the files, in the order of `builtin.files`.

    Raises:
        DataUnavailable: no mirror gave a file with the right digest; the message has each mirror's failure.
        StorageError: the folder cannot be written.
    """
    paths = []
    for remote in builtin.files:
        path = folder / remote.name
        if not (path.is_file() and is_sound(path, remote)):
            _fetch_one(remote, builtin, path, on_progress, patience)
        paths.append(path)
    return paths


def _fetch_one(remote: Remote, builtin: Builtin, path: Path, on_progress: WatchData | None, patience: Patience) -> None:
    most = 2 * builtin.megabytes * 1_000_000
    reasons = []
    for mirror in builtin.mirrors:
        for attempt in range(patience.attempts):
            if attempt:
                time.sleep(patience.pause * 2 ** (attempt - 1))
            try:
                storage.write(path, _verified(_stream(mirror + remote.name, remote, most, on_progress, patience), remote))
                return
            except _Failed as failure:
                reason = f"{urlsplit(mirror).netloc}: {failure}"
                if not failure.again:
                    break
        reasons.append(reason)
    raise DataUnavailable(f"{remote.name} could not be downloaded ({'; '.join(reasons)})")


def _stream(url: str, remote: Remote, most: int, on_progress: WatchData | None, patience: Patience) -> Iterator[bytes]:
    """Stream the bytes of an address."""
    import requests
    from urllib3.exceptions import HTTPError

    try:
        answer = requests.get(
            url, stream=True, timeout=(patience.connect, patience.read), headers={"Accept-Encoding": "identity"}
        )
    except requests.RequestException as error:
        raise _Failed(_reason(error)) from None
    with answer:
        if answer.status_code != 200:
            again = answer.status_code >= 500 or answer.status_code == 429
            raise _Failed(f"answered {answer.status_code}", again)
        try:
            yield from _blocks(answer, remote.name, most, on_progress, patience)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _Failed(_reason(error), again=True) from None


def _blocks(answer: Response, what: str, most: int, on_progress: WatchData | None, patience: Patience) -> Iterator[bytes]:
    stated = answer.headers.get("Content-Length", "")
    total = int(stated) if stated.isdecimal() else None
    done, since, before = 0, time.monotonic(), 0
    # read1 returns the bytes that have arrived: a slow server is noticed, while a full block would be waited for.
    while block := answer.raw.read1(BLOCK):
        done += len(block)
        if not done <= most:
            raise _Failed(f"sent more than {most:,} bytes")
        yield block
        if on_progress:
            on_progress(DownloadProgress(what, done, total))
        now = time.monotonic()
        if now - since > patience.window:
            if not done - before >= patience.least:
                raise _Failed(f"stalled: {done - before:,} bytes in {now - since:.0f} s", again=True)
            since, before = now, done


class _Unpacked:
    """SHA-256 of the content of gzipped bytes, unpacked in small pieces, so that a decompression bomb needs no memory."""

    MOST = 1 << 30

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._unpack = zlib.decompressobj(wbits=31)
        self._count = 0

    def update(self, data: bytes, /) -> None:
        while data and not self._unpack.eof and self._count < self.MOST:
            unfolded = self._unpack.decompress(data, 1 << 20)
            self._digest.update(unfolded)
            self._count += len(unfolded)
            data = self._unpack.unconsumed_tail

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _verified(blocks: Iterator[bytes], remote: Remote) -> Iterator[bytes]:
    """Pass the bytes on; raise at their end, before the file gets its name, if their digest is not the published one."""
    digest = _Unpacked() if remote.how == "sha256 unpacked" else hashlib.md5(usedforsecurity=False)
    for block in blocks:
        try:
            digest.update(block)
        except zlib.error:
            raise _Failed("sent something that is no gzip file") from None
        yield block
    if digest.hexdigest() != remote.digest:
        raise _Failed("sent another file than the published one (its digest differs)")


def is_sound(path: Path, remote: Remote) -> bool:
    """Whether a file on the disk has the published digest."""
    try:
        with path.open("rb") as file:
            for _ in _verified(iter(lambda: file.read(BLOCK), b""), remote):
                pass
    except (_Failed, OSError):
        return False
    return True


def _reason(error: Exception) -> str:
    """Describe a network error in a few words."""
    text = f"{type(error).__name__} {error}".lower()
    return next((reason for reason, signs in REASONS.items() if any(sign in text for sign in signs)), first_line(error)[:80])
