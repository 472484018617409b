import eth_abi
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.commitment import commitment, new_salt
from edgebounty.protocol.hashing import abi_word, abi_words, keccak256
from edgebounty.protocol.types import Digest, JobId, TaskIndex, to_address

words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20).map(to_address)


@pytest.mark.unit
def test_keccak__empty_input__is_ethereums_hash() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@pytest.mark.property
@given(chain=st.integers(0, 2**256 - 1), lane=addresses, job=st.integers(0, 2**256 - 1), task=st.integers(0, 2**32 - 1))
def test_abi_words__static_values__are_what_eth_abi_writes(chain: int, lane: str, job: int, task: int) -> None:
    expected = eth_abi.encode(["uint256", "address", "uint256", "uint32"], [chain, lane, job, task])

    assert abi_words(chain, lane, job, task) == expected


@pytest.mark.property
@given(worker=addresses, digest=words, salt=words, task=st.integers(0, 2**32 - 1))
def test_commitment__any_values__is_the_hash_of_their_abi_encoding(
    worker: str, digest: bytes, salt: bytes, task: int
) -> None:
    lane = to_address(b"\x11" * 20)
    types = ["uint256", "address", "uint256", "uint32", "address", "bytes32", "bytes32"]
    expected = keccak(eth_abi.encode(types, [31337, lane, 7, task, worker, digest, salt]))

    found = commitment(
        chain_id=31337,
        lane=lane,
        job_id=JobId(7),
        task_index=TaskIndex(task),
        worker=to_address(worker),
        digest=Digest(digest),
        salt=salt,
    )

    assert found == expected


@pytest.mark.unit
@pytest.mark.parametrize("value", [-1, 1 << 256, b"", b"\0" * 31, b"\0" * 33])
def test_abi_word__value_of_no_word__is_refused(value: int | bytes) -> None:
    with pytest.raises(ValueError, match=r"word|uint256"):
        abi_word(value)


@pytest.mark.unit
def test_new_salt__twice__differs_and_has_32_bytes() -> None:
    assert len(new_salt()) == 32
    assert new_salt() != new_salt()
