import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.cid import DAG_PB, RAW, Cid, CidError, raw_cid
from edgebounty.protocol.types import Digest

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"  # as every IPFS implementation has it


@pytest.mark.unit
def test_cid__of_nothing__is_the_known_text() -> None:
    assert str(Cid.of(b"")) == EMPTY
    assert Cid.parse(EMPTY).matches(b"")
    assert not Cid.parse(EMPTY).matches(b"x")


@pytest.mark.property
@given(st.sampled_from([RAW, DAG_PB]), st.binary(min_size=32, max_size=32))
def test_cid__any_digest__reads_back_from_text_and_bytes(codec: int, digest: bytes) -> None:
    cid = Cid(codec, Digest(digest))

    assert Cid.parse(str(cid)) == cid
    assert Cid.from_bytes(bytes(cid)) == cid
    assert hash(Cid.parse(str(cid))) == hash(cid)


@pytest.mark.property
@given(st.one_of(st.text(max_size=70), st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=59, max_size=59)))
def test_parse__any_text__is_a_cid_of_that_text_or_a_cid_error(text: str) -> None:
    try:
        cid = Cid.parse(text)
    except CidError:
        return
    assert str(cid) == text


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "CIDv0"),
        (EMPTY.upper(), "base32"),
        (EMPTY + "\n", "58 more"),
        (EMPTY[:-1] + "v", "canonical"),  # the last letter's spare bits are not zero
        (EMPTY[:-1] + "1", "base32"),
        ("bafyaa" + EMPTY[6:], "CIDv1 with SHA-256"),
        ("b" + "é" * 58, "base32"),
    ],
)
def test_parse__malformed__says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(CidError, match=reason):
        Cid.parse(text)


@pytest.mark.unit
def test_cid__other_codec_or_length__is_refused() -> None:
    with pytest.raises(CidError, match="codec 0x71"):
        Cid(0x71, Digest(bytes(32)))
    with pytest.raises(CidError, match="32 bytes"):
        Cid(RAW, Digest(bytes(20)))
    with pytest.raises(ValueError, match="32 bytes"):
        raw_cid(b"short")
