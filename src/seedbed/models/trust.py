"""Trust in users' Python files: only files that the user named, in a command or in Python, are run.

A run folder may come from a stranger, and the file of a user's own network is a program; a file that only a run folder names
is never run. The SHA-256 of each file that was named is stored in the user's cache, so that evaluating and resuming runs does
not need the file named again. A worker on another machine has neither file nor cache: its driver sends it the text of the
named file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from seedbed import storage
from seedbed.devices import cache_folder
from seedbed.errors import ModelError, SpecError
from seedbed.specs import Keras, ModelSpec

_accepted: dict[str, bytes] = {}
"""SHA-256 of a text -> the text, as sent by this process's driver."""


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
        storage.write(_note(spec), f"{spec.file}\n".encode())


def check(spec: Keras) -> None:
    """Check that the user has named this network's file.

    Raises:
        ModelError: only a run folder names it.
    """
    known = spec.digest in _accepted or spec.digest in Keras.named
    if spec.digest and not known and not _note(spec).is_file():
        raise ModelError(
            f"This network is the Python file {spec.file!r}, which only the run names, and running it means trusting it. Read "
            f"it; then give the run's own `seedbed train` command, with --model {spec.file}:{spec.function}, once."
        )


def text(spec: Keras) -> bytes:
    """Text of this network's file, as it was when the spec was made.

    Raises:
        ModelError: only a run folder names the file, the file is missing, or it has changed.
    """
    check(spec)
    if spec.digest in _accepted:
        return _accepted[spec.digest]
    path = Path(spec.file)
    if not path.is_file():
        raise ModelError(f"The network's file {spec.file!r} is gone; put it back to use this run's network.")
    content = path.read_bytes()
    if spec.digest and hashlib.sha256(content).hexdigest() != spec.digest:
        raise ModelError(f"{spec.file!r} changed since this run was described; start a new run, or put the old file back.")
    return content


def texts(specs: Iterable[ModelSpec]) -> dict[str, bytes]:
    """Texts of these networks' files, by their SHA-256.

    Raises:
        ModelError: see `text`.
    """
    return {spec.digest: text(spec) for spec in specs if isinstance(spec, Keras)}


def accept(received: dict[str, bytes]) -> None:
    """Accept texts of files, by their SHA-256, from the driver, which has checked that the user named them.

    Raises:
        ModelError: a text does not match its digest.
    """
    for digest, content in received.items():
        if hashlib.sha256(content).hexdigest() != digest:
            raise ModelError(f"The text of a network's file arrived damaged (SHA-256 {digest[:12]} was announced).")
        _accepted[digest] = content


def _note(spec: Keras) -> Path:
    return cache_folder() / "trusted" / spec.digest
