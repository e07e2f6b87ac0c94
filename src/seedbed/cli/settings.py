"""From the flags of `seedbed train` to specs.

The rules of each setting live in `seedbed.specs`; here is only which flag is which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from seedbed.cli.options import CLASS_WEIGHT_HELP, EPOCHS_HELP, METRIC_HELP, SELECT_HELP, together
from seedbed.errors import SpecError, nearest
from seedbed.groups.folds import fold_seeds
from seedbed.kinds import ACTIVATIONS, AUGMENTATIONS, OPTIMIZERS
from seedbed.parsing import from_yaml, plain_value
from seedbed.specs import (
    AUTO,
    FAMILIES,
    Conv,
    DataSpec,
    Dense,
    Head,
    Keras,
    ModelSpec,
    Normalize,
    Padding,
    Plan,
    Precision,
    Protocol,
    RunSpec,
    Schedule,
)
from seedbed.validation import Spec

SpecKind = TypeVar("SpecKind", bound=Spec)

CONFIG_KEYS = ("model", "plan", "data", "seed", "seeds", "folds")
MOST_SEEDS = 10_000


def counts(text: str) -> tuple[int, ...]:
    """Parse whole numbers with commas between them, or `none`."""
    text = re.sub(r"\s*,\s*", ",", text.strip())
    if text.lower() == "none":
        return ()
    if not re.fullmatch(r"-?\d{1,9}(,-?\d{1,9})*", text):
        raise click.BadParameter(f"{text!r} must be whole numbers with commas between them, like 200,100, or none.")
    return tuple(int(part) for part in text.split(","))


def size(text: str) -> tuple[int, int]:
    """Parse height and width, as `28x28` or `28`."""
    sides = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if not sides:
        raise click.BadParameter(f"{text!r} must be HEIGHTxWIDTH in pixels, like 28x28, or one number for both.")
    return int(sides[1]), int(sides[2] or sides[1])


class OneNumber(click.ParamType[int | float]):
    """A number; several, with commas between them, are for `seedbed sweep`.

    Args:
        kind: int or float.
        field: field that it sets, as `sweep --set` names it.
    """

    def __init__(self, kind: type[int] | type[float], field: str) -> None:
        self.name = "integer" if kind is int else "float"
        self._kind, self._field = kind, field

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        try:
            return self._kind(value)
        except ValueError:
            several = isinstance(value, str) and all(map(_is_number, value.split(",")))
            if several:
                way_out = f"`seedbed sweep -m NAME --set {self._field}={value.replace(' ', '')}` trains one network for each"
                self.fail(f"{value!r} are several values; {way_out}.", param, ctx)
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)


class NumberOfEpochs(click.ParamType[int | float | str]):
    """A number of epochs, or `auto`."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float | str:
        if isinstance(value, str) and value.lower() == AUTO:
            return AUTO
        return OneNumber(int, "epochs").convert(value, param, ctx)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*", text, re.IGNORECASE))


@dataclass(frozen=True)
class Flag:
    """A flag, the spec's field that it sets, and its help."""

    names: tuple[str, ...]
    field: str
    help: str
    type: Any = str
    metavar: str | None = None


def _choice(names: str, field: str, kind: Any, text: str) -> Flag:
    # The spec checks the value, with the nearest known one in its message; the flag only shows what there is.
    return Flag((names,), field, f"{text} {', '.join(get_args(kind) or kind)}.", str, "NAME")


def _of_optimizers(field: str) -> str:
    return f"Of {' and '.join(optimizer.name for optimizer in OPTIMIZERS.records() if field in optimizer.settings)}."


MODEL_FLAGS = (
    Flag(("--hidden",), "hidden", "Units of each hidden dense layer, like 200,100, or none.", counts, "N,N"),
    _choice("--activation", "activation", ACTIVATIONS, "What follows each hidden layer:"),
    Flag(("--dropout",), "dropout", "Share of hidden outputs dropped in a training step.", float, "P"),
    Flag(("--filters",), "filters", "Filters of each convolution, like 20,10.", counts, "N,N"),
    Flag(("--kernel",), "kernel", "Side of the kernels in pixels, one for all or one for each.", counts, "N,N"),
    Flag(("--stride",), "stride", "Step of the kernels.", counts, "N,N"),
    Flag(("--pool",), "pool", "Side of the pooled squares; 1 does not pool.", counts, "N,N"),
    _choice("--padding", "padding", Padding, "Zeros around the images, or none:"),
    Flag(("--separable",), "separable", "Every convolution but the first depthwise, then pointwise.", bool),
    _choice("--head", "head", Head, "Every pixel of the last maps, or each map's mean, to the dense layers:"),
)
PLAN_FLAGS = (
    Flag(("--epochs",), "epochs", EPOCHS_HELP, NumberOfEpochs(), "N|auto"),
    Flag(("--batch-size",), "batch_size", "Images of a minibatch.", int, "N"),
    _choice("--optimizer", "optimizer", OPTIMIZERS, "How gradients become steps:"),
    Flag(("--lr", "--learning-rate"), "learning_rate", "Learning rate, or the schedule's highest.", float, "X"),
    _choice("--schedule", "schedule", Schedule, "How the learning rate changes:"),
    Flag(("--momentum",), "momentum", _of_optimizers("momentum"), float, "X"),
    Flag(("--weight-decay",), "weight_decay", _of_optimizers("weight_decay"), float, "X"),
    Flag(("-r", "--l2"), "l2", "Penalty: L2 times the sum of squared weights.", float, "L2"),
    Flag(("--l1",), "l1", "Penalty: L1 times the sum of absolute weights.", float, "L1"),
    _choice("--augment", "augment", AUGMENTATIONS, "Random changes of the training images:"),
    Flag(("--patience",), "patience", "Stop after N epochs without a lower validation loss.", int, "N"),
    Flag(("--select",), "select", SELECT_HELP, str, "NAME"),
    Flag(("--metric",), "metric", METRIC_HELP, str, "NAME"),
    Flag(("--class-weight",), "class_weight", CLASS_WEIGHT_HELP, str, "NAME"),
    Flag(("--keep-epochs",), "keep_epochs", "Epochs whose weights are kept too, like 1,5,10.", counts, "N,N"),
    _choice("--precision", "precision", Precision, "Precision of matrix products:"),
)
DATA_FLAGS = (
    Flag(("--data",), "name", "Data set; `seedbed data list`.", str, "NAME"),
    _choice("--protocol", "protocol", Protocol, "Lock the test part, or validate on it, as the exercise did:"),
    Flag(("--split-seed",), "split_seed", "Draws the validation part.", int, "N"),
    _choice("--normalize", "normalize", Normalize, "Pixels as stored, from 0 to 1, or standardised by channel:"),
    Flag(("--size",), "size", "Bring a folder's images to this size.", size, "HxW"),
    Flag(("--first",), "first", "Keep only N training images, a stratified choice.", int, "N"),
    Flag(("--label-noise",), "label_noise", "Share of training labels replaced by another class.", float, "P"),
    Flag(("--inner",), "inner", "Validate on a part of the training images, and leave the usual part aside.", bool),
)
CONV_ONLY = ("filters", "kernel", "stride", "pool", "padding", "separable", "head")


def _parameter(flag: Flag, kind: type[Spec]) -> str:
    """Return the name under which click passes the flag: `model_hidden`, `plan_l2`, `data_name`."""
    return f"{kind.__name__.removesuffix('Spec').lower().replace('conv', 'model')}_{flag.field}"


GROUPS: tuple[tuple[type[Spec], tuple[Flag, ...]], ...] = ((Conv, MODEL_FLAGS), (Plan, PLAN_FLAGS), (DataSpec, DATA_FLAGS))


NETWORK_OPTIONS = (
    click.option("-d", "--dense", is_flag=True, help="A dense network.  [default]"),
    click.option("-c", "--conv", is_flag=True, help="A convolutional network."),
    click.option("--model", "target", metavar="FILE.py:FUNCTION", help="Your own function that returns a keras.Model."),
    click.option("--arg", "arguments", multiple=True, metavar="K=V", help="A setting for that function; may be repeated."),
    click.option(
        "--start",
        metavar="NAME",
        help="Start of a function that returns the same weights for all seeds: kept, or drawn by each seed.  [default: kept]",
    ),
)


def flags(function: Any) -> Any:
    """Add all flags of settings to a command; a setting that the user leaves out arrives as None."""
    for kind, group in reversed(GROUPS):
        for flag in reversed(group):
            number = OneNumber(flag.type, flag.field) if flag.type in (int, float) else flag.type
            value: dict[str, Any] = {"type": number, "metavar": flag.metavar}
            if flag.type is bool:
                value = {"is_flag": True, "default": None}
            text = flag.help + _default(kind, flag)
            function = click.option(*flag.names, _parameter(flag, kind), help=text, **value)(function)
    return together(function, *NETWORK_OPTIONS)


def _default(kind: type[Spec], flag: Flag) -> str:
    if flag.field == "hidden":
        return "  [default: 200,100 (-d), none (-c)]"
    value = kind.model_fields[flag.field].default
    if value in (None, "", False, ()):
        return ""
    return f"  [default: {','.join(map(str, value)) if isinstance(value, tuple) else value}]"


class Sections(click.Command):
    """A command whose help sorts the flags of settings under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], "Network": [], "Training": [], "Data": []}
        headings = {"model": "Network", "plan": "Training", "data": "Data"}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                rows[headings.get((parameter.name or "").partition("_")[0], "Options")].append(record)
        for heading, records in rows.items():
            with formatter.section(heading):
                formatter.write_dl(records)


@dataclass(frozen=True)
class Choice:
    """The runs that a command line asks for.

    Attributes:
        run: settings, with the first seed.
        seeds: one run each.
        folds: number of folds that they validate on in turn; 1 means the one validation part.
    """

    run: RunSpec
    seeds: tuple[int, ...]
    folds: int = 1


def chosen(
    values: Mapping[str, Any], *, seed: int | None, seeds: int | None, config: Path | None, folds: int | None = None
) -> Choice:
    """Read the settings that flags and a YAML file ask for; a flag takes precedence over the file.

    Args:
        values: keywords that `flags` passed to the command.
        seed, seeds: first seed, and number of seeds. Only the first means one seed; only the number means seeds from 0 on.
        folds: number of folds. None means that of the file, or one validation part.
        config: a YAML file of settings.

    Raises:
        SpecError: a setting that breaks a rule, or settings that exclude each other.
    """
    file = checked_parts(read_yaml(config, CONFIG_KEYS), str(config)) if config else {}
    run = run_of(values, file)
    parts = folds if folds is not None else file.get("folds", 1)
    numbers = _seeds(file, seed, seeds, parts)
    return Choice(run.changed(seed=numbers[0]), numbers, parts)


def run_of(values: Mapping[str, Any], file: Mapping[str, Any]) -> RunSpec:
    """Make the run that flags ask for; what they leave out comes from the `model`, `plan` and `data` of a file."""
    given = {kind: _given(values, kind, group) for kind, group in GROUPS}
    return RunSpec(
        model=_model(file.get("model", {}), given[Conv], values),
        plan=Plan(**{**file.get("plan", {}), **given[Plan]}),
        data=DataSpec(**{**file.get("data", {}), **given[DataSpec]}),
    )


def given_fields(values: Mapping[str, Any]) -> list[str]:
    """List the fields of the specs that flags set, as `seedbed.sweeps` names them."""
    fields = [(kind, field) for kind, group in GROUPS for field in _given(values, kind, group)]
    return ["data" if (kind, field) == (DataSpec, "name") else field for kind, field in fields]


def _given(values: Mapping[str, Any], kind: type[Spec], group: tuple[Flag, ...]) -> dict[str, Any]:
    return {flag.field: value for flag in group if (value := values[_parameter(flag, kind)]) is not None}


def read_yaml(path: Path, known: Sequence[str]) -> dict[str, Any]:
    """Read a YAML file that holds some of the known keys, and nothing else.

    Raises:
        SpecError: it cannot be read, is no mapping, or has another key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SpecError(f"{path}: it cannot be read ({why}).") from None
    settings = from_yaml(text, str(path))
    for key in settings:
        if key not in known:
            raise SpecError(f"{path}: {key!r} is not known.{nearest(str(key), known)} Known: {', '.join(known)}.")
    return settings


def checked_parts(settings: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the settings, if `model`, `plan` and `data` are mappings where they are given."""
    for key in ("model", "plan", "data"):
        value = settings.get(key, {})
        if not (isinstance(value, dict) and all(isinstance(name, str) for name in value)):
            raise SpecError(f"{source}: {key!r} must be a mapping of settings, and is {value!r}.")
    return settings


def _model(file: Mapping[str, Any], given: Mapping[str, Any], values: Mapping[str, Any]) -> ModelSpec:
    """Make the network that the file's settings, those of flags, and `NETWORK_OPTIONS` ask for."""
    if values["dense"] and values["conv"]:
        raise click.UsageError("-d and -c exclude each other.", click.get_current_context())
    family = "dense" if values["dense"] else "conv" if values["conv"] else None
    if values["target"] is not None:
        if family is not None or given:
            other = "-d or -c" if family else "--" + next(iter(given)).replace("_", "-")
            raise SpecError(
                f"--model names a network of your own; {other} cannot be combined with it (--arg passes it settings)."
            )
        return Keras.of(values["target"], start=values["start"] or "kept", arguments=_arguments(values["arguments"]))
    for option in ("arg", "start"):
        if values["arguments" if option == "arg" else option]:
            raise SpecError(f"--{option} belongs to the function of --model FILE.py:FUNCTION, which is missing.")
    spec = FAMILIES[family or file.get("family", "dense")]
    of_conv = [name for name in CONV_ONLY if name in given]
    if spec is Dense and of_conv:
        raise SpecError(f"--{of_conv[0]} belongs to a convolutional network; give -c.")
    settings = {**({} if family not in (None, file.get("family")) else file), **given}
    if spec is Keras:  # read again, so that the file's text belongs to the run's identity
        return Keras(**settings).again()
    settings.pop("family", None)
    return spec(**settings)


def _arguments(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read texts such as `rate=1e-3` as the keyword arguments of the user's function."""
    arguments: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not (equals and key.isidentifier()):
            raise SpecError(f"--arg {pair!r}: it must read key=value.")
        arguments[key] = plain_value(text)
    return arguments


def _seeds(file: Mapping[str, Any], seed: int | None, seeds: int | None, folds: int) -> tuple[int, ...]:
    if seed is None and seeds is None:
        seed, seeds = file.get("seed"), file.get("seeds")
    first = RunSpec(seed=0 if seed is None else seed).seed
    return counted_seeds(seeds, folds, default=1, first=first)


def counted_seeds(seeds: object, folds: int, *, default: int, first: int = 0) -> tuple[int, ...]:
    """Count seeds from the first on.

    Args:
        seeds: number of seeds. None means `default`, or the next multiple of the folds.
        folds: number of folds that the seeds validate on in turn; 1 means the one validation part.

    Raises:
        SpecError: the number of seeds is not one from 1 to `MOST_SEEDS`, or not a multiple of the folds.
    """
    if seeds is None:
        return fold_seeds(folds, None, default=default, first=first)
    if not (type(seeds) is int and 1 <= seeds <= MOST_SEEDS):
        raise SpecError(f"seeds = {seeds!r}: it must be a whole number from 1 to {MOST_SEEDS:,}.")
    return fold_seeds(folds, range(first, first + seeds), default=default)
