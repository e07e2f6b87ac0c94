"""The fields of the specs that settings can vary, and specs with other values in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, get_args, get_origin

from seedbed import data
from seedbed.errors import SpecError, nearest
from seedbed.kinds import Registry
from seedbed.specs import AUTO, FAMILIES, Conv, DataSpec, Keras, ModelSpec, Plan, RunSpec
from seedbed.validation import NameIn, Spec

Value = bool | int | float | str | tuple[Any, ...] | None
Setting = dict[str, Value]
"""Field -> value of one setting of a sweep, in the order of the specs."""

SpecPart = Literal["model", "plan", "data"]

ARGUMENT = "arg."
"""Prefix of a setting of the user's own function: `arg.width`."""

PER_CONVOLUTION = ("kernel", "stride", "pool")
NO_VALUE = ("none", "all")
"""Texts for no value, in fields that may have none: all images, no permutation."""

OF_OWN_FILES = ("arguments", "digest", "files")
"""Fields that no sweep varies: settings of the user's own function are `arg.NAME`, and the digests follow from the file."""

SWITCHED = Registry("family", *(spec for spec in FAMILIES.records() if spec is not Keras), name=FAMILIES.name)
"""Families between which a sweep can switch: those made from settings alone."""

OTHER_NAMES = {"lr": "learning_rate", "name": "data"}


class _FamilySpec(Spec):
    """A family of seedbed's own; a spec, so that its errors read as those of other fields."""

    family: Annotated[str, NameIn(SWITCHED)]


@dataclass(frozen=True)
class Field:
    """A field of the specs that a sweep can vary.

    Attributes:
        name: name for users and in records.
        part: part of a run's spec that it belongs to.
        spec: spec that defines it. None means a setting of the user's own function, which may be any plain value.
        attribute: name of the attribute there.
    """

    name: str
    part: SpecPart
    spec: type[Spec] | None
    attribute: str

    @property
    def several(self) -> bool:
        """Whether a value is itself a list of numbers, as hidden layers are."""
        return self.name in ("hidden", "filters", *PER_CONVOLUTION)

    @cached_property
    def is_word(self) -> bool:
        """Whether the value is one of a few words."""
        marks = self.spec.model_fields[self.attribute].metadata if self.spec else ()
        return get_origin(self._annotation) is Literal or any(isinstance(mark, NameIn) for mark in marks)

    @property
    def least(self) -> float | None:
        """The smallest number that the rules allow, or None."""
        rules = self.spec.model_fields[self.attribute].metadata if self.spec else ()
        return 1 if self.several else next((rule.ge for rule in rules if hasattr(rule, "ge")), None)

    @property
    def _annotation(self) -> Any:
        return self.spec.model_fields[self.attribute].annotation if self.spec else None

    def checked(self, value: object) -> Value:
        """Return the value as the specs hold it; a text is read as `--set` gives it.

        Raises:
            SpecError: the value breaks a rule of the field.
        """
        if self.spec is None:
            if value is None or isinstance(value, bool | int | float | str):
                return value
            if isinstance(value, list | tuple):
                return tuple(self.checked(part) for part in value)
            raise SpecError(f"{self.name} = {value!r}: it must be a number, a word, true, false, null, or a list of these.")
        if self.name == "epochs" and str(value).lower() == AUTO:
            return AUTO
        if isinstance(value, bool) and self._annotation is not bool:
            raise SpecError(f"{self.name} = {value!r}: it must not be true or false.")
        read = self._read(value)
        checked: Value = getattr(self.spec(**{**self._company(read), self.attribute: read}), self.attribute)
        return data.named(str(checked)) if self.name == "data" else checked

    def _company(self, value: object) -> dict[str, Any]:
        """Return the further fields without which the spec would not be valid."""
        if self.name in PER_CONVOLUTION and isinstance(value, tuple | list):
            return {"filters": (1,) * max(1, len(value))}
        return {"file": "", "function": ""} if self.spec is Keras else {}

    def _read(self, value: object) -> object:
        if self.several and isinstance(value, int):
            return (value,)
        if not isinstance(value, str):
            return value
        if value in NO_VALUE and type(None) in get_args(self._annotation):
            return None
        if self.name == "size":
            height, _, width = value.partition("x")
            return height, width or height
        if self.several:
            return () if value == "none" else tuple(value.split(","))
        return value


def _all_fields() -> dict[str, Field]:
    fields = {"family": Field("family", "model", _FamilySpec, "family")}
    models: list[type[ModelSpec]] = [Conv, *FAMILIES.records()]  # fields that families share are in Conv's order
    parts: list[tuple[SpecPart, type[Spec], tuple[str, ...]]] = [
        *(("model", spec, ("family", *OF_OWN_FILES)) for spec in models),
        ("plan", Plan, ()),
        ("data", DataSpec, ("digest", "fold")),
    ]
    for part, spec, left_out in parts:
        for attribute in spec.model_fields:
            name = "data" if (part, attribute) == ("data", "name") else attribute
            if attribute not in left_out:
                fields.setdefault(name, Field(name, part, spec, attribute))
    return fields


FIELDS = _all_fields()
"""Every field by its name, in the order of the specs; `arg.NAME` is accepted too."""


def field(name: str) -> Field:
    """Return the field of this name; dashes may replace underscores, and `lr` `learning_rate`.

    Raises:
        SpecError: no field has this name; the message offers the nearest.
    """
    if name.startswith(ARGUMENT) and name.removeprefix(ARGUMENT).isidentifier():
        return Field(name, "model", None, name.removeprefix(ARGUMENT))
    plain = name.replace("-", "_")
    plain = OTHER_NAMES.get(plain, plain)
    if plain in ("seed", "seeds"):
        raise SpecError(
            "Seeds are not a field of the grid: every setting is trained with the same ones; give their number by `seeds`."
        )
    if plain not in FIELDS:
        raise SpecError(
            f"No field is named {name!r}.{nearest(plain, [*FIELDS, 'lr'])} A sweep can vary: {', '.join(FIELDS)}, arg.NAME."
        )
    return FIELDS[plain]


def values_of(run: RunSpec) -> Setting:
    """Return every field of a run's specs with its value, in the order of `FIELDS`; then the settings of a user's function."""
    values: Setting = {}
    for name, known in FIELDS.items():
        spec = getattr(run, known.part)
        if known.attribute in type(spec).model_fields:
            values[name] = getattr(spec, known.attribute)
    arguments = run.model.arguments if isinstance(run.model, Keras) else {}
    return values | {f"{ARGUMENT}{name}": _hashable(value) for name, value in sorted(arguments.items())}


def varying_fields(runs: Iterable[RunSpec]) -> tuple[str, ...]:
    """Return the fields in which runs differ, in the order of `values_of`."""
    values = list(map(values_of, runs))
    names = dict.fromkeys(name for each in values for name in each)
    return tuple(name for name in names if len({str(each.get(name)) for each in values}) > 1)


def setting_of(run: RunSpec, names: Iterable[str]) -> Setting:
    """Return some fields of a run with their values; None for what its family does not have."""
    values = values_of(run)
    return {name: values.get(name) for name in names}


def _hashable(value: object) -> Value:
    """A setting of a user's function as a grid has it: lists as tuples, mappings as text."""
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def in_order(name: str, values: Iterable[Value]) -> list[Value]:
    """Sort a field's values: its default first, then numbers ascending, words by their letters, and none last."""
    known = field(name)
    default = known.spec.model_fields[known.attribute].default if known.spec else None

    def key(value: Value) -> tuple[bool, bool, bool, Any, str]:
        number = isinstance(value, int | float | tuple)
        return (
            value != default,
            value is None,
            not number,
            value if isinstance(value, tuple) else (value,) if number else (),
            str(value),
        )

    return sorted(dict.fromkeys(values), key=key)


def applied(base: RunSpec, setting: Setting) -> RunSpec:
    """Return the base with a setting's fields.

    Raises:
        SpecError: a field does not belong to the base's network, or values exclude each other.
    """
    changes: dict[SpecPart, dict[str, Any]] = {"model": {}, "plan": {}, "data": {}}
    arguments: dict[str, Any] = {}
    for name, value in setting.items():
        known = field(name)
        (arguments if known.spec is None else changes[known.part])[known.attribute] = value
    if changes["data"].keys() & {"name", "size"}:
        changes["data"]["digest"] = ""
    return base.changed(
        model=_model(base.model, changes["model"], arguments),
        plan=base.plan.changed(**changes["plan"]),
        data=base.data.changed(**changes["data"]),
    )


def _model(base: ModelSpec, changes: Mapping[str, Any], arguments: Mapping[str, Any]) -> ModelSpec:
    if isinstance(base, Keras):
        return _own(base, changes, arguments)
    if arguments or changes.keys() & {"file", "function", "start"}:
        own = "those of a network of your own: give one by --model FILE.py:FUNCTION"
        raise SpecError(f"Settings arg.NAME, file, function and start are {own}.")
    family = FAMILIES[changes.get("family", base.family)]
    for name in changes:
        if name not in family.model_fields:
            raise SpecError(f"{name} belongs to a convolutional network, and a dense one is to be trained; give -c.")
    settings = {name: getattr(base, name) for name in base.model_fields_set & family.model_fields.keys()}
    for name in settings.keys() & set(PER_CONVOLUTION):
        if len(set(settings[name])) == 1:
            settings[name] = settings[name][:1]  # one kernel for all convolutions stays one for all
    settings |= changes
    settings.pop("family", None)
    return family(**settings)


def _own(base: Keras, changes: Mapping[str, Any], arguments: Mapping[str, Any]) -> Keras:
    """Return the user's own network, its file read again, so that its text belongs to the identity."""
    for name in sorted(changes.keys() - {"file", "function", "start"}):
        raise SpecError(f"{name} belongs to seedbed's own networks; a function of yours gets its settings as arg.NAME.")
    return base.again(**changes, arguments={**base.arguments, **arguments})
