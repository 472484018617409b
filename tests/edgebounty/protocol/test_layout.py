import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.layout import SECTION, Layout, LayoutError, custom_section
from tests.edgebounty.builders import make_layout

GOOD = make_layout(
    state=[("w", "f32", (4, 2)), ("b", "f32", (2,))],
    shard=[("x", "f64", (3,)), ("rows", "i32", (1,))],
    params=[("learning_rate", "f32", (1,)), ("epochs", "i32", (1,))],
    output=[("dw", "f32", (4, 2)), ("count", "i64", (1,))],
)


def module_with(*sections: tuple[str, bytes]) -> bytes:
    out = b"\0asm\1\0\0\0" + b"\x01\x04\x01\x60\x00\x00"
    for name, content in sections:
        body = bytes([len(name)]) + name.encode() + content
        out += b"\0" + struct.pack("BB", len(body) & 127 | 128, len(body) >> 7) + body
    return out


def changed(where: str, value: Any) -> bytes:
    found = json.loads(GOOD.encode())
    target = found
    *path, last = where.split(".")
    for step in path:
        target = target[int(step)] if isinstance(target, list) else target[step]
    if value is ...:
        del target[last]
    else:
        target[int(last) if isinstance(target, list) else last] = value
    return json.dumps(found).encode()


@pytest.mark.unit
def test_parse__encoded_layout__is_that_layout() -> None:
    assert Layout.parse(GOOD.encode()) == GOOD
    assert Layout.of_module(module_with(("other", b"x"), (SECTION, GOOD.encode()))) == GOOD


@pytest.mark.unit
def test_role_bytes__each_role__is_the_sum_of_its_buffers() -> None:
    assert [GOOD.role_bytes(r) for r in ("state", "shard", "params", "output", "input")] == [40, 28, 8, 40, 0]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("version", 2, "version"),
        ("version", True, "version"),
        ("kind", "lib", "kind"),
        ("kind", "reducer", r"buffers\[\d\].role: a reducer has"),
        ("simd", 1, "simd"),
        ("name", "", "name"),
        ("extra", 1, "'extra' is unknown"),
        ("simd", ..., "'simd' is missing"),
        ("buffers", [], "buffers"),
        ("buffers", {}, "buffers"),
        ("buffers.0", 7, r"buffers\[0\]: an object"),
        ("buffers.0.dtype", "f16", "dtype"),
        ("buffers.0.role", "input", "role"),
        ("buffers.0.shape", [], "shape"),
        ("buffers.0.shape", [0], "shape"),
        ("buffers.0.shape", [True], "shape"),
        ("buffers.0.shape", [1 << 20, 1 << 20], "4 GiB"),
        ("buffers.0.offset", -1, "offset"),
        ("buffers.0.offset", 1.5, "offset"),
        ("buffers.0.name", "b", "same name"),
    ],
)
def test_parse__one_wrong_field__names_it(where: str, value: Any, reason: str) -> None:
    with pytest.raises(LayoutError, match=reason):
        Layout.parse(changed(where, value))


@pytest.mark.unit
def test_parse__no_output__is_refused() -> None:
    with pytest.raises(LayoutError, match="role output"):
        Layout.parse(make_layout(state=[("w", "f32", (1,))]).encode())


@pytest.mark.property
@given(st.binary(max_size=60))
def test_parse__any_bytes__raises_nothing_but_layout_error(data: bytes) -> None:
    for source in (data, module_with((SECTION, data))):
        with pytest.raises(LayoutError):
            Layout.parse(source) if source is data else Layout.of_module(source)


@pytest.mark.property
@given(st.integers(8, 300))
def test_custom_section__module_cut_anywhere__is_refused(length: int) -> None:
    whole = module_with((SECTION, GOOD.encode()))
    with pytest.raises(LayoutError):
        custom_section(whole[: min(length, len(whole) - 1)], SECTION)


@pytest.mark.unit
def test_custom_section__no_module__is_refused() -> None:
    with pytest.raises(LayoutError, match="not a WebAssembly"):
        custom_section(b"ELF", SECTION)
    with pytest.raises(LayoutError, match="no section"):
        custom_section(module_with(), SECTION)


@pytest.mark.unit
def test_pack_params__by_name__are_in_listed_order() -> None:
    assert GOOD.pack_params({"epochs": 3, "learning_rate": 0.5}) == struct.pack("<fi", 0.5, 3)
    assert GOOD.pack_params({"epochs": 3.0, "learning_rate": 1}) == struct.pack("<fi", 1.0, 3)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"epochs": 3}, "learning_rate is missing"),
        ({"epochs": 3, "learning_rate": 1, "beta": 2}, "no parameter beta"),
        ({"epochs": 3.5, "learning_rate": 1}, "epochs: 3.5 is no i32"),
        ({"epochs": 1 << 31, "learning_rate": 1}, "epochs"),
        ({"epochs": 3, "learning_rate": 1e39}, "learning_rate"),
        ({"epochs": float("inf"), "learning_rate": 1}, "epochs"),
    ],
)
def test_pack_params__do_not_fit__says_which(params: dict[str, float], reason: str) -> None:
    with pytest.raises(LayoutError, match=reason):
        GOOD.pack_params(params)
