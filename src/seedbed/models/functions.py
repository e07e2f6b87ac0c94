"""Functions and networks of a Python session as files, so that workers and later sessions can build the same network.

A function of a module is used in its file. One of a script or a notebook is written into a file of its own, with what it uses
of the session: workers must not run the script again. A `keras.Model` is written with its weights.
"""

from __future__ import annotations

import ast
import functools
import inspect
import io
import linecache
import sys
import tempfile
import textwrap
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from seedbed import sources, storage
from seedbed.devices import cache_folder
from seedbed.errors import SpecError
from seedbed.specs import Keras, ModelSpec, Start

SESSION = "__main__"
NETWORK = """from pathlib import Path

import keras


def network():
    return keras.saving.load_model(Path(__file__).with_name("network.keras"), safe_mode=False)
"""
PLAIN = (bool, int, float, str, bytes, type(None))
UNDATED = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip archive can hold."""

UNIX = 3
"""The number by which a zip archive names the system that made it."""


def network_spec(model: object, *, start: Start = "kept", arguments: Mapping[str, Any] | None = None) -> ModelSpec:
    """Make the spec of what users give as a network: a spec, `FILE.py:FUNCTION`, a function, or a `keras.Model`.

    Args:
        model: the network; of a function, `functools.partial` may give arguments.
        start: see `Keras`.
        arguments: keyword arguments of a function.

    Raises:
        SpecError: it is none of these, or what it uses cannot be written into a file.
    """
    settings: Any = {"start": start, "arguments": arguments}
    if isinstance(model, ModelSpec):
        return model
    if isinstance(model, type) and issubclass(model, ModelSpec):
        raise SpecError(f"models = {model.__name__}: this is the class; a network of it is {model.__name__}().")
    if isinstance(model, str) and ".py" in model:
        return Keras.of(model, **settings)
    if isinstance(model, functools.partial):
        if model.args:
            raise SpecError("models: a functools.partial of a network's function must give its arguments by name.")
        return network_spec(model.func, start=start, arguments={**model.keywords, **(arguments or {})})
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(model, keras.Model):
        return Keras.of(f"{_file_of_model(model)}:network", **settings)
    if callable(model):
        return Keras.of(f"{_file_of_function(model)}:{getattr(model, '__name__', '')}", **settings)
    raise SpecError(
        f"models = {model!r}: it must be a network, such as Dense(hidden=(100,)), a function that returns a keras.Model, a "
        f"keras.Model, 'FILE.py:FUNCTION', or a list of these."
    )


def _file_of_function(function: Any) -> Path:
    name, module = getattr(function, "__name__", ""), getattr(function, "__module__", "")
    if not name.isidentifier() or module is None:
        raise SpecError(f"models = {function!r}: a network's function needs a name; write it with def.")
    file = getattr(sys.modules.get(module), "__file__", None)
    if module != SESSION and file and file.endswith(".py") and getattr(sys.modules[module], name, None) is function:
        return Path(file)
    writer = _Writer(module)
    writer.add(name, function)
    text = "".join(f"{statement}\n" for statement in writer.imports) + "\n\n" + "\n\n".join(writer.statements) + "\n"
    return _stored("notebook" if not file else Path(file).stem, text, writer.files)


class _Writer:
    """Writes a function of a session with what it uses of it: imports, plain constants, and further functions.

    Args:
        module: name of the function's module.

    Attributes:
        imports, statements: the text, in order.
        files: modules of the user's own that it imports, by their paths below the folder.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._names: set[str] = set()
        self.imports: list[str] = []
        self.statements: list[str] = []
        self.files: dict[str, bytes] = {}

    def add(self, name: str, value: Any) -> None:
        """Add the definition of a name.

        Raises:
            SpecError: it cannot be written.
        """
        if name in self._names:
            return
        self._names.add(name)
        source = _importable(name, value)
        if isinstance(value, ModuleType):
            self._import(value, f"import {value.__name__} as {name}")
        elif (isinstance(value, type) or inspect.isfunction(value)) and value.__module__ == self._module:
            self._define(name, value)
        elif _is_plain(value):
            self.statements.append(f"{name} = {value!r}")
        elif source is not None:
            self._import(sys.modules[value.__module__], f"from {value.__module__} import {source} as {name}")
        else:
            raise SpecError(
                f"The network's function uses {name!r} of this session ({type(value).__name__}), which no other process has. "
                f"Make it inside the function, or put both into a Python file."
            )

    def _import(self, module: ModuleType, statement: str) -> None:
        self.imports.append(statement)
        file = Path(getattr(module, "__file__", None) or "")
        installed = file.suffix != ".py" or "-packages" in str(file) or file.is_relative_to(sys.prefix)
        if not installed and module.__name__.partition(".")[0] not in sys.stdlib_module_names:
            root = file.resolve().parents[len(module.__name__.split(".")) - (file.name != "__init__.py")]
            for path in (file.resolve(), *(file.resolve().parent / name for name in sources.related(file))):
                if path.is_relative_to(root):
                    self.files[path.relative_to(root).as_posix()] = path.read_bytes()

    def _define(self, name: str, value: Any) -> None:
        try:
            text = textwrap.dedent(_class_text(value) if isinstance(value, type) else inspect.getsource(value))
            tree = ast.parse(text)
        except (OSError, TypeError, SyntaxError):
            raise SpecError(f"The text of {name!r} cannot be read; write it with def in a cell or a file of its own.") from None
        known = _surroundings(value, sys.modules[self._module])
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in known and node.id != name:
                self.add(node.id, known[node.id])
        self.statements.append(text if value.__name__ == name else f"{text}\n{name} = {value.__name__}")


def _class_text(kind: type) -> str:
    """Text of a class, from the lines of its first method: Python finds a notebook's classes by no other way."""
    code = next((method.__code__ for method in vars(kind).values() if inspect.isfunction(method)), None)
    lines = linecache.getlines(code.co_filename) if code else []
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__ and code and node.end_lineno:
            start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if start <= code.co_firstlineno <= node.end_lineno:
                return "".join(lines[start - 1 : node.end_lineno])
    raise OSError(f"the text of {kind.__name__} is not known")


def _surroundings(value: Any, module: ModuleType) -> dict[str, Any]:
    """The names that a function or class sees around it, without its own variables."""
    if not inspect.isfunction(value):
        return vars(module)
    closed = inspect.getclosurevars(value).nonlocals
    around = {name: found for name, found in value.__globals__.items() if name not in value.__code__.co_varnames}
    return {**around, **closed}


def _importable(name: str, value: Any) -> str | None:
    """The name under which a value's own module has it; None if it has it under no name that is known."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    names = (getattr(value, "__name__", ""), name)
    return next((each for each in names if each and getattr(module, each, None) is value), None)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple | set):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(part) for key, part in value.items())
    return type(value) in PLAIN


def _file_of_model(model: Any) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        try:
            with warnings.catch_warnings(action="ignore"):
                model.save(path)
        except Exception as error:  # Keras raises many types
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise SpecError(f"The network {model.name!r} cannot be saved ({line}); give the function that makes it.") from None
        content = _undated(path.read_bytes())
    return _stored("network", NETWORK, {"network.keras": content})


def _undated(archive: bytes) -> bytes:
    """A `.keras` archive without the times of its writing, so that equal networks have equal files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(out, "w") as after:
        for name in sorted(before.namelist()):
            content = before.read(name)
            if name == "metadata.json":
                content = b'{"keras_version": "", "date_saved": ""}'
            info = zipfile.ZipInfo(name, UNDATED)
            info.create_system = UNIX  # else the archive would differ with the system that made it
            after.writestr(info, content)
    return out.getvalue()


def _stored(stem: str, text: str, files: Mapping[str, bytes]) -> Path:
    """Write a network's files into a folder of the cache that is named by their content."""
    name = f"{stem if stem.isidentifier() else 'network'}.py"
    contents = {name: text.encode(), **files}
    digest = storage.sha256([part for path in sorted(contents) for part in (path.encode(), contents[path])])
    folder = cache_folder() / "networks" / digest
    for path, content in contents.items():
        if not (folder / path).is_file():
            storage.write(folder / path, content)
    return folder / name
