"""Base of all specs: frozen, validated, hashable; the types of their fields, and errors of one line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticKnownError, core_schema

from seedbed.errors import SpecError, nearest
from seedbed.kinds import Registry

WordT = TypeVar("WordT")
AnyCase = Annotated[WordT, BeforeValidator(lambda word: word.lower() if isinstance(word, str) else word)]
"""A word that users may write with capitals."""


Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _listed_once(value: object) -> object:
    """A number alone as the only one of its list."""
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else value


Counts = Annotated[tuple[Count, ...], BeforeValidator(_listed_once)]


def _listed(value: Any) -> Any:
    """The value with lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value


def _without_parents(path: str) -> str:
    if ".." in re.split(r"[/\\]", path) or not path.isprintable():
        raise ValueError("the path of a network's file must not lead up from its folder")
    return path


Arguments = Annotated[dict[str, JsonValue], BeforeValidator(_listed)]
FilePath = Annotated[str, AfterValidator(_without_parents)]


@dataclass(frozen=True)
class NameIn:
    """Mark a field as the name of a record in a registry."""

    registry: Registry[Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._checked, serialization=core_schema.to_string_ser_schema())

    def _checked(self, name: object) -> str:
        if isinstance(name, str) and (known := self.registry.canonical(name)):
            return known
        raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, self.registry))})


class Spec(BaseModel):
    """Base of all specs: frozen, without unknown settings, with one-line errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    later: ClassVar[Mapping[str, Any]] = {}
    """Fields added after the first runs, with the value that those had: at this value a field is not part of the identity."""

    unwritten: ClassVar[tuple[str, ...]] = ()
    """Later fields that `written` leaves out at their defaults, so that what it is compared with or hashed into stays."""

    @model_validator(mode="before")
    @classmethod
    def _written_before(cls, settings: Any) -> Any:
        """Fill in the values of later fields if all others are given: an older seedbed wrote these settings."""
        if not isinstance(settings, dict):
            return settings
        given = set(settings)
        return {**cls.later, **settings} if cls.later and given | cls.later.keys() == cls.model_fields.keys() else settings

    def __init__(self, /, *unnamed: Any, **settings: Any) -> None:
        if unnamed:
            raise SpecError(_without_names(type(self), unnamed))
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise SpecError(_one_line(type(self), error.errors()[0])) from None

    def changed(self, **settings: Any) -> Self:
        """Copy the spec with some settings replaced; they are validated."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **settings})

    def plain(self) -> dict[str, Any]:
        """Settings as plain JSON values."""
        return self.model_dump(mode="json")

    @property
    def altered(self) -> dict[str, Any]:
        """The settings that do not have their default values."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if value != type(self).model_fields[name].default}

    def written(self) -> dict[str, Any]:
        """Settings as plain JSON values for files that older versions wrote too."""
        default = {name: type(self).model_fields[name].default for name in self.unwritten}
        omitted = {name for name, value in default.items() if getattr(self, name) == value}
        return {name: value for name, value in self.plain().items() if name not in omitted}

    @cached_property
    def identity(self) -> str:
        """Hash of all settings that determine the result, 16 hexadecimal digits; equal specs have equal identities."""
        text = json.dumps(self._identifying(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _identifying(self) -> dict[str, Any]:
        omitted = {name for name, before in self.later.items() if getattr(self, name) == before}
        return {name: value for name, value in self.plain().items() if name not in omitted}


def _without_names(spec: type[BaseModel], values: Sequence[Any]) -> str:
    """The rule that settings are given by name, with these values as the example.

    >>> class Size(Spec):
    ...     height: int
    >>> _without_names(Size, [8])
    'Size takes its settings by name: Size(height=8).'
    """
    names = [name for name in spec.model_fields if name != "family"]
    example = ", ".join(f"{name}={value!r}" for name, value in zip(names, values, strict=False))
    return f"{spec.__name__} takes its settings by name: {spec.__name__}({example})."


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
