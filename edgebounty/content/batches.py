"""Where a batch's data comes from: the calldata of its post, or the file under the CID that its header names."""

from __future__ import annotations

from collections.abc import Callable

from edgebounty.content.store import ContentCorrupt, ContentError, ContentMissing, ContentStore, get_file
from edgebounty.protocol.batch.known import Known, of_calldata, of_file
from edgebounty.protocol.batch.publishing import data_cid
from edgebounty.protocol.batch.wire import BatchDataError, Header
from edgebounty.protocol.cid import DAG_PB, RAW, Cid
from edgebounty.protocol.types import Digest

_MOST_BYTES = 1 << 28


def load(header: Header, content: ContentStore, calldata: Callable[[], bytes | None]) -> Known | None:
    """What was posted or published; None if it is in the calls of a contract. `calldata`: of the post, asked if needed.

    Raises `ContentError`, `BatchDataError` and what `calldata` raises.
    """
    if any(header.data_digest):
        return of_content(header, content)
    data = calldata()
    return None if data is None else of_calldata(header, data)


def of_content(header: Header, content: ContentStore) -> Known:
    """Raises `ContentError`, also for a file that is not the batch's data."""
    cid = data_cid(header)
    try:
        file = get_file(content, cid, _MOST_BYTES)
    except (ContentMissing, ContentCorrupt):
        # A wrong total gives a wrong length, and by it the other of the two forms that the digest may name.
        cid = Cid(DAG_PB if cid.codec == RAW else RAW, Digest(header.data_digest))
        try:
            file = get_file(content, cid, _MOST_BYTES)
        except ContentError as error:
            raise ContentMissing(data_cid(header), error.detail) from error
    try:
        return of_file(header, file)
    except BatchDataError as error:
        raise ContentCorrupt(cid, f"it is not the batch's data: {error}") from error
