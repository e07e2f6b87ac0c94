"""Running the user's Python file: a module of its own, with what it imports from its folder, as the run's identity has them."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from seedbed.errors import ModelError, nearest
from seedbed.models import trust
from seedbed.models.keras_backend import KerasSettings, keras_session
from seedbed.specs import Keras

READ = (".bin", ".csv", ".h5", ".json", ".keras", ".npy", ".npz", ".pickle", ".pkl", ".safetensors", ".txt", ".yaml", ".yml")
"""Ends of the names of files that a network's function may read; libraries read others, such as caches."""


def loaded(spec: Keras) -> UserModule:
    """Load the network's file, once for each content of it and of its files.

    Raises:
        ModelError: it must not be run, is gone, has changed, or raises.
    """
    trust.check(spec)
    folder = trust.folder(spec)
    return _loaded(str(folder), Path(spec.file).name, spec.digest, tuple(sorted(spec.files.items())), trust.text(spec))


@lru_cache(maxsize=16)
def _loaded(folder: str, name: str, digest: str, files: tuple[tuple[str, str], ...], text: bytes) -> UserModule:
    return UserModule(Path(folder), name, digest, dict(files), text)


class UserModule:
    """A user's file as a module.

    Args:
        folder: folder of its files.
        name: name of the file in it.
        digest: SHA-256 of its text.
        files: its other files -> SHA-256.
        text: its text.

    Attributes:
        settings: Keras's settings after the file was run.

    Raises:
        ModelError: running it raises.
    """

    def __init__(self, folder: Path, name: str, digest: str, files: Mapping[str, str], text: bytes) -> None:
        self._folder = folder
        self._files = files
        self._finder = _Finder(folder, files)
        self._modules: dict[str, ModuleType] = {}
        self._covered = {folder / name, *(folder / file for file in files)}
        module = f"seedbed_user_{digest[:12] or Path(name).stem}"
        specification = importlib.util.spec_from_loader(module, _Text(str(folder / name), text))
        assert specification is not None
        assert specification.loader is not None
        self._module = importlib.util.module_from_spec(specification)
        sys.modules[module] = self._module
        with keras_session(seed=0), self.imports():
            try:
                specification.loader.exec_module(self._module)
            except ModelError:
                raise
            except (Exception, SystemExit) as error:
                raise ModelError(f"{folder / name} raised {one_line(error)}") from error
            self.settings = KerasSettings.current()

    def attribute(self, name: str) -> Any:
        """What the file defines under a name.

        Raises:
            ModelError: there is nothing.
        """
        if not hasattr(self._module, name):
            known = [each for each, value in self.defined.items() if callable(value)]
            raise ModelError(f"{self._module.__file__!r} has no function named {name!r}.{nearest(name, known)}")
        return getattr(self._module, name)

    @property
    def defined(self) -> dict[str, Any]:
        """What the file defines or imports, by name."""
        return dict(vars(self._module))

    @contextmanager
    def imports(self) -> Iterator[None]:
        """Let the block import the file's modules, which no other code sees.

        Raises:
            ModelError: the block reads a file of the folder that the run's identity does not cover.
        """
        hidden = {name: sys.modules.pop(name) for name in self._finder.names if name in sys.modules}
        sys.modules.update(self._modules)
        sys.meta_path.insert(0, self._finder)
        try:
            with _opened() as paths:
                yield
            self._check_covered(paths)
        finally:
            sys.meta_path.remove(self._finder)
            self._modules = {name: sys.modules.pop(name) for name in self._finder.names if name in sys.modules}
            sys.modules.update(hidden)

    def _check_covered(self, paths: list[str]) -> None:
        for path in map(Path, dict.fromkeys(paths)):
            if path.suffix not in READ or path in self._covered or not path.is_relative_to(self._folder) or not path.is_file():
                continue
            parts = path.relative_to(self._folder).parts
            if not any(part.startswith(".") or part.endswith("-packages") for part in parts):
                raise ModelError(
                    f"{self._module.__file__} reads {path.relative_to(self._folder)}, which the run's identity does not cover, "
                    f"since the name stands nowhere as a whole. Write the whole name in the file, or pass it by --arg."
                )


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules among a file's other files."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self._folder = folder
        self._files = files
        self.names: dict[str, str] = {}
        for file in (file for file in files if file.endswith(".py") and not PurePosixPath(file).is_absolute()):
            parts = PurePosixPath(file).with_suffix("").parts
            for length in range(1, len(parts)):
                self.names.setdefault(".".join(parts[:length]), "")  # a package without a file of its own
            self.names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.names:
            return None
        file = self.names[fullname]
        if not file:
            return importlib.util.spec_from_loader(fullname, loader=None, is_package=True)
        text = (self._folder / file).read_bytes()
        if trust.digest(text) != self._files[file]:
            raise ModelError(f"{str(self._folder / file)!r} changed since this run was described.")
        return importlib.util.spec_from_loader(fullname, _Text(str(self._folder / file), text))


class _Text(importlib.abc.ExecutionLoader):
    """Load a module from a file's text; the file need not exist on this machine."""

    def __init__(self, file: str, text: bytes) -> None:
        self._file = file
        self._text = text

    def get_filename(self, fullname: str) -> str:
        return self._file

    def get_source(self, fullname: str) -> str:
        return importlib.util.decode_source(self._text)


def one_line(error: BaseException) -> str:
    """Kind and first line of an error."""
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"


_listeners: list[list[str]] = []


@contextmanager
def _opened() -> Iterator[list[str]]:
    """The paths of the files that Python opens in the block."""
    _listen()
    paths: list[str] = []
    _listeners.append(paths)
    try:
        yield paths
    finally:
        _listeners.remove(paths)


@cache
def _listen() -> None:
    """Hear of each opened file; Python cannot remove such a hook, so there is one for the process."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and _listeners and isinstance(arguments[0], str | os.PathLike):
            for paths in _listeners:
                paths.append(str(Path(arguments[0]).absolute()))

    sys.addaudithook(hear)
