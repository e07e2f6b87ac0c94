"""A run's settings as the command, or the line of Python, that trains it: only what differs from the defaults."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from seedbed.specs import DataSpec, Keras, ModelSpec, RunSpec
from seedbed.validation import Spec

UNFLAGGED = ("name", "digest", "fold", "permutation")
"""Fields of the data without a flag of their own name."""


def train_command(run: RunSpec, name: str, *, seeds: int = 1, folds: int = 1, home: str = "") -> str:
    """The command that trains a run, or some seeds of its setting.

    Args:
        run: settings; its seed is the first.
        name: name of the run or group.
        seeds: number of seeds.
        folds: number of folds that they validate on in turn.
        home: folder of the runs. Empty means the usual one.

    Raises:
        ValueError: the pixels are permuted, which only Python can ask for.

    >>> train_command(RunSpec(plan=Plan(l2=1e-3), data=DataSpec(name="digits")), "first")
    'seedbed train -m first -d --data digits --l2 0.001'
    """
    if run.data.permutation is not None:
        raise ValueError("no flag permutes the pixels")
    words = ["seedbed", "train", "-m", name, *_network(run.model), "--data", run.data.name]
    words += [*_flags(run.plan), *_flags(run.data, UNFLAGGED)]
    words += ["--seed", str(run.seed)] if run.seed else []
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    words += ["--folds", str(folds)] if folds > 1 else []
    words += ["--home", home] if home else []
    return shlex.join(words)


def train_call(run: RunSpec, name: str, *, seeds: int = 1, folds: int = 1, home: str = "") -> str:
    """The line of Python that trains a run, or some seeds of its setting; arguments as of `train_command`.

    >>> train_call(RunSpec(plan=Plan(l2=1e-3), data=DataSpec(name="digits")), "first", seeds=5)
    "sb.train(sb.Dense(), 'digits', name='first', seeds=5, l2=0.001)"
    """
    several: Any = seeds if not run.seed else list(range(run.seed, run.seed + seeds))
    words = [_model(run.model), _data(run.data), f"name={name!r}"]
    words += [f"seeds={several!r}"] if seeds > 1 or run.seed else []
    words += [f"folds={folds}"] if folds > 1 else []
    words += [f"{field}={value!r}" for field, value in changed(run.plan).items()]
    words += [f"home={home!r}"] if home else []
    return f"sb.train({', '.join(words)})"


def changed(spec: Spec, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """Field -> value of the fields that are not at their defaults, without some."""
    return {name: value for name, value in spec.altered.items() if name not in left_out}


def _network(model: ModelSpec) -> list[str]:
    if not isinstance(model, Keras):
        return ["-c" if model.family == "conv" else "-d", *_flags(model, ("family",))]
    words = ["--model", f"{model.file}:{model.function}"]
    words += ["--start", model.start] if model.start != "kept" else []
    return [*words, *(word for name, value in model.arguments.items() for word in ("--arg", f"{name}={value}"))]


def _flags(spec: Spec, left_out: tuple[str, ...] = ()) -> list[str]:
    words = []
    for name, value in changed(spec, left_out).items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, _value(name, value)]
    return words


def _value(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return ("x" if name == "size" else ",").join(map(str, value)) or "none"
    return str(value)


def _model(model: ModelSpec) -> str:
    if not isinstance(model, Keras):
        return f"sb.{type(model).__name__}({_arguments(changed(model, ('family',)))})"
    target = f"{model.file}:{model.function}"
    return f"sb.Keras.of({_arguments({**model.arguments}, repr(target))})" if model.arguments else repr(target)


def _data(spec: DataSpec) -> str:
    settings = changed(spec, ("name", "digest", "fold"))
    return f"sb.DataSpec({_arguments({'name': spec.name, **settings})})" if settings else repr(spec.name)


def _arguments(values: Mapping[str, Any], *before: str) -> str:
    return ", ".join([*before, *(f"{name}={value!r}" for name, value in values.items())])
