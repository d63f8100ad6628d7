"""Dataclasses as JSON and back, for values that are kept whole and read whole.

What a reader does not know is dropped, what it misses takes the field's default: a field that is added later
needs one, so that an older Edgewise's rows stay readable. A value that is not of its field's type counts as
missing; one in a tuple is left out. Types are those that the domain uses: numbers, text, enumerations of
text, dataclasses, tuples of one type, dictionaries of text, and any of these or None.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Misfit(Exception):
    """What is there cannot be such a value, and nothing stands in for it."""


def to_json(value: object) -> str:
    """A dataclass as one line of JSON. Floats that are no number become null: JSON has none such."""
    plain = asdict(value, dict_factory=_finite)  # type: ignore[call-overload]  # a dataclass, not its type
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(kind: type[T], text: str) -> T:
    """The inverse of `to_json`. Raises Misfit."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Misfit(str(error)) from error
    made: T = _value(kind, plain)
    return made


def _finite(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in items
    }


def _value(kind: Any, plain: object) -> Any:
    """`plain` as a `kind`."""
    origin = get_origin(kind)
    if origin in (UnionType, Union):
        return _one_of(get_args(kind), plain)
    if origin is tuple:
        return _tuple_of(get_args(kind)[0], plain)
    if origin is dict:
        if isinstance(plain, dict):
            return {key: value for key, value in plain.items() if isinstance(value, str)}
        raise Misfit
    if is_dataclass(kind):
        return _dataclass(kind, plain)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(plain)
        except ValueError as error:
            raise Misfit from error
    if kind is float and isinstance(plain, int | float) and not isinstance(plain, bool):
        return float(plain)
    if kind in (bool, int, str, NoneType) and type(plain) is kind:
        return plain
    raise Misfit(f"{plain!r:.80} is no {kind}")


def _one_of(kinds: tuple[Any, ...], plain: object) -> Any:
    for kind in kinds:
        try:
            return _value(kind, plain)
        except Misfit:
            continue
    if NoneType in kinds:
        return None
    raise Misfit


def _tuple_of(kind: Any, plain: object) -> tuple[Any, ...]:
    if not isinstance(plain, list):
        raise Misfit
    kept = []
    for element in plain:
        try:
            kept.append(_value(kind, element))
        except Misfit:
            continue
    return tuple(kept)


def _dataclass(kind: Any, plain: object) -> Any:
    if not isinstance(plain, dict):
        raise Misfit
    given = {}
    for field, field_kind in _fields(kind):
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        if field.name in plain or not has_default:
            try:
                given[field.name] = _value(field_kind, plain.get(field.name, MISSING))
            except Misfit:
                if not has_default:
                    raise
    return kind(**given)


@cache
def _fields(kind: type) -> tuple[tuple[Field[Any], Any], ...]:
    kinds = get_type_hints(kind)
    return tuple((field, kinds[field.name]) for field in fields(kind) if field.init)
