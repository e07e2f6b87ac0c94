"""Specs of models, training plans, data and runs: frozen, validated, hashable.

A `RunSpec` is one network trained once: a model spec, a plan, a data spec and a seed. Its `identity` is their hash. Every
setting that a user can give is checked here, once; messages name the setting, the value and the rule.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    SerializeAsAny,
    model_validator,
)

from seedbed import sources
from seedbed.errors import SpecError
from seedbed.kinds import ACTIVATIONS, AUGMENTATIONS, OPTIMIZERS, Registry
from seedbed.validation import AnyCase, Arguments, Count, Counts, FilePath, Fraction, NameIn, NotNegative, Positive, Seed, Spec

Schedule = Literal["constant", "cosine", "onecycle"]
Precision = Literal["f32", "bf16", "tf32"]
Protocol = Literal["honest", "handout"]
Padding = Literal["same", "valid"]
Head = Literal["flatten", "average"]
Start = Literal["kept", "drawn"]
Select = Literal["smoothed", "loss", "accuracy", "last"]
Normalize = Literal["none", "unit", "standard"]
ClassWeight = Literal["none", "balanced"]
Metric = Literal["accuracy", "balanced", "f1"]

ActivationName = Annotated[str, NameIn(ACTIVATIONS)]

STATIC = {"static": True}
"""Mark of a plan field that is part of the compiled program; other fields may differ between members of a population."""


class ModelSpec(Spec):
    """A network; each subclass is a family of networks.

    Attributes:
        family: name of the family.
        widths: name of the field that holds the layers' widths, which is part of every run name; empty if there is none.
    """

    widths: ClassVar[str] = ""

    family: str

    if TYPE_CHECKING:  # every family has these, as fields or properties

        @property
        def hidden(self) -> tuple[int, ...]:
            """Units of the hidden dense layers; empty where the spec does not hold them."""

        @property
        def activation(self) -> str | None:
            """Name of the hidden layers' activation; None where the spec does not hold it."""

        @property
        def dropout(self) -> float:
            """Share of hidden outputs that the engine drops in a training step."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Short description of the network.

        >>> Dense(hidden=(200, 100)).title
        'dense 200-100, relu'
        """

    @property
    def names_its_code(self) -> bool:
        """Whether the spec alone determines the network; False for a file whose text may change."""
        return True


class Dense(ModelSpec):
    """A fully connected network: hidden layers of one activation, then one logit per class.

    Args:
        hidden: units of each hidden layer; empty means logistic regression.
        activation: name of the hidden layers' activation.
        dropout: share of each hidden layer's outputs that a training step drops, in [0, 1).
    """

    widths: ClassVar[str] = "hidden"

    family: Literal["dense"] = "dense"
    hidden: Counts = (200, 100)
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
        filters: number of filters of each convolution.
        kernel: side of the kernel, one for each convolution or one for all (pixels).
        stride: stride of the convolution, likewise (pixels).
        pool: side and stride of the max pooling window, likewise (pixels); 1 does not pool. Incomplete windows are dropped.
        padding: "same" keeps the image's size (at stride 1), "valid" uses whole kernels only.
        separable: whether every convolution but the first is a depthwise one (one kernel per channel), then a pointwise one
            (1 x 1), as in Keras's `SeparableConv2D`: with many channels, far fewer parameters.
        head: input of the dense layers: "flatten" means every pixel of the last maps, "average" each map's mean.
        hidden: units of the dense layers between the maps and the logits.
        activation, dropout: as in `Dense`; dropout acts before each dense layer.
    """

    later: ClassVar[Mapping[str, Any]] = {"separable": False}
    widths: ClassVar[str] = "filters"

    family: Literal["conv"] = "conv"
    filters: Annotated[Counts, Field(min_length=1)] = (20, 10)
    kernel: tuple[Count, ...] = (5, 3)
    stride: tuple[Count, ...] = (1, 1)
    pool: tuple[Count, ...] = (2, 2)
    padding: AnyCase[Padding] = "same"
    separable: bool = False
    head: AnyCase[Head] = "flatten"
    hidden: Counts = ()
    activation: ActivationName = "relu"
    dropout: Fraction = 0.0

    @model_validator(mode="wrap")
    @classmethod
    def _one_for_each(cls, settings: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Expand one value for all convolutions to one for each; an expanded default does not count as set."""
        if not isinstance(settings, dict):
            return handler(settings)
        filters = settings.get("filters", (20, 10))
        blocks = len(filters) if isinstance(filters, list | tuple) else 1
        expanded = dict(settings)
        for name, default in (("kernel", (5, 3)), ("stride", (1, 1)), ("pool", (2, 2))):
            value = settings.get(name, default if blocks == 2 else default[-1])
            value = (value,) if isinstance(value, int) else value
            expanded[name] = tuple(value) * blocks if isinstance(value, list | tuple) and len(value) == 1 else value
        made = handler(expanded)
        made.model_fields_set.intersection_update(settings)
        for name in ("kernel", "stride", "pool"):
            values = getattr(made, name)
            if len(values) != blocks:
                mismatch = f"{name} = {values} has {len(values)} values for {blocks} convolutions"
                raise ValueError(f"{mismatch}; give one, or one for each")
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
        file: path of the Python file; it is run, so it must be trusted.
        function: name of the function in it, of a class of networks, or of a network.
        arguments: keyword arguments of the function: numbers, texts, true, false, null, lists and mappings of these.
        digest: SHA-256 of the file's text, set by `Keras.of`; it represents the file in the run's identity.
        files: other files that it imports or names (`seedbed.sources`) -> SHA-256, set by `Keras.of`.
        start: initial weights, where the function returns the same ones for all seeds: "kept", or "drawn" by each seed.
    """

    later: ClassVar[Mapping[str, Any]] = {"files": {}, "start": "kept"}
    named: ClassVar[set[str]] = set()
    """Digests of the files that the user named in this process through `of`, without files that only a run folder names."""

    family: Literal["keras"] = "keras"
    file: str
    function: str
    arguments: Arguments = Field(default={})
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    files: dict[FilePath, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(default={})
    start: Start = "kept"

    @classmethod
    def of(
        cls, target: str, /, *, start: Start = "kept", arguments: Mapping[str, Any] | None = None, **more: JsonValue
    ) -> Self:
        """Make the spec from `FILE.py:FUNCTION`, with the digests of the file and of those that it imports or names.

        Args:
            target: `FILE.py:FUNCTION`.
            start: see the class.
            arguments, more: keyword arguments of the function.

        Raises:
            SpecError: the target is malformed, or there is no such file.
        """
        file, colon, function = target.rpartition(":")
        if not (colon and file.endswith(".py") and function.isidentifier()):
            raise SpecError(f"--model = {target!r}: it must read FILE.py:FUNCTION.")
        path = Path(file)
        if not path.is_file():
            raise SpecError(f"--model = {target!r}: there is no file {file!r}.")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        settings: dict[str, Any] = {**(arguments or {}), **more}
        files = sources.related(path, settings.values())
        cls.named.update({digest, *files.values()})
        place = str(path.resolve())
        return cls(file=place, function=function, arguments=settings, digest=digest, files=files, start=start)

    def again(self, **changes: Any) -> Self:
        """Make the spec again from its file as it is now, with some of `file`, `function`, `start` and `arguments` replaced.

        Raises:
            SpecError: there is no such file, or a change that breaks a rule.
        """
        named = self.changed(**changes)
        return type(self).of(f"{named.file}:{named.function}", start=named.start, arguments=named.arguments)

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
        return {**super()._identifying(), "file": Path(self.file).name if not self.digest else ""}


FAMILIES: Registry[type[ModelSpec]] = Registry(
    "family", Dense, Conv, Keras, name=lambda spec: str(spec.model_fields["family"].default)
)
"""Specs of the families of networks, by name; `seedbed.models.FAMILIES` holds the rest of each family."""


def _of_its_family(model: object) -> object:
    """Build a model spec from plain settings that name its family."""
    if isinstance(model, ModelSpec):
        return model
    if not (isinstance(model, dict) and all(isinstance(name, str) for name in model)):
        raise ValueError("it must be a mapping of settings that names a family")
    return FAMILIES[model.get("family")](**model)


OF_SOME_OPTIMIZERS = ("momentum", "weight_decay")
"""Plan fields that only some optimizers use (`Optimizer.settings`)."""

AUTO = "auto"
"""Value of a plan's `epochs` for a training that stops by itself: at most `AUTO_EPOCHS`, with a patience of `AUTO_PATIENCE`."""

AUTO_EPOCHS, AUTO_PATIENCE = 500, 10
"""docs/benchmarks/epochs.md has the measurements."""


class Plan(Spec):
    """The training plan: length, minibatches, optimizer, penalties, augmentation, early stopping.

    Args:
        epochs: passes over the training images; "auto" stands for 500 with a patience of 10.
        batch_size: images per minibatch; an epoch's last minibatch may be smaller.
        optimizer: name of the optimizer, with Keras's constants (adam: 0.9, 0.999, 1e-7; rmsprop: 0.9, 1e-7).
        learning_rate: the learning rate, or the schedule's maximum.
        schedule: "constant"; "cosine" falls to 0 along half a cosine; "onecycle" rises for 30 % of the steps from 1/25 of
            the rate and falls along half a cosine to 1/10,000 of that.
        momentum: coefficient of "momentum" and "nesterov".
        weight_decay: decoupled weight decay of "adamw": kernels shrink by rate * weight_decay at each step.
        l1, l2: coefficients of the penalty l2 * sum(w**2) + l1 * sum(|w|) over kernels, as in Keras's regularizers.
        augment: name of the random changes of the training images, drawn again at each step.
        patience: number of epochs without a lower validation loss after which training stops; 0 never stops early. With
            `select` "accuracy" it counts those without a higher validation accuracy.
        precision: precision of matrix products; others than "f32" trade bits for speed.
        select: rule that selects the best epoch, whose network is kept: "smoothed" takes the highest validation accuracy, as
            the mean of the epoch and the four before it, "loss" the lowest validation loss, "accuracy" the highest validation
            accuracy of a single epoch, "last" the last epoch.
        class_weight: weight of an image in the loss that training minimizes: "balanced" weighs each class by the inverse of its
            number of training images (mean weight 1), so that small classes count as much as large ones; patience and `select`
            "loss" then follow the validation loss with such weights.
        metric: what `select`, pruning, rankings and comparisons go by: "accuracy", "balanced" accuracy (the mean over the
            classes of the share of their images that is right), or macro "f1" (the mean of the classes' F1).
        keep_epochs: numbers of the epochs whose weights are kept too, besides those of the best and the last.
    """

    later: ClassVar[Mapping[str, Any]] = {
        "select": "accuracy",
        "class_weight": "none",
        "metric": "accuracy",
        "keep_epochs": (),
    }
    unwritten: ClassVar[tuple[str, ...]] = ("class_weight", "metric", "keep_epochs")

    epochs: Count = 10
    batch_size: Annotated[int, Field(ge=1, json_schema_extra=STATIC)] = 128
    optimizer: Annotated[str, NameIn(OPTIMIZERS), Field(json_schema_extra=STATIC)] = "adam"
    learning_rate: Positive = 1e-3
    schedule: AnyCase[Schedule] = "constant"
    momentum: Fraction = 0.9
    weight_decay: NotNegative = 0.004
    l1: NotNegative = 0.0
    l2: NotNegative = 0.0
    augment: Annotated[str, NameIn(AUGMENTATIONS), Field(json_schema_extra=STATIC)] = "none"
    patience: Annotated[int, Field(ge=0)] = 0
    precision: Annotated[AnyCase[Precision], Field(json_schema_extra=STATIC)] = "f32"
    select: AnyCase[Select] = "smoothed"
    class_weight: AnyCase[ClassWeight] = "none"
    metric: AnyCase[Metric] = "accuracy"
    keep_epochs: Annotated[Counts, AfterValidator(lambda epochs: tuple(sorted(set(epochs))))] = ()

    @model_validator(mode="after")
    def _epochs_to_keep_are_trained(self) -> Self:
        if self.keep_epochs and self.keep_epochs[-1] > self.epochs:
            raise ValueError(f"keep_epochs = {self.keep_epochs}: the plan has {self.epochs} epochs")
        return self

    @model_validator(mode="before")
    @classmethod
    def _auto(cls, settings: Any) -> Any:
        """Replace "auto" by the most epochs, with a patience unless one is given."""
        if not (isinstance(settings, dict) and str(settings.get("epochs")).lower() == AUTO):
            return settings
        schedule = settings.get("schedule", "constant")
        if schedule != "constant":
            raise ValueError(
                f"epochs = 'auto': the schedule {schedule!r} needs a number of epochs; use a constant one, or give it"
            )
        return {**settings, "epochs": AUTO_EPOCHS, "patience": settings.get("patience") or AUTO_PATIENCE}

    def _identifying(self) -> dict[str, Any]:
        """The settings, with fields that the optimizer does not use at their defaults."""
        used = OPTIMIZERS[self.optimizer].settings
        unused = {name: type(self).model_fields[name].default for name in OF_SOME_OPTIMIZERS if name not in used}
        return {**super()._identifying(), **unused}

    @property
    def static(self) -> tuple[Any, ...]:
        """Values of the fields that are part of the compiled program."""
        return tuple(
            getattr(self, name)
            for name, field in type(self).model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("static")
        )


class DataSpec(Spec):
    """The data: images, labels, and their split.

    Args:
        name: name of a registered data set.
        digest: SHA-256 of its content, set by `seedbed.data.resolve`.
        split_seed: seed of the split into training and validation part; no run's seed changes it.
        protocol: "honest" locks the test part; "handout" uses the official test images as the validation part, as the
            exercise did, and trains on all training images.
        size: height and width to which the images of a folder are resized; None means their most common size (pixels).
        first: number of training images to keep, a stratified sample; None keeps all.
        label_noise: share of training labels replaced by another class, in [0, 1).
        permutation: seed of one fixed permutation of the pixels of all images; None leaves them in place.
        fold: `(k, n)` validates on the k-th (from 0) of n stratified folds of the training and validation images, and trains
            on the others; None uses the one validation part. Only with the honest protocol.
        inner: whether to hold out the validation part too, and draw another one from the training images: for selecting
            settings when the validation part is to stay unused for a later claim.
        normalize: what networks get of the stored values: "unit" divides them by their range, so that black is 0 and white
            is 1; "standard" subtracts each channel's mean over the training images from that, and divides by its standard
            deviation; "none" gives them as they are stored.
    """

    later: ClassVar[Mapping[str, Any]] = {"fold": None, "inner": False, "normalize": "unit"}
    unwritten: ClassVar[tuple[str, ...]] = ("normalize",)

    name: str = "mnist"
    digest: str = ""
    split_seed: Seed = 0
    protocol: AnyCase[Protocol] = "honest"
    size: tuple[Count, Count] | None = None
    first: Count | None = None
    label_noise: Fraction = 0.0
    permutation: Seed | None = None
    fold: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=2)]] | None = None
    inner: bool = False
    normalize: AnyCase[Normalize] = "unit"

    @model_validator(mode="after")
    def _fold_is_there(self) -> Self:
        if self.fold and not self.fold[0] < self.fold[1]:
            raise ValueError(f"fold = {self.fold}: of {self.fold[1]} folds the last is {self.fold[1] - 1}")
        if self.fold and self.protocol != "honest":
            raise ValueError(f"fold = {self.fold}: only the honest protocol has folds")
        if self.fold and self.inner:
            raise ValueError("fold and inner are two ways to choose the validation images; give only one of them")
        return self

    @property
    def images(self) -> Self:
        """The same images and labels with the default normalization: what runs must share to be compared."""
        return self.changed(normalize="unit") if self.normalize != "unit" else self


class RunSpec(Spec):
    """One network trained once. The seed determines the initial weights and the order of the minibatches."""

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
        """Identity without the seed: runs of one setting differ only in their seeds."""
        return self.changed(seed=0).identity

    @property
    def unfolded(self) -> Self:
        """The same on the one validation part."""
        return self.changed(data=self.data.changed(fold=None)) if self.data.fold else self


def to_yaml(spec: Spec) -> str:
    """Write the spec as YAML, with settings in the order of their definition."""
    return yaml.safe_dump(spec.plain(), sort_keys=False, allow_unicode=True)
