"""The fields of the specs that settings can vary, and specs with other values in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from seedbed import data
from seedbed.errors import SpecError, nearest
from seedbed.kinds import Registry
from seedbed.specs import FAMILIES, Conv, DataSpec, Keras, ModelSpec, NameIn, Plan, RunSpec, Spec

Value = bool | int | float | str | tuple[int, ...] | None
Setting = dict[str, Value]
"""The fields of one setting of a sweep -> their values, in the order of the specs."""

Part = Literal["model", "plan", "data"]

ARGUMENT = "arg."
"""What stands before a setting of the user's own function: `arg.width`."""

PER_CONVOLUTION = ("kernel", "stride", "pool")
NO_VALUE = ("none", "all")
"""How a text says that a field that can do without a value has none: all images, no permutation."""

OF_OWN_FILES = ("arguments", "digest")
"""What no sweep varies as such: settings of the user's own function are `arg.NAME`, and the digest follows from the file."""

SWITCHED = Registry("family", *(spec for spec in FAMILIES.records() if spec is not Keras), name=FAMILIES.name)
"""The families between which a sweep can switch: those made from settings alone."""

OTHER_NAMES = {"lr": "learning_rate", "name": "data"}


class _Family(Spec):
    """Which of seedbed's own families; as a spec, so that its errors read as those of other fields."""

    family: Annotated[str, NameIn(SWITCHED)]


@dataclass(frozen=True)
class Field:
    """A field of the specs that a sweep can vary.

    Attributes:
        name: as users and records call it.
        part: the spec of a run that it belongs to.
        spec: that defines it; None for a setting of the user's own function, which may be anything plain.
        attribute: its name there.
    """

    name: str
    part: Part
    spec: type[Spec] | None
    attribute: str

    @property
    def several(self) -> bool:
        """Whether one value is itself a list of numbers, as hidden layers are."""
        return self.name in ("hidden", "filters", *PER_CONVOLUTION)

    @property
    def can_be_none(self) -> bool:
        return type(None) in get_args(self._annotation)

    @property
    def is_word(self) -> bool:
        """Whether the value is one of a few words."""
        marks = self.spec.model_fields[self.attribute].metadata if self.spec else ()
        return get_origin(self._annotation) is Literal or any(isinstance(mark, NameIn) for mark in marks)

    @property
    def is_switch(self) -> bool:
        """Whether the value is true or false."""
        return self._annotation is bool

    @property
    def least(self) -> float | None:
        """The smallest number that the rules allow, or None."""
        rules = self.spec.model_fields[self.attribute].metadata if self.spec else ()
        return 1 if self.several else next((rule.ge for rule in rules if hasattr(rule, "ge")), None)

    @property
    def _annotation(self) -> Any:
        return self.spec.model_fields[self.attribute].annotation if self.spec else None

    def checked(self, value: object) -> Value:
        """The value as the specs hold it; a text is read as `--set` gives it.

        Raises:
            SpecError: it breaks a rule of the field.
        """
        if self.spec is None:
            if isinstance(value, bool | int | float | str):
                return value
            raise SpecError(f"{self.name} = {value!r}: it must be a number, a word, true or false.")
        if isinstance(value, bool) and not self.is_switch:
            raise SpecError(f"{self.name} = {value!r}: it is not a matter of true or false.")
        read = self._read(value)
        found: Value = getattr(self.spec(**{**self._company(read), self.attribute: read}), self.attribute)
        return data.named(str(found)) if self.name == "data" else found

    def _company(self, value: object) -> dict[str, Any]:
        """The further fields without which the spec would not be valid."""
        if self.name in PER_CONVOLUTION and isinstance(value, tuple | list):
            return {"filters": (1,) * max(1, len(value))}
        return {"file": "", "function": ""} if self.spec is Keras else {}

    def _read(self, value: object) -> object:
        if self.several and isinstance(value, int):
            return (value,)
        if not isinstance(value, str):
            return value
        if self.can_be_none and value in NO_VALUE:
            return None
        if self.name == "size":
            height, _, width = value.partition("x")
            return height, width or height
        if self.several:
            return () if value == "none" else tuple(value.split(","))
        return value


def _all_fields() -> dict[str, Field]:
    found = [Field("family", "model", _Family, "family")]
    specs: list[type[ModelSpec]] = [Conv, *FAMILIES.records()]  # fields that families share are in Conv's order
    for spec in specs:
        found += [Field(name, "model", spec, name) for name in spec.model_fields if name not in ("family", *OF_OWN_FILES)]
    found += [Field(name, "plan", Plan, name) for name in Plan.model_fields]
    found += [Field("data", "data", DataSpec, "name")]
    found += [Field(name, "data", DataSpec, name) for name in DataSpec.model_fields if name not in ("name", "digest", "fold")]
    fields: dict[str, Field] = {}
    for field in found:
        fields.setdefault(field.name, field)
    return fields


FIELDS = _all_fields()
"""Every field by its name, in the order of the specs; `arg.NAME` is accepted too."""


def field(name: str) -> Field:
    """The field of this name; dashes may stand for underscores, and `lr` for `learning_rate`.

    Raises:
        SpecError: there is none; offers the nearest.
    """
    if name.startswith(ARGUMENT) and name.removeprefix(ARGUMENT).isidentifier():
        return Field(name, "model", None, name.removeprefix(ARGUMENT))
    plain = name.replace("-", "_")
    plain = OTHER_NAMES.get(plain, plain)
    if plain in ("seed", "seeds"):
        raise SpecError(
            "Seeds are not a field of the grid: every setting is trained with the same ones; say how many by `seeds`."
        )
    if plain not in FIELDS:
        raise SpecError(
            f"No field is named {name!r}.{nearest(plain, [*FIELDS, 'lr'])} A sweep can vary: {', '.join(FIELDS)}, arg.NAME."
        )
    return FIELDS[plain]


def applied(base: RunSpec, setting: Setting) -> RunSpec:
    """The base with a setting's fields.

    Raises:
        SpecError: a field does not go with the base's network, or values do not go with each other.
    """
    changes: dict[Part, dict[str, Any]] = {"model": {}, "plan": {}, "data": {}}
    arguments: dict[str, Any] = {}
    for name, value in setting.items():
        known = field(name)
        (arguments if known.spec is None else changes[known.part])[known.attribute] = value
    data_spec = base.data
    if changes["data"].keys() & {"name", "size"}:
        data_spec = data_spec.changed(digest="")
    return base.changed(
        model=_model(base.model, changes["model"], arguments),
        plan=base.plan.changed(**changes["plan"]),
        data=data_spec.changed(**changes["data"]),
    )


def _model(base: ModelSpec, changes: Mapping[str, Any], arguments: Mapping[str, Any]) -> ModelSpec:
    if isinstance(base, Keras):
        return _own(base, changes, arguments)
    wanted = changes.get("family", base.family)
    if arguments or changes.keys() & {"file", "function"}:
        raise SpecError(
            "Settings arg.NAME, file and function are those of a network of your own: give one by --model FILE.py:FUNCTION."
        )
    family = FAMILIES[wanted]
    alien = [name for name in changes if name not in family.model_fields]
    if alien:
        raise SpecError(f"{alien[0]} belongs to a convolutional network, and a dense one is to be trained; say -c.")
    asked = {**_said(base, family), **changes}
    asked.pop("family", None)
    return family(**asked)


def _said(base: ModelSpec, family: type[Spec]) -> dict[str, Any]:
    """What was said of the base and means something to the family; one kernel for all convolutions stays one for all."""
    said = {name: getattr(base, name) for name in base.model_fields_set & family.model_fields.keys()}
    for name in said.keys() & set(PER_CONVOLUTION):
        if len(set(said[name])) == 1:
            said[name] = said[name][:1]
    return said


def _own(base: Keras, changes: Mapping[str, Any], arguments: Mapping[str, Any]) -> Keras:
    """The user's own network, its file read again, so that its text belongs to the identity."""
    alien = changes.keys() - {"file", "function"}
    if alien:
        raise SpecError(
            f"{sorted(alien)[0]} belongs to seedbed's own networks; a function of yours gets its settings as arg.NAME."
        )
    named = base.changed(**changes)
    return Keras.of(f"{named.file}:{named.function}", **{**named.arguments, **arguments})
