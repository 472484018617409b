"""The data of our own batches, where it was put: the calldata of the post, or our content store."""

from __future__ import annotations

import asyncio

from edgebounty.chain.batches import BatchContracts
from edgebounty.chain.errors import ChainError
from edgebounty.chain.market import MarketContracts
from edgebounty.content.batches import load
from edgebounty.content.store import ContentError, ContentStore
from edgebounty.protocol.batch.known import Known
from edgebounty.protocol.batch.wire import BatchDataError
from orchestrator.domain.batch.history import BatchPosted
from orchestrator.domain.errors import Unavailable


class PostedBatches:
    """Fulfils `PostedData`. `content` may ask others: every byte is hashed."""

    def __init__(self, market: MarketContracts, content: ContentStore) -> None:
        self._market = market
        self._content = content

    async def read(self, posted: BatchPosted) -> Known:
        return await asyncio.to_thread(self._read, posted)

    def _read(self, posted: BatchPosted) -> Known:
        header = posted.header
        what = f"the data of batch {header.number}, of job {header.job} from task {header.first_task} on"
        try:
            contracts = BatchContracts(self._market)
            known = load(header, self._content, lambda: contracts.calldata_of(posted.transaction))
        except (ContentError, BatchDataError, ChainError) as error:
            raise Unavailable(what=what, reason=f"{error}; without it no later pay is known") from error
        if known is None:
            raise Unavailable(what=what, reason=f"{posted.transaction} is no call of ours")
        return known
