import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.types import address_bytes, to_address, to_digest


@pytest.mark.property
@given(st.binary(min_size=20, max_size=20))
def test_to_address__any_bytes__has_the_eip55_checksum_and_reads_back(raw: bytes) -> None:
    assert to_address(raw) == to_checksum_address("0x" + raw.hex())
    assert address_bytes(to_address(raw)) == raw
    assert to_address("0x" + raw.hex()) == to_address(raw)


@pytest.mark.unit
def test_to_address__mistyped_digit__is_refused_for_its_checksum() -> None:
    with pytest.raises(ValueError, match="checksum"):
        to_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee")  # EIP-55's first example with its last digit changed


@pytest.mark.unit
@pytest.mark.parametrize("text", ["", "0x", "0x12", "00" * 20, "0x" + "g" * 40, "0x" + "0" * 41, " 0x" + "0" * 40])
def test_to_address__no_address__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        to_address(text)


@pytest.mark.unit
def test_to_digest__wrong_length__is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        to_digest(bytes(31))
