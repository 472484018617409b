"""Reads and writes the small pieces of the WebAssembly binary format: LEB128 numbers, names, runs of bytes.

Whatever is cut off or out of range raises `ProgramRejected`, nothing else: the bytes may be hostile.
"""

from edgebounty.programs.errors import ProgramRejected


def unsigned(data: bytes, at: int, bits: int = 32) -> tuple[int, int]:
    """An unsigned LEB128 number and the position after it."""
    value = shift = 0
    start = at
    while True:
        if at >= len(data) or shift >= bits:
            raise ProgramRejected("malformed", f"number at byte {start} is cut off or longer than {bits} bits")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if value >> bits:
        raise ProgramRejected("malformed", f"number at byte {start} does not fit {bits} bits")
    return value, at


def signed(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """A signed LEB128 number and the position after it."""
    value = shift = 0
    start = at
    while True:
        if at >= len(data) or shift >= bits:
            raise ProgramRejected("malformed", f"number at byte {start} is cut off or longer than {bits} bits")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if byte & 0x40:
        value -= 1 << shift
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ProgramRejected("malformed", f"number at byte {start} does not fit {bits} bits")
    return value, at


def encode_unsigned(value: int) -> bytes:
    """The shortest unsigned LEB128 form."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if not value:
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def encode_signed(value: int) -> bytes:
    """The shortest signed LEB128 form."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def take(data: bytes, at: int, count: int) -> tuple[bytes, int]:
    """`count` bytes and the position after them."""
    end = at + count
    if end > len(data):
        raise ProgramRejected("malformed", f"{count} bytes wanted at byte {at}, only {len(data) - at} are left")
    return data[at:end], end


def byte_at(data: bytes, at: int) -> int:
    if at >= len(data):
        raise ProgramRejected("malformed", f"cut off at byte {at}")
    return data[at]


def name_at(data: bytes, at: int) -> tuple[str, int]:
    length, at = unsigned(data, at)
    raw, at = take(data, at, length)
    try:
        return raw.decode("utf-8"), at
    except UnicodeDecodeError as error:
        raise ProgramRejected("malformed", f"a name before byte {at} is not UTF-8") from error


def encode_name(name: str) -> bytes:
    raw = name.encode("utf-8")
    return encode_unsigned(len(raw)) + raw
