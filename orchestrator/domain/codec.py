"""Frozen values to canonical JSON text and back: what the database holds and what the state digest is made of."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

_T = TypeVar("_T")


def to_plain(value: object) -> Any:
    """`value` as JSON types: bytes become 0x-text, tuples lists, dataclasses objects."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _fields(type(value))}
    raise TypeError(f"no JSON form for {type(value).__name__}")


def encode(value: object) -> str:
    """Canonical text: sorted keys, no spaces. Equal values give equal text."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def decode(kind: type[_T], text: str) -> _T:
    """The value that `encode` was given. Raises `ValueError` or `KeyError` for text of another kind."""
    return typing.cast(_T, _reader(typing.cast(typing.Hashable, kind))(json.loads(text)))


def row_hash(key: object, entity: object) -> int:
    """256 bits naming one row of the state."""
    text = f"{type(entity).__name__}|{encode(key)}|{encode(entity)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


@functools.cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@functools.cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """A function that turns plain JSON into the hinted type."""
    if hasattr(hint, "__supertype__"):
        return _reader(hint.__supertype__)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _reader(arguments[0])
        return lambda plain: tuple(item(each) for each in plain)
    if origin is tuple:
        items = [_reader(argument) for argument in arguments]
        return lambda plain: tuple(read(each) for read, each in zip(items, plain, strict=True))
    if origin in (typing.Union, types.UnionType):
        (inner,) = (_reader(argument) for argument in arguments if argument is not type(None))
        return lambda plain: None if plain is None else inner(plain)
    if hint is bytes:
        return lambda plain: bytes.fromhex(plain[2:])
    if dataclasses.is_dataclass(hint):
        return _dataclass_reader(typing.cast(type, hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return lambda plain: plain


def _dataclass_reader(kind: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    readers = [(name, _reader(hints[name])) for name in _fields(kind)]
    given = {field.name for field in dataclasses.fields(kind) if _has_default(field)}

    def read_fields(plain: Any) -> Any:
        # A field with a default may have come after the text was written.
        return kind(**{name: read(plain[name]) for name, read in readers if name in plain or name not in given})

    return read_fields


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
