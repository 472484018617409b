import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.canonical import CanonicalError, decode, encode

numbers = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.floats(allow_nan=False, allow_infinity=False))
plain_text = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, plain_text),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(plain_text, inner, max_size=4)),
    max_leaves=20,
)


@pytest.mark.property
@given(values)
def test_decode__what_encode_wrote__is_the_value_again(value: object) -> None:
    text = encode(value)

    assert decode(text) == value
    assert json.loads(text, parse_int=float) == value  # every reader that knows doubles agrees
    assert encode(decode(text)) == text


@pytest.mark.property
@given(st.one_of(st.binary(max_size=60), values.map(lambda v: json.dumps(v, indent=1).encode())))
def test_decode__any_bytes__is_canonical_or_refused(data: bytes) -> None:
    try:
        value = decode(data)
    except CanonicalError:
        return
    assert encode(value) == data


# RFC 8785, appendix B, and the borders of ECMAScript's Number::toString
@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-5e-324, "-5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (1e21, "1e+21"),
        (999999999999999900000.0, "999999999999999900000"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"),
        (333333333.3333332, "333333333.3333332"),
        (1.0, "1"),
        (-0.05, "-0.05"),
        (4.35, "4.35"),
    ],
)
def test_encode__numbers__are_as_javascript_prints_them(value: float, text: str) -> None:
    assert encode(value).decode() == text


@pytest.mark.unit
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b'{"a":1,"a":2}', "stands twice"),
        (b'{"a": 1}', "not canonical"),
        (b'{"b":1,"a":2}', "not canonical JSON: differs at byte 2"),
        (b"1.0", "not canonical"),
        (b"-0", "not canonical"),
        (b"1e5", "not canonical"),
        (b"9007199254740993", "not canonical"),
        (b"NaN", "no JSON form"),
        (b"-Infinity", "no JSON form"),
        (b"1e999", "too large"),
        (b"1" * 300 + b"0" * 50, "too large"),
        (b"1" * 5000, "400 digits"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\ud800":1}', "surrogate"),
        (b"\xff", "not JSON"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b"[" * 100_000, "deep"),
        (b"[" * 40 + b"]" * 40, "deep"),
        (b'"\\u0041"', "not canonical"),
        (b"1 ", "not canonical"),
    ],
)
def test_decode__hostile_or_loose_text__says_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(CanonicalError, match=reason):
        decode(data)


@pytest.mark.unit
@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, {1: 2}, {"a": b"x"}, object(), {"x": {1, 2}}])
def test_encode__value_without_json_form__is_refused(value: object) -> None:
    with pytest.raises(CanonicalError):
        encode(value)


@pytest.mark.unit
def test_encode__keys__are_sorted_by_utf16_units() -> None:
    # U+1F600 is D83D DE00 in UTF-16, so it stands before U+FB33 although its code point is larger
    assert encode({"\ufb33": 1, "\U0001f600": 2, "a": 3}).decode() == '{"a":3,"\U0001f600":2,"\ufb33":1}'
