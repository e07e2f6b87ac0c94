"""The programs of a worker: those that it used last in memory, and what it compiled on disk, for the next process.

JAX keeps compiled programs too, but finds one by its lowered text, which takes a process two thirds of the time until a kept
program is there. Here one is found by what it is made from, and nothing is traced. Whatever cannot be read, or was compiled
for another machine, version or environment, is compiled again.
"""

from __future__ import annotations

import gc
import os
import pickle
import zlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import jax
from jax.experimental import serialize_executable
from jax.experimental.compilation_cache import compilation_cache

from seedbed import devices, models, storage
from seedbed.errors import StorageError
from seedbed.models.protocol import Population
from seedbed.specs import Plan
from seedbed.training.program import Program, compiled_anew

KEPT = 4
"""Programs of the populations trained last that a worker keeps in memory; of small networks each takes some 25 MiB."""

DIGITS = 64
"""Of the digest that a file begins with."""

ROOM = 512 * 2**20
"""Bytes that a process leaves to compiled programs on the disk, some thousands of them, before it adds its own."""


class Programs:
    """See the module's text.

    Args:
        folder: where compiled programs lie; None keeps none beyond this process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._used: dict[Hashable, Program] = {}  # those used last at the end

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._used)

    def of(self, population: Population, plan: Plan, blocks: int, scale: float, *, shared: bool) -> Program:
        """The program of such a population, see `Program`; compiled when it is first called."""
        key = (population.signature, plan.static, blocks, scale, shared)
        found = self._used.pop(key, None)
        if found is None:
            folder = self._folder if population.self_contained else None
            compiled = OnDisk(folder, key).found if folder else compiled_anew
            found = Program(population, plan, blocks, scale, shared=shared, compiled=compiled)
        self._used[key] = found
        return found

    def forget(self) -> None:
        """Let go of all but the last programs, and of what jax remembers of them, once there are twice as many as are kept."""
        if len(self._used) <= 2 * KEPT:
            return
        for key in list(self._used)[:-KEPT]:
            del self._used[key]
        jax.clear_caches()  # type: ignore[no-untyped-call]
        gc.collect()  # a program and its compiled functions refer to each other


class OnDisk:
    """A program's compiled functions in a folder, a file each: a digest, and what jax makes of it, compressed.

    Args:
        folder: of all programs; made when it is needed.
        key: what the program is made from, beside this version of the code: everything in it tells its content by `repr`.
    """

    def __init__(self, folder: Path, key: Hashable) -> None:
        self._folder = folder
        self._key = key

    def found(self, function: Hashable, compile_it: Callable[[], Any]) -> Any:
        """The compiled function of this name and these shapes, from its file, or compiled and put there."""
        path = self._folder / f"{storage.sha256(repr((self._key, function, _surroundings())).encode())}.program"
        kept = _loaded(path)
        if kept is not None:
            return kept
        with _jax_keeps_nothing():  # what it had kept itself could not be written again
            compiled = compile_it()
        with suppress(StorageError):  # a full disk, somebody else's folder: the next process compiles, that is all
            data = zlib.compress(pickle.dumps(serialize_executable.serialize(compiled)), level=1)
            storage.write(path, [storage.sha256(data).encode(), data])
            _make_room(self._folder)
        return compiled


@cache
def _make_room(folder: Path) -> None:
    """Remove what was not used for longest, jax's own programs too, until all take no more than `ROOM`.

    Once in a process, after its first new program: to look at some thousand files takes as long as to compile a small one.
    """
    kept = []
    for name in storage.names(folder):
        with suppress(FileNotFoundError):  # another process made room
            facts = (folder / name).stat()
            kept.append((max(facts.st_atime, facts.st_mtime), facts.st_size, name))
    excess = sum(size for _, size, _ in kept) - ROOM
    for _, size, name in sorted(kept):
        if excess <= 0:
            break
        storage.remove(folder / name)
        excess -= size


def _loaded(path: Path) -> Any:
    """The function in a file; None where there is none, or none that is this user's, whole, and can be loaded.

    What lies there is machine code: whoever may write to it may do what this user may, also without a pickle.
    """
    try:
        with path.open("rb") as file:
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            content = file.read()
    except OSError:
        return None
    digest, data = content[:DIGITS], content[DIGITS:]
    if storage.sha256(data).encode() != digest:
        return None
    payload, arguments, results = pickle.loads(zlib.decompress(data))  # noqa: S301
    try:
        return serialize_executable.deserialize_and_load(payload, arguments, results, execution_devices=jax.devices()[:1])
    except jax.errors.JaxRuntimeError:
        return None


@contextmanager
def _jax_keeps_nothing() -> Iterator[None]:
    """Within the block jax compiles without its own folder of programs. It asks about that once, and is made to ask again."""
    before = jax.config.values["jax_enable_compilation_cache"]
    jax.config.update("jax_enable_compilation_cache", False)  # type: ignore[no-untyped-call]
    compilation_cache.reset_cache()
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)  # type: ignore[no-untyped-call]
        compilation_cache.reset_cache()


@cache
def _surroundings() -> tuple[Any, ...]:
    """What a compiled function depends on beside its program: code, versions, the device, and settings of the environment."""
    device = jax.devices()[0]
    names = sorted(name for name in os.environ if name.startswith(("JAX_", "XLA_")) or name == "NPROC")
    settings = [(name, os.environ[name]) for name in names if name != "JAX_COMPILATION_CACHE_DIR"]
    return (_code(), devices.versions(), device.device_kind, device.client.platform_version, _instructions(), settings)


def _code() -> str:
    """A digest of the source that programs are traced from."""
    rooms = [Path(models.__file__).parent, Path(__file__).parent]
    files = sorted(path for room in rooms for path in room.rglob("*.py"))
    return storage.sha256([piece for path in files for piece in (path.name.encode(), path.read_bytes())])


def _instructions() -> str:
    """What the processor can do; folders are shared between machines, and code for a newer one ends an older one's process."""
    facts = devices.processor_facts()
    return facts.get("flags") or facts.get("Features") or devices.processor()
