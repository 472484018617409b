import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import CHUNK_BYTES, DAG_PB, RAW, Cid
from edgebounty.protocol.unixfs import UnixfsError

# Roots that other implementations gave: `ipfs add --cid-version=1 --raw-leaves` of Kubo 0.43 (see content/test_kubo.py)
SMALL_CHUNK = 4


def join(cid: Cid, blocks: dict[Cid, bytes]) -> bytes:
    if cid.codec == RAW:
        return blocks[cid]
    return b"".join(join(child, blocks) for child, _ in unixfs.links(blocks[cid]))


@pytest.mark.property
@settings(deadline=None, max_examples=30)
@given(st.sampled_from([0, 1, 173, 174, 175, 347, 348, 349, 174 * 174, 174 * 174 + 1]), st.integers(0, SMALL_CHUNK - 1))
def test_iter_blocks__sizes_around_chunk_and_fanout_edges__join_to_the_file(leaves: int, missing: int) -> None:
    data = bytes(i * 7 & 255 for i in range(max(0, leaves * SMALL_CHUNK - missing)))

    made = list(unixfs.iter_blocks(data, chunk_bytes=SMALL_CHUNK))

    blocks = {cid: bytes(block) for cid, block in made}
    root = made[-1][0]
    assert all(cid.matches(block) for cid, block in blocks.items())
    assert join(root, blocks) == data
    assert root == unixfs.root_cid(data, chunk_bytes=SMALL_CHUNK)
    assert made == list(unixfs.iter_blocks(io.BytesIO(data), chunk_bytes=SMALL_CHUNK))
    assert all(len(unixfs.links(b)) <= 174 for c, b in blocks.items() if c.codec == DAG_PB)


@pytest.mark.unit
def test_build__one_chunk_and_one_byte_more__is_raw_then_a_node() -> None:
    one, more = unixfs.build(bytes(CHUNK_BYTES)), unixfs.build(bytes(CHUNK_BYTES + 1))

    assert one.cid == Cid.of(bytes(CHUNK_BYTES))
    assert more.cid.codec == DAG_PB
    assert unixfs.links(more.blocks[more.cid]) == [(one.cid, CHUNK_BYTES), (Cid.of(b"\0"), 1)]
    for built, length in ((one, CHUNK_BYTES), (more, CHUNK_BYTES + 1)):
        assert unixfs.cid_of_digest(built.cid.digest, length) == built.cid


@pytest.mark.unit
def test_iter_blocks__stream_that_gives_little_at_a_time__gives_the_same_blocks() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(3, size or 0))

    data = bytes(range(100))
    assert list(unixfs.iter_blocks(Trickle(data), chunk_bytes=10)) == list(unixfs.iter_blocks(data, chunk_bytes=10))


@pytest.mark.property
@given(st.binary(max_size=200))
def test_links__any_bytes__are_links_or_a_unixfs_error(block: bytes) -> None:
    with contextlib.suppress(UnixfsError):
        unixfs.links(block)


@pytest.mark.property
@settings(deadline=None)
@given(st.data())
def test_links__one_byte_changed__are_links_or_a_unixfs_error(data: st.DataObject) -> None:
    built = list(unixfs.iter_blocks(bytes(30), chunk_bytes=4))[-1][1]
    at = data.draw(st.integers(0, len(built) - 1))
    block = bytes(built[:at]) + bytes([data.draw(st.integers(0, 255))]) + bytes(built[at + 1 :])
    with contextlib.suppress(UnixfsError):
        unixfs.links(block)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"", "no UnixFS record"),
        (b"\x0a\x04\x08\x02\x18\x00", "0 links but 0 sizes"),
        (b"\x0a\x04\x08\x01\x18\x00", "type 1 is not a file"),
        (b"\x0a\x07\x08\x02\x12\x01x\x18\x01", "raw-leaves"),
        (b"\x0a\xff", "malformed"),
        (b"\x0a\x09\x08", "past the end"),
        (b"\x0d\x00", "wire type"),
        (b"\x0a" + b"\xff" * 10 + b"\x00", "64 bits"),
    ],
)
def test_links__block_of_another_kind__says_why(block: bytes, reason: str) -> None:
    with pytest.raises(UnixfsError, match=reason):
        unixfs.links(block)


@pytest.mark.unit
def test_links__sizes_that_do_not_add_up__are_refused() -> None:
    block = bytes(list(unixfs.iter_blocks(bytes(8), chunk_bytes=4))[-1][1])
    assert block.endswith(b"\x18\x08\x20\x04\x20\x04")
    with pytest.raises(UnixfsError, match="8 bytes, the node says 9"):
        unixfs.links(block[:-5] + b"\x09\x20\x04\x20\x04")
