"""Numbers and names of the binary format: right when they are right, refused when they are not."""

import pytest

from edgebounty.programs import leb
from edgebounty.programs.errors import ProgramRejected

pytestmark = pytest.mark.unit

EDGES = [0, 1, 63, 64, 127, 128, 8191, 8192, 2**31 - 1]


@pytest.mark.parametrize("value", [*EDGES, 2**32 - 1])
def test_unsigned__encoded_number__is_read_back(value):
    raw = b"\xaa" + leb.encode_unsigned(value) + b"\xbb"

    assert leb.unsigned(raw, 1) == (value, len(raw) - 1)


@pytest.mark.parametrize("value", [*EDGES, *(-edge for edge in EDGES), -(2**31)])
def test_signed__encoded_number__is_read_back(value):
    raw = b"\xaa" + leb.encode_signed(value) + b"\xbb"

    assert leb.signed(raw, 1, 32) == (value, len(raw) - 1)


@pytest.mark.parametrize("raw", [b"", b"\x80", b"\x80\x80\x80\x80\x80\x00", leb.encode_unsigned(2**32)])
def test_unsigned__cut_off_or_too_large__is_refused(raw):
    with pytest.raises(ProgramRejected, match="number at byte 0"):
        leb.unsigned(raw, 0)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**40])
def test_signed__too_large__is_refused(value):
    with pytest.raises(ProgramRejected, match="number at byte 0"):
        leb.signed(leb.encode_signed(value), 0, 32)


def test_take__more_than_there_is__is_refused():
    assert leb.take(b"abcd", 1, 3) == (b"bcd", 4)
    with pytest.raises(ProgramRejected, match="only 3 are left"):
        leb.take(b"abcd", 1, 4)


def test_byte_at__behind_the_end__is_refused():
    with pytest.raises(ProgramRejected, match="cut off"):
        leb.byte_at(b"ab", 2)


def test_name_at__no_text__is_refused():
    assert leb.name_at(leb.encode_name("größe"), 0) == ("größe", 8)
    with pytest.raises(ProgramRejected, match="UTF-8"):
        leb.name_at(b"\x02\xff\xfe", 0)
