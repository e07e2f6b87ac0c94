"""A run as the command and as the Python call that train it: settings at their defaults are left out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from seedbed.specs import DataSpec, Keras, ModelSpec, RunSpec
from seedbed.validation import Spec

OTHER_FLAGS = {"name": "data"}
"""Fields whose flags have another name."""

WITHOUT_FLAG = ("family", "digest", "fold", "permutation")
"""Fields that follow from others, or that a command states in another way."""


def command(name: str, run: RunSpec, seeds: Sequence[int], *, home: str = "") -> str:
    """The command that trains a run with these seeds, for a shell.

    >>> command("first", RunSpec(plan=Plan(epochs=5), data=DataSpec(name="digits")), [0])
    'seedbed train -m first --data digits --epochs 5'

    Args:
        name: name of the run or group.
        run: settings; its seed is not used.
        seeds: consecutive seeds.
        home: home of the runs. Empty means the usual one.
    """
    words = ["seedbed", "train", "-m", name, *_network_words(run.model)]
    for spec in (run.data, *(() if isinstance(run.model, Keras) else (run.model,)), run.plan):
        for field, value in _given(spec):
            words += _words(OTHER_FLAGS.get(field, field), value)
    if run.data.fold:
        words += ["--folds", str(run.data.fold[1])]
    if seeds[0]:
        words += ["--seed", str(seeds[0])]
    if len(seeds) > 1:
        words += ["--seeds", str(len(seeds))]
    if home:
        words += ["--home", home]
    return shlex.join(words)


def python(name: str, run: RunSpec, seeds: Sequence[int]) -> str:
    """The same as lines of Python.

    >>> print(python("first", RunSpec(plan=Plan(epochs=5), data=DataSpec(name="digits")), [3]))
    import seedbed as sb
    <BLANKLINE>
    sb.train(sb.Dense(), "digits", name="first", seeds=[3], epochs=5)
    """
    model = run.model
    if isinstance(model, Keras):
        network = repr(f"{model.file}:{model.function}")
    else:
        network = f"sb.{type(model).__name__}({_keywords(_given(model))})"
    others = [(field, value) for field, value in _given(run.data) if field != "name"]
    data = f"sb.DataSpec({_keywords([('name', run.data.name), *others])})" if others else _quoted(run.data.name)
    named = [("name", name), ("seeds", list(seeds)), *_given(run.plan)]
    return f"import seedbed as sb\n\nsb.train({network}, {data}, {_keywords(named)})"


def _network_words(model: ModelSpec) -> list[str]:
    if not isinstance(model, Keras):
        return ["-c"] if model.family == "conv" else []
    arguments = [word for key, value in model.arguments.items() for word in ("--arg", f"{key}={value}")]
    return ["--model", f"{model.file}:{model.function}", *arguments]


def _given(spec: Spec) -> Iterator[tuple[str, Any]]:
    """Fields that differ from their defaults; a data set's name always, since the default is a choice like any other."""
    defaults = type(spec)()
    for field in type(spec).model_fields:
        value = getattr(spec, field)
        if field not in WITHOUT_FLAG and (
            value != getattr(defaults, field) or (isinstance(spec, DataSpec) and field == "name")
        ):
            yield field, value


def _words(field: str, value: Any) -> list[str]:
    flag = "--" + field.replace("_", "-")
    if value is True:
        return [flag]
    if isinstance(value, tuple):
        return [flag, ("x" if field == "size" else ",").join(map(str, value)) or "none"]
    return [flag, str(value)]


def _keywords(fields: Any) -> str:
    return ", ".join(f"{field}={_quoted(value)}" for field, value in fields)


def _quoted(value: object) -> str:
    return (
        f'"{value}"'
        if isinstance(value, str) and '"' not in value and value.isprintable() and "\\" not in value
        else repr(value)
    )
