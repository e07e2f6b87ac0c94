"""Cache of compiled programs: the last used ones in the worker's memory, all on disk for other processes.

JAX has a cache of compiled programs too, but its key is the lowered text, which takes two thirds of the loading time. Here the
key is what determines the program, and nothing is traced. A program that cannot be read, or was compiled for another machine,
version or environment, is compiled again.
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

from seedbed import devices, kernels, models, storage
from seedbed.errors import StorageError
from seedbed.models.protocol import Population
from seedbed.records import Normalization
from seedbed.specs import Plan
from seedbed.training.program import Program, compile_always

KEPT = 4
"""Number of last used programs that a worker keeps in memory; for small networks each takes about 25 MiB."""

DIGITS = 64
"""Length of the digest at the start of a file."""

CACHE_BYTES = 512 * 2**20
"""Size of the cache on disk, some thousands of programs, above which a process removes the oldest files (bytes)."""


class Programs:
    """The programs of a worker.

    Args:
        folder: folder of the cache on disk. None means no cache on disk.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._used: dict[Hashable, Program] = {}  # in order of last use

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._used)

    def of(self, population: Population, plan: Plan, blocks: int, normalization: Normalization, *, shared: bool) -> Program:
        """The program for such a population, see `Program`; compiled when it is first called."""
        key = (population.signature, plan.static, blocks, normalization, shared)
        program = self._used.pop(key, None)
        if program is None:
            folder = self._folder if population.self_contained else None
            compiled = OnDisk(folder, key).compiled if folder else compile_always
            program = Program(population, plan, blocks, normalization, shared=shared, compiled=compiled)
        self._used[key] = program
        return program

    def forget(self) -> None:
        """Once there are more than `2 * KEPT` programs, drop all but the last `KEPT`, and JAX's caches."""
        if len(self._used) <= 2 * KEPT:
            return
        for key in list(self._used)[:-KEPT]:
            del self._used[key]
        jax.clear_caches()  # type: ignore[no-untyped-call]
        gc.collect()  # a program and its compiled functions refer to each other


class OnDisk:
    """A program's compiled functions on disk, one file each: a digest, then the compressed serialization.

    Args:
        folder: folder of all programs, created when needed.
        key: what determines the program, except this version of the code; its `repr` must contain all of its content.
    """

    def __init__(self, folder: Path, key: Hashable) -> None:
        self._folder = folder
        self._key = key

    def compiled(self, function: Hashable, compile_it: Callable[[], Any]) -> Any:
        """Load the compiled function with this name and these shapes from its file, or compile and store it."""
        path = self._folder / f"{storage.sha256(repr((self._key, function, _environment())).encode())}.program"
        stored = _loaded(path)
        if stored is not None:
            return stored
        with _without_jax_cache():  # an executable from JAX's cache could not be serialized again
            compiled = compile_it()
        with suppress(StorageError):  # a full disk, or another user's folder: the next process compiles again
            data = zlib.compress(pickle.dumps(serialize_executable.serialize(compiled)), level=1)
            storage.write(path, [storage.sha256(data).encode(), data])
            _evict(self._folder)
        return compiled


@cache
def _evict(folder: Path) -> None:
    """Remove the least recently used programs, JAX's own included, until all take at most `CACHE_BYTES`.

    Done once per process, after its first new program: listing some thousand files takes as long as compiling a small program.
    """
    files = []
    for name in storage.names(folder):
        with suppress(FileNotFoundError):  # removed by another process
            facts = (folder / name).stat()
            files.append((max(facts.st_atime, facts.st_mtime), facts.st_size, name))
    excess = sum(size for _, size, _ in files) - CACHE_BYTES
    for _, size, name in sorted(files):
        if excess <= 0:
            break
        storage.remove(folder / name)
        excess -= size


def _loaded(path: Path) -> Any:
    """Load the function in a file; None if there is none, it is not this user's, it is damaged, or it cannot be loaded.

    The file holds machine code: write access to it means all of this user's rights, even without a pickle.
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
def _without_jax_cache() -> Iterator[None]:
    """Disable JAX's own cache on disk within the block. JAX reads the setting once, so its cache is reset."""
    before = jax.config.values["jax_enable_compilation_cache"]
    jax.config.update("jax_enable_compilation_cache", False)  # type: ignore[no-untyped-call]
    compilation_cache.reset_cache()
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)  # type: ignore[no-untyped-call]
        compilation_cache.reset_cache()


@cache
def _environment() -> tuple[Any, ...]:
    """What a compiled function depends on besides its program: code, versions, device, and environment variables."""
    device = jax.devices()[0]
    names = sorted(name for name in os.environ if name.startswith(("JAX_", "XLA_")) or name == "NPROC")
    settings = [(name, os.environ[name]) for name in names if name != "JAX_COMPILATION_CACHE_DIR"]
    return (_code(), devices.versions(), device.device_kind, device.client.platform_version, _instructions(), settings)


def _code() -> str:
    """Digest of the source from which programs are traced."""
    packages = [Path(file).parent for file in (kernels.__file__, models.__file__, __file__)]
    files = sorted(path for package in packages for path in package.rglob("*.py"))
    return storage.sha256([piece for path in files for piece in (path.name.encode(), path.read_bytes())])


def _instructions() -> str:
    """The processor's instruction sets: folders are shared between machines, and code for a newer one crashes an older one."""
    facts = devices.processor_facts()
    return facts.get("flags") or facts.get("Features") or devices.processor()
