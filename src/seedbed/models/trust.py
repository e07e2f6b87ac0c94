"""Whose Python files are run: those that the user named, in a command or in Python; never one that only a run folder names.

A run folder may come from a stranger, and a network of somebody's own is a program. What was named once is remembered by the
SHA-256 of its text in the user's cache, so that one's own runs are evaluated and resumed without naming the file again.
"""

from __future__ import annotations

from pathlib import Path

from seedbed import storage
from seedbed.devices import cache_folder
from seedbed.errors import ModelError, SpecError
from seedbed.specs import Keras


def remember(spec: Keras) -> None:
    """Note that the user named this network's file, if this process was given it by `Keras.of`.

    Raises:
        SpecError: the spec does not say which text of the file is meant.
    """
    if not spec.digest:
        raise SpecError(f"The network {spec.file}:{spec.function} has no digest; make it by Keras.of('FILE.py:FUNCTION').")
    if spec.digest in Keras.named:
        storage.write(_note(spec), f"{spec.file}\n".encode())


def check(spec: Keras) -> None:
    """See that the user named this network's file at some time.

    Raises:
        ModelError: only a run folder names it.
    """
    if spec.digest and spec.digest not in Keras.named and not _note(spec).is_file():
        raise ModelError(
            f"This network is the Python file {spec.file!r}, which only the run names, and running it means trusting it. Read "
            f"it; then give the run's own `seedbed train` command, with --model {spec.file}:{spec.function}, once."
        )


def _note(spec: Keras) -> Path:
    return cache_folder() / "trusted" / spec.digest
