import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.messages import (
    Domain,
    Hello,
    Signable,
    SignatureError,
    Upload,
    address_of_key,
    is_signed,
    recover,
    sign,
    typed_data,
)
from edgebounty.protocol.types import to_address

KEY = bytes(range(1, 33))
ME = address_of_key(KEY)
DOMAIN = Domain(chain_id=31337, verifying_contract=to_address(b"\x22" * 20))
GATEWAY = "https://market.example"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

uploads = st.integers(0, 2**64 - 1).map(lambda until: Upload(account=ME, gateway=GATEWAY, until=until))
hellos = st.builds(
    lambda text, until: Hello(worker=ME, capabilities=text, until=until),
    st.text(max_size=50),
    st.integers(0, 2**64 - 1),
)


@pytest.mark.property
@settings(deadline=None, max_examples=40)
@given(st.one_of(uploads, hellos))
def test_sign__any_message__is_what_a_wallet_signs(message: Signable) -> None:
    expected = Account.sign_message(encode_typed_data(full_message=typed_data(DOMAIN, message)), KEY)

    signature = sign(DOMAIN, message, KEY)

    assert signature == bytes(expected.signature)
    assert recover(DOMAIN, message, signature) == ME == Account.from_key(KEY).address


@pytest.mark.unit
def test_is_signed__other_chain_contract_message_or_signer__is_false() -> None:
    message = Upload(account=ME, gateway=GATEWAY, until=5)
    signature = sign(DOMAIN, message, KEY)

    assert is_signed(DOMAIN, message, signature)
    assert not is_signed(Domain(chain_id=1, verifying_contract=DOMAIN.verifying_contract), message, signature)
    assert not is_signed(Domain(chain_id=31337, verifying_contract=ME), message, signature)
    assert not is_signed(DOMAIN, Upload(account=ME, gateway=GATEWAY, until=6), signature)
    assert not is_signed(DOMAIN, Upload(account=ME, gateway="https://other.example", until=5), signature)
    assert not is_signed(DOMAIN, Upload(account=DOMAIN.verifying_contract, gateway=GATEWAY, until=5), signature)


@pytest.mark.unit
def test_recover__the_other_s_of_a_signature__is_refused() -> None:
    message = Upload(account=ME, gateway=GATEWAY, until=5)
    good = sign(DOMAIN, message, KEY)
    s = ORDER - int.from_bytes(good[32:64], "big")
    twin = good[:32] + s.to_bytes(32, "big") + bytes([55 - good[64]])

    with pytest.raises(SignatureError, match="upper half"):
        recover(DOMAIN, message, twin)


@pytest.mark.unit
@pytest.mark.parametrize(
    "signature", [b"", bytes(64), bytes(65), bytes(64) + b"\x1b", b"\xff" * 32 + bytes(32) + b"\x1b", bytes(66)]
)
def test_recover__no_signature__is_a_signature_error(signature: bytes) -> None:
    with pytest.raises(SignatureError):
        recover(DOMAIN, Upload(account=ME, gateway=GATEWAY, until=5), signature)


@pytest.mark.unit
def test_signing__until_beyond_64_bits__is_refused() -> None:
    with pytest.raises(ValueError, match="2\\^64"):
        sign(DOMAIN, Upload(account=ME, gateway=GATEWAY, until=1 << 64), KEY)
