"""Canonical JSON (RFC 8785): one text for one value, in Python as in a browser, so that its hash can name it."""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring
from typing import Any

_MAX_SAFE = (1 << 53) - 1  # integers above it are doubles to every JavaScript engine
_MAX_DEPTH = 32


class CanonicalError(ValueError):
    """A value or text that has no canonical JSON; says why."""


def encode(value: Any) -> bytes:
    """Keys sorted, no spaces, UTF-8, numbers as JavaScript prints them. Raises `CanonicalError`."""
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        raise CanonicalError("text holds half of a surrogate pair") from error


def decode(data: bytes) -> Any:
    """The value of canonical JSON. Raises `CanonicalError` unless `data` is exactly what `encode` would write."""
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
        again = encode(value)
    except CanonicalError:
        raise
    except RecursionError as error:
        raise CanonicalError("nested too deep") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both
        raise CanonicalError(f"not JSON: {error}") from error
    if again != data:
        at = next((i for i, (a, b) in enumerate(zip(again, data, strict=False)) if a != b), min(len(again), len(data)))
        raise CanonicalError(f"not canonical JSON: differs at byte {at} (keys sorted, no spaces, plain numbers)")
    return value


def _write(value: Any, parts: list[str], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise CanonicalError(f"nested deeper than {_MAX_DEPTH}")
    match value:
        case None:
            parts.append("null")
        case bool():
            parts.append("true" if value else "false")
        case str():
            parts.append(encode_basestring(value))
        case int() if abs(value) <= _MAX_SAFE:
            parts.append(int.__repr__(value))
        case int():
            raise CanonicalError(f"integer beyond 2^53: {str(value)[:40]}")
        case float():
            parts.append(_number(value))
        case list() | tuple():
            _write_list(value, parts, depth)
        case dict():
            _write_object(value, parts, depth)
        case _:
            raise CanonicalError(f"{type(value).__name__} has no JSON form")


def _write_list(value: list[Any] | tuple[Any, ...], parts: list[str], depth: int) -> None:
    parts.append("[")
    for i, item in enumerate(value):
        if i:
            parts.append(",")
        _write(item, parts, depth + 1)
    parts.append("]")


def _write_object(value: dict[Any, Any], parts: list[str], depth: int) -> None:
    if not all(isinstance(key, str) for key in value):
        raise CanonicalError("an object's keys are text")
    parts.append("{")
    try:
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be"))
    except UnicodeEncodeError as error:
        raise CanonicalError("a key holds half of a surrogate pair") from error
    for i, key in enumerate(ordered):
        parts.append("," + encode_basestring(key) + ":" if i else encode_basestring(key) + ":")
        _write(value[key], parts, depth + 1)
    parts.append("}")


def _number(value: float) -> str:
    """As ECMAScript's Number::toString: shortest digits, plain between 1e-7 and 1e21."""
    if not math.isfinite(value):
        raise CanonicalError(f"{value} has no JSON form")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        padded = digits.ljust(point, "0")
        return sign + padded[:point] + ("." + padded[point:] if len(padded) > point else "")
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise CanonicalError(f"key {key[:60]!r} stands twice")
        found[key] = value
    return found


def _integer(text: str) -> int | float:
    if len(text) > 400:
        raise CanonicalError("a number of more than 400 digits")
    value = int(text)
    return value if abs(value) <= _MAX_SAFE else _float(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise CanonicalError(f"number too large: {text[:40]}")
    return value


def _constant(text: str) -> None:
    raise CanonicalError(f"{text} has no JSON form")
