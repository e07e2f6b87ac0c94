"""What to train, on what, and how: frozen, validated, hashable descriptions.

A `RunSpec` is one network trained once: a model spec, a plan, a data spec and a seed. Its `identity` is the hash of these.
Every number that a user can give is checked here, once; the messages name the setting, the value and the rule.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    SerializeAsAny,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticKnownError, core_schema

from seedbed.errors import SpecError, nearest
from seedbed.kinds import ACTIVATIONS, AUGMENTATIONS, OPTIMIZERS, Registry

Schedule = Literal["constant", "cosine", "onecycle"]
Precision = Literal["f32", "bf16", "tf32"]
Protocol = Literal["honest", "handout"]
Padding = Literal["same", "valid"]
Head = Literal["flatten", "average"]

Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


@dataclass(frozen=True)
class NameIn:
    """Marks a field whose value is the name of a record."""

    registry: Registry[Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._checked, serialization=core_schema.to_string_ser_schema())

    def _checked(self, name: object) -> str:
        if isinstance(name, str) and name in self.registry:
            return name
        raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, self.registry))})


ActivationName = Annotated[str, NameIn(ACTIVATIONS)]

STATIC = {"static": True}
"""Marks a plan field that is part of the compiled program; the other fields may differ between members of a population."""


class Spec(BaseModel):
    """The base of all specs: frozen, strict about unknown settings, and with errors of one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    later: ClassVar[frozenset[str]] = frozenset()
    """Fields that came when there were runs already: at their default they are no part of the identity, which those keep."""

    def __init__(self, /, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise SpecError(_one_line(type(self), error.errors()[0])) from None

    def changed(self, **settings: Any) -> Self:
        """The same spec with some settings replaced, checked again."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **settings})

    def plain(self) -> dict[str, Any]:
        """This spec as plain JSON values."""
        return self.model_dump(mode="json")

    @cached_property
    def identity(self) -> str:
        """Hash of all that decides the outcome, 16 hexadecimal digits; equal specs have equal identities."""
        text = json.dumps(self._identifying(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _identifying(self) -> dict[str, Any]:
        unsaid = {name for name in self.later if getattr(self, name) == type(self).model_fields[name].default}
        return {name: value for name, value in self.plain().items() if name not in unsaid}


def _one_line(spec: type[BaseModel], error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"])
    value = error.get("input")
    if error["type"] == "extra_forbidden":
        known = list(spec.model_fields)
        return f"{spec.__name__} has no setting {place!r}.{nearest(place, known)} It has: {', '.join(known)}."
    if error["type"] == "missing":
        return f"{spec.__name__} needs the setting {place!r}."
    if error["type"] == "literal_error":
        known = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
        return f"{place} = {value!r} is not known.{nearest(str(value), known)} Known: {', '.join(known)}."
    rule = error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")
    return f"{place} = {value!r}: {rule}." if place else f"{spec.__name__}: {rule}."


class ModelSpec(Spec):
    """A network, described; its class stands for a family of networks.

    Attributes:
        family: the family's name.
        widths: the field that says how wide the layers are; a run's name always tells it. Empty where no field does.
    """

    widths: ClassVar[str] = ""

    family: str

    if TYPE_CHECKING:  # what every family has, as a field or as a property

        @property
        def hidden(self) -> tuple[int, ...]:
            """Units of the hidden dense layers, as far as the spec knows them."""

        @property
        def activation(self) -> str | None:
            """The name of the hidden layers' activation; None where the spec does not know it."""

        @property
        def dropout(self) -> float:
            """The share of hidden outputs that the engine drops in a training step."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The network in a few words.

        >>> Dense(hidden=(200, 100)).title
        'dense 200-100, relu'
        """

    @property
    def names_its_code(self) -> bool:
        """Whether the spec alone says which network is meant: False for a file whose text may change."""
        return True


class Dense(ModelSpec):
    """A fully connected network: hidden layers of one activation, then one logit per class.

    Args:
        hidden: units of each hidden layer; empty is logistic regression.
        activation: what follows each hidden layer.
        dropout: the share of each hidden layer's outputs that a training step drops, in [0, 1).
    """

    widths: ClassVar[str] = "hidden"

    family: Literal["dense"] = "dense"
    hidden: tuple[Count, ...] = (200, 100)
    activation: ActivationName = "relu"
    dropout: Fraction = 0.0

    @property
    def title(self) -> str:
        words = [f"dense {_dashed(self.hidden)}", self.activation] if self.hidden else ["logistic regression"]
        return ", ".join([*words, *_dropout_words(self.dropout)])


def _dashed(numbers: tuple[int, ...]) -> str:
    return "-".join(map(str, numbers))


def _dropout_words(share: float) -> list[str]:
    return [f"dropout {share:g}"] if share else []


class Conv(ModelSpec):
    """A convolutional network: blocks of convolution, activation and max pooling, then dense layers.

    Args:
        filters: filters of each convolution.
        kernel, stride, pool: side of the kernel, of the step and of the pooled square, in pixels, one for each convolution or
            one for all; a pool of 1 does not pool. Pooling steps as far as it is wide and drops what does not fill a square.
        padding: "same" keeps the image's size (at stride 1), "valid" uses whole kernels only.
        separable: every convolution but the first is a depthwise one (a kernel for each channel), then a pointwise one (1 x 1),
            as Keras's `SeparableConv2D`: with many channels, far fewer parameters.
        head: "flatten" gives every pixel of the last maps to the dense layers, "average" each map's mean.
        hidden: units of the dense layers between the maps and the logits.
        activation, dropout: as in `Dense`; dropout acts before each dense layer.
    """

    later: ClassVar[frozenset[str]] = frozenset({"separable"})
    widths: ClassVar[str] = "filters"

    family: Literal["conv"] = "conv"
    filters: tuple[Count, ...] = Field(default=(20, 10), min_length=1)
    kernel: tuple[Count, ...] = (5, 3)
    stride: tuple[Count, ...] = (1, 1)
    pool: tuple[Count, ...] = (2, 2)
    padding: Padding = "same"
    separable: bool = False
    head: Head = "flatten"
    hidden: tuple[Count, ...] = ()
    activation: ActivationName = "relu"
    dropout: Fraction = 0.0

    @model_validator(mode="wrap")
    @classmethod
    def _one_for_each(cls, settings: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """One value for all convolutions becomes one for each, which does not count as set (`model_fields_set`)."""
        if not isinstance(settings, dict):
            return handler(settings)
        filters = settings.get("filters", (20, 10))
        blocks = len(filters) if isinstance(filters, list | tuple) else 1
        spread = dict(settings)
        for name, default in (("kernel", (5, 3)), ("stride", (1, 1)), ("pool", (2, 2))):
            value = settings.get(name, default if blocks == 2 else default[-1])
            value = (value,) if isinstance(value, int) else value
            spread[name] = tuple(value) * blocks if isinstance(value, list | tuple) and len(value) == 1 else value
        made = handler(spread)
        made.model_fields_set.intersection_update(settings)
        for name in ("kernel", "stride", "pool"):
            values = getattr(made, name)
            if len(values) != blocks:
                few = f"{name} = {values} has {len(values)} values for {blocks} convolutions"
                raise ValueError(f"{few}; give one, or one for each")
        return made

    @property
    def title(self) -> str:
        blocks = ", ".join(f"{filters}@{side}x{side}" for filters, side in zip(self.filters, self.kernel, strict=True))
        words = [f"{'separable conv' if self.separable else 'conv'} {blocks}"]
        words += [_dashed(self.hidden)] if self.hidden else []
        return ", ".join([*words, self.activation, *_dropout_words(self.dropout)])


class Keras(ModelSpec):
    """The user's own network: a function in a Python file that returns a `keras.Model`.

    Args:
        file: the Python file; it is run, so it must be trusted.
        function: the function's name in it.
        arguments: what the function is called with.
        digest: SHA-256 of the file's text, filled in by `Keras.of`; it stands for the file in the run's identity.
    """

    named: ClassVar[set[str]] = set()
    """Digests of the files that `of` was given in this process: what the user named, and no run folder."""

    family: Literal["keras"] = "keras"
    file: str
    function: str
    arguments: dict[str, bool | int | float | str] = {}
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""

    @classmethod
    def of(cls, target: str, **arguments: bool | int | float | str) -> Self:
        """From `FILE.py:FUNCTION`, with the file's digest."""
        file, colon, function = target.rpartition(":")
        if not (colon and file.endswith(".py") and function.isidentifier()):
            raise SpecError(f"--model = {target!r}: it must read FILE.py:FUNCTION.")
        path = Path(file)
        if not path.is_file():
            raise SpecError(f"--model = {target!r}: there is no file {file!r}.")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        cls.named.add(digest)
        return cls(file=str(path.resolve()), function=function, arguments=arguments, digest=digest)

    hidden: ClassVar[tuple[int, ...]] = ()
    activation: ClassVar[str | None] = None
    dropout: ClassVar[float] = 0.0

    @property
    def title(self) -> str:
        return f"{self.function} of {self.file.replace(chr(92), '/').rpartition('/')[2]}"

    @property
    def names_its_code(self) -> bool:
        return bool(self.digest)

    def __hash__(self) -> int:
        return hash(self.identity)

    def _identifying(self) -> dict[str, Any]:
        return {**self.plain(), "file": Path(self.file).name if not self.digest else ""}


FAMILIES: Registry[type[ModelSpec]] = Registry(
    "family", Dense, Conv, Keras, name=lambda spec: str(spec.model_fields["family"].default)
)
"""The families of networks by their names; `seedbed.models.FAMILIES` has what else is known of each."""


def _of_its_family(model: object) -> object:
    """A model spec from plain settings that name its family."""
    if isinstance(model, ModelSpec):
        return model
    if not (isinstance(model, dict) and all(isinstance(name, str) for name in model)):
        raise ValueError("it must be a mapping of settings that names a family")
    return FAMILIES[model.get("family")](**model)


OF_SOME_OPTIMIZERS = ("momentum", "weight_decay")
"""Plan fields that only some optimizers use (`Optimizer.settings`)."""


class Plan(Spec):
    """How to train: length, minibatches, optimizer, penalties, augmentation, stopping.

    Args:
        epochs: passes over the training images.
        batch_size: images of a minibatch; an epoch's last one holds what is left.
        optimizer: with Keras's definitions and constants (adam: 0.9, 0.999, 1e-7; rmsprop: 0.9, 1e-7).
        learning_rate: the rate, or the schedule's highest.
        schedule: "constant"; "cosine" falls to 0 along half a cosine; "onecycle" rises for 30 % of the steps from 1/25 of
            the rate and falls along half a cosine to 1/10,000 of that.
        momentum: of "momentum" and "nesterov".
        weight_decay: of "adamw", decoupled: kernels shrink by rate * weight_decay at each step.
        l1, l2: the penalty is l2 * sum(w**2) + l1 * sum(|w|) over kernels, as Keras's regularizers define it.
        augment: random changes of the training images, drawn again at each step.
        patience: stop after this many epochs without a new best validation accuracy; 0 never stops early.
        precision: of matrix products; "f32" unless speed is worth other bits.
    """

    epochs: Count = 10
    batch_size: Annotated[int, Field(ge=1, json_schema_extra=STATIC)] = 128
    optimizer: Annotated[str, NameIn(OPTIMIZERS), Field(json_schema_extra=STATIC)] = "adam"
    learning_rate: Positive = 1e-3
    schedule: Schedule = "constant"
    momentum: Fraction = 0.9
    weight_decay: NotNegative = 0.004
    l1: NotNegative = 0.0
    l2: NotNegative = 0.0
    augment: Annotated[str, NameIn(AUGMENTATIONS), Field(json_schema_extra=STATIC)] = "none"
    patience: Annotated[int, Field(ge=0)] = 0
    precision: Annotated[Precision, Field(json_schema_extra=STATIC)] = "f32"

    def _identifying(self) -> dict[str, Any]:
        """A field that the chosen optimizer does not use counts as left at its default."""
        used = OPTIMIZERS[self.optimizer].settings
        unused = {name: type(self).model_fields[name].default for name in OF_SOME_OPTIMIZERS if name not in used}
        return {**self.plain(), **unused}

    @property
    def static(self) -> tuple[Any, ...]:
        """The values that are part of the compiled program."""
        return tuple(
            getattr(self, name)
            for name, field in type(self).model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("static")
        )


class DataSpec(Spec):
    """Which images and labels.

    Args:
        name: of a data set that the registry knows.
        digest: SHA-256 of its content, filled in by `seedbed.data.resolve`.
        split_seed: draws the validation part from the training images; no run's seed changes it.
        protocol: "honest" locks the test part away; "handout" does as the exercise did: the official test images are
            called validation, and all training images are trained on.
        size: height and width that images of a folder are brought to; None takes the most common size.
        first: keep only this many training images, a stratified choice; None keeps all.
        label_noise: the share of training labels replaced by another class, in [0, 1).
        permutation: a seed for one fixed permutation of the pixels of all images; None leaves them in place.
        fold: `(k, n)` validates on the k-th (from 0) of n parts into which the training and validation images are drawn by
            class, and trains on the others; None has the one validation part. With the honest protocol only.
        inner: leave the validation part aside too, and draw another one from the training images: for choosing among settings
            when a claim will be made on the validation part, which then had no say in the choice.
    """

    later: ClassVar[frozenset[str]] = frozenset({"fold", "inner"})

    name: str = "mnist"
    digest: str = ""
    split_seed: Seed = 0
    protocol: Protocol = "honest"
    size: tuple[Count, Count] | None = None
    first: Count | None = None
    label_noise: Fraction = 0.0
    permutation: Seed | None = None
    fold: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=2)]] | None = None
    inner: bool = False

    @model_validator(mode="after")
    def _fold_is_there(self) -> Self:
        if self.fold and not self.fold[0] < self.fold[1]:
            raise ValueError(f"fold = {self.fold}: of {self.fold[1]} folds the last is {self.fold[1] - 1}")
        if self.fold and self.protocol != "honest":
            raise ValueError(f"fold = {self.fold}: folds are made by the honest protocol only")
        if self.fold and self.inner:
            raise ValueError("fold and inner are two ways to choose the validation images; say one of them")
        return self


class RunSpec(Spec):
    """One network trained once. The seed fixes the initial weights and the order of the minibatches."""

    model: Annotated[SerializeAsAny[ModelSpec], BeforeValidator(_of_its_family)] = Dense()
    plan: Plan = Plan()
    data: DataSpec = DataSpec()
    seed: Seed = 0

    def _identifying(self) -> dict[str, Any]:
        return {
            "model": self.model._identifying(),
            "plan": self.plan._identifying(),
            "data": self.data._identifying(),
            "seed": self.seed,
        }

    @cached_property
    def setting(self) -> str:
        """Identity of all but the seed: runs of one setting differ only in their seeds."""
        return self.changed(seed=0).identity


NAME_RULE: re.Pattern[str] = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))})


def checked_name(name: str) -> str:
    """The name, if it is one that a run, group or data set may have on every system.

    Raises:
        SpecError: it holds something else than letters, digits, '_', '-', '.', or is longer than 100.
    """
    if not NAME_RULE.fullmatch(name) or name.endswith("."):
        rule = "it must be 1 to 100 letters, digits, '_', '-' or '.', with no '-' or '.' first and no '.' last"
        raise SpecError(f"name = {name!r}: {rule}.")
    if name.split(".")[0].lower() in RESERVED:
        raise SpecError(f"name = {name!r}: Windows keeps this name for a device; choose another.")
    return name


def checked_group(name: str) -> str:
    """The name, if a user may give it to a run or group: `NAME.3` is kept for the fourth seed of group NAME."""
    if re.search(r"\.\d+$", checked_name(name)):
        raise SpecError(f"name = {name!r}: a name must not end in '.' and a number; seedbed names the seeds of a group so.")
    return name


def from_yaml(text: str, source: str = "YAML") -> dict[str, Any]:
    """The settings of a YAML file, a mapping of plain values.

    Raises:
        SpecError: it is not YAML, or not a mapping; names the source and the line.
    """
    try:
        settings = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SpecError(f"{source}{where}: this is not YAML ({getattr(error, 'problem', None) or 'unreadable'}).") from None
    if not isinstance(settings, dict):
        raise SpecError(f"{source}: it must be a mapping of settings, and is {type(settings).__name__}.")
    return settings


def to_yaml(spec: Spec) -> str:
    """The spec as YAML, settings in the order of their definition."""
    return yaml.safe_dump(spec.plain(), sort_keys=False, allow_unicode=True)
