"""Trust in users' Python files: only files that the user named, in a command or in Python, are run.

A run folder may come from a stranger, and the file of a user's own network is a program; a file that only a run folder names
is never run. The SHA-256 of each file that was named, and of those that it imports or names, is stored in the user's cache, so
that evaluating and resuming runs does not need the file named again. Where the files lie does not matter, but their content:
if the user has changed or moved them, a run is evaluated with the copy that it keeps. A worker on another machine has neither
files nor cache: its driver sends it the content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from seedbed import sources, storage
from seedbed.devices import cache_folder
from seedbed.errors import ModelError, SpecError
from seedbed.specs import Keras, ModelSpec

_accepted: dict[str, bytes] = {}
"""SHA-256 of a content -> the content, as sent by this process's driver."""

_kept: dict[str, dict[str, bytes]] = {}
"""Identity of a network -> its files' contents, as the user named them in this process, which outlive a change of the files."""

_copies: dict[str, list[Path]] = {}
"""SHA-256 of a network's file -> folders of runs that hold copies of it and of its other files."""


def remember(spec: ModelSpec) -> None:
    """Record that the user named this network's file, if it has one and `Keras.of` was called for it in this process.

    Raises:
        SpecError: the spec has no digest of the file.
    """
    if not isinstance(spec, Keras):
        return
    if not spec.digest:
        raise SpecError(f"The network {spec.file}:{spec.function} has no digest; make it by Keras.of('FILE.py:FUNCTION').")
    if spec.digest in Keras.named:
        for known, name in _digests(spec).items():
            if known in Keras.named:
                storage.write(_note(known), f"{name}\n".encode())
        _kept[spec.identity] = _contents(spec)


def check(spec: Keras) -> None:
    """Check that the user has named this network's file, and that its other files are those that it had then.

    Raises:
        ModelError: only a run folder names one of them.
    """
    for digest, name in _digests(spec).items():
        if digest and digest not in _accepted and digest not in Keras.named and not _note(digest).is_file():
            raise ModelError(
                f"This network is the Python file {name!r}, which only the run names, and running it means trusting it. Read "
                f"it; then give the run's own `seedbed train` command, with --model {spec.file}:{spec.function}, once."
            )


def offer(spec: ModelSpec, folder: Path) -> None:
    """Name a folder that may hold copies of a network's files; they are used only if their content is what the user named."""
    if isinstance(spec, Keras) and spec.digest:
        places = _copies.setdefault(spec.digest, [])
        if folder not in places:
            places.append(folder)


def folder(spec: Keras) -> Path:
    """A folder that holds the network's files as they were when the spec was made: the user's own, or a copy.

    Raises:
        ModelError: there is none.
    """
    own = Path(spec.file).parent
    if not spec.digest or (spec.digest in _accepted and not spec.files):
        return own
    if spec.digest in _accepted:
        return _unpacked(spec)
    problem = _mismatch(spec, own)
    if not problem:
        return own
    for copy in _copies.get(spec.digest, ()):
        if not _mismatch(spec, copy):
            return copy
    raise ModelError(problem)


def text(spec: Keras) -> bytes:
    """Text of this network's file, as it was when the spec was made.

    Raises:
        ModelError: only a run folder names the file, or no file has this text.
    """
    check(spec)
    if spec.digest in _accepted:
        return _accepted[spec.digest]
    path = folder(spec) / Path(spec.file).name
    if not path.is_file():
        raise ModelError(_gone(path))
    content = path.read_bytes()
    if spec.digest and digest(content) != spec.digest:
        raise ModelError(_changed(path))
    return content


def contents(spec: ModelSpec) -> dict[str, bytes]:
    """Files of a user's network that lie in its folder, for a copy: path there -> content.

    There are none of other networks, and none where the files have changed since the spec was made.
    """
    if not isinstance(spec, Keras):
        return {}
    if spec.identity in _kept:
        return _kept[spec.identity]
    try:
        return _contents(spec)
    except ModelError:
        return {}


def _contents(spec: Keras) -> dict[str, bytes]:
    place = folder(spec)
    others = {name: (place / name).read_bytes() for name in spec.files if not PurePosixPath(name).is_absolute()}
    return {Path(spec.file).name: text(spec), **others}


def texts(specs: Iterable[ModelSpec]) -> dict[str, bytes]:
    """Contents of these networks' files, by their SHA-256.

    Raises:
        ModelError: see `text`.
    """
    networks = [spec for spec in specs if isinstance(spec, Keras)]
    return {digest(content): content for spec in networks for content in (_kept.get(spec.identity) or _contents(spec)).values()}


def accept(received: dict[str, bytes]) -> None:
    """Accept contents of files, by their SHA-256, from the driver, which has checked that the user named them.

    Raises:
        ModelError: a content does not match its digest.
    """
    for announced, content in received.items():
        if digest(content) != announced:
            raise ModelError(f"The text of a network's file arrived damaged (SHA-256 {announced[:12]} was announced).")
        _accepted[announced] = content


def digest(content: bytes) -> str:
    """SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def _digests(spec: Keras) -> dict[str, str]:
    """SHA-256 -> name of the network's file and of its others."""
    own = Path(spec.file).parent
    return {spec.digest: spec.file, **{digest: str(own / name) for name, digest in spec.files.items()}}


def _mismatch(spec: Keras, place: Path) -> str:
    """Why a folder does not hold the network's files, or ""."""
    for name, expected in {Path(spec.file).name: spec.digest, **spec.files}.items():
        path = place / name
        if not path.is_file():
            return _gone(path)
        if sources.sha256(path) != expected:
            return _changed(path)
    return ""


def _gone(path: Path) -> str:
    return f"The network's file {str(path)!r} is gone; put it back to use this run's network."


def _changed(path: Path) -> str:
    return f"{str(path)!r} changed since this run was described; start a new run, or put the old file back."


def _unpacked(spec: Keras) -> Path:
    """A folder of this machine's cache with the files that the driver sent."""
    place = cache_folder() / "networks" / digest(repr((spec.digest, sorted(spec.files.items()))).encode())
    for name, expected in spec.files.items():
        path = place / name
        if not PurePosixPath(name).is_absolute() and not (path.is_file() and sources.sha256(path) == expected):
            storage.write(path, _accepted[expected])
    return place


def _note(digest: str) -> Path:
    return cache_folder() / "trusted" / digest
