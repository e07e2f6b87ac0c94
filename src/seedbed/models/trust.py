"""Whose Python files are run: those that the user named, in a command or in Python; never one that only a run folder names.

A run folder may come from a stranger, and a network of somebody's own is a program. What was named once is remembered by the
SHA-256 of its text in the user's cache, so that one's own runs are evaluated and resumed without naming the file again.
A worker on another machine has neither file nor cache: its driver hands it the text of what the user named, and no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from seedbed import storage
from seedbed.devices import cache_folder
from seedbed.errors import ModelError, SpecError
from seedbed.specs import Keras, ModelSpec

_handed_over: dict[str, bytes] = {}
"""SHA-256 of a text -> the text that this process's driver sent."""


def remember(spec: ModelSpec) -> None:
    """Note that the user named this network's file, if it has one and this process was given it by `Keras.of`.

    Raises:
        SpecError: the spec does not say which text of the file is meant.
    """
    if not isinstance(spec, Keras):
        return
    if not spec.digest:
        raise SpecError(f"The network {spec.file}:{spec.function} has no digest; make it by Keras.of('FILE.py:FUNCTION').")
    if spec.digest in Keras.named:
        storage.write(_note(spec), f"{spec.file}\n".encode())


def check(spec: Keras) -> None:
    """See that the user named this network's file at some time.

    Raises:
        ModelError: only a run folder names it.
    """
    known = spec.digest in _handed_over or spec.digest in Keras.named
    if spec.digest and not known and not _note(spec).is_file():
        raise ModelError(
            f"This network is the Python file {spec.file!r}, which only the run names, and running it means trusting it. Read "
            f"it; then give the run's own `seedbed train` command, with --model {spec.file}:{spec.function}, once."
        )


def text(spec: Keras) -> bytes:
    """The text of this network's file, as it was when the run was described.

    Raises:
        ModelError: only a run folder names the file, it is gone, or it changed since.
    """
    check(spec)
    if spec.digest in _handed_over:
        return _handed_over[spec.digest]
    path = Path(spec.file)
    if not path.is_file():
        raise ModelError(f"The network's file {spec.file!r} is gone; put it back to use this run's network.")
    found = path.read_bytes()
    if spec.digest and hashlib.sha256(found).hexdigest() != spec.digest:
        raise ModelError(f"{spec.file!r} changed since this run was described; start a new run, or put the old file back.")
    return found


def texts(specs: Iterable[ModelSpec]) -> dict[str, bytes]:
    """The texts of the files among these networks by their SHA-256.

    Raises:
        ModelError: as `text`.
    """
    return {spec.digest: text(spec) for spec in specs if isinstance(spec, Keras)}


def hand_over(handed: dict[str, bytes]) -> None:
    """Take the texts of files by their SHA-256 from the driver, who checked that the user named them.

    Raises:
        ModelError: a text is not what its digest says.
    """
    for digest, content in handed.items():
        if hashlib.sha256(content).hexdigest() != digest:
            raise ModelError(f"The text of a network's file arrived damaged (SHA-256 {digest[:12]} was announced).")
        _handed_over[digest] = content


def _note(spec: Keras) -> Path:
    return cache_folder() / "trusted" / spec.digest
