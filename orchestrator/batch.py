"""Builds what serves the batch lane, from the settings and the parts that all lanes share."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebounty.chain.market import MarketContracts
from edgebounty.content.store import ContentStore
from edgebounty.protocol.messages import Signable, sign
from edgebounty.protocol.types import Address
from orchestrator import config
from orchestrator.adapters.chain.batch import BatchLaneReader
from orchestrator.adapters.chain.batch_reader import BatchChainReader
from orchestrator.adapters.chain.lane_history import LaneHistoryReader
from orchestrator.adapters.http.batch import BatchApi
from orchestrator.adapters.posted import PostedBatches
from orchestrator.app.answers import Answers
from orchestrator.app.batch_checks import BatchChecks
from orchestrator.app.batch_jobs import BatchJobs, ChainTime
from orchestrator.app.batch_outputs import BatchOutputs
from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.app.lane_history import LaneFollower
from orchestrator.app.poster import Poster, PostingSettings
from orchestrator.app.recovery import Recovery
from orchestrator.app.room import UploadRoom
from orchestrator.app.shortening import shorten
from orchestrator.app.withdrawals import Withdrawals
from orchestrator.domain.batch.bonding import BondRules
from orchestrator.domain.batch.posting import Rules
from orchestrator.domain.batch.relaying import RelayRules
from orchestrator.domain.errors import Broken
from orchestrator.ports.chain import ChainReader, ChainWriter
from orchestrator.ports.content import ContentKeeper
from orchestrator.ports.journal import Journal
from orchestrator.ports.store import Outbox

_log = logging.getLogger(__name__)
DEVELOPMENT_CHAIN = 31337  # of anvil, and of `edgebounty up`: gas costs nothing there
SECRET_FILE = "batch-tickets.secret"
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLane:
    """Every `step`, and `desk.tick`, is to be called again and again."""

    desk: BatchDesk
    api: BatchApi
    jobs: BatchJobs
    recovery: Recovery
    room: UploadRoom
    poster: Poster
    outputs: BatchOutputs
    checks: BatchChecks
    withdrawals: Withdrawals
    answers: Answers
    follower: LaneFollower


def build_batch_lane(
    settings: config.Settings,
    *,
    market: MarketContracts,
    me: Address,
    key: bytes,
    books: Books,
    journal: Journal,
    outbox: Outbox,
    writer: ChainWriter,
    keeper: ContentKeeper,
    content: ContentStore,
    blocks: ChainReader,
    take: Callable[[str], float],
) -> BatchLane:
    """`key` signs assignments, closed sets and acceptances. Raises `Broken`, `ChainError` and `OSError`."""
    reader = BatchLaneReader(market)
    rules = reader.rules(waves=settings.batch_waves, span=settings.batch_span, hold=settings.batch_hold_seconds)

    def sign_as_orchestrator(message: Signable) -> bytes:
        return sign(rules.domain, message, key)

    dropped = shorten(journal)
    if dropped:
        _log.info("journal shortened", extra={"count": dropped})
    desk = BatchDesk(
        me=me,
        domain=rules.domain,
        journal=journal,
        sign=sign_as_orchestrator,
        now=ChainTime(books),
        secret=ticket_secret(settings.data_dir / SECRET_FILE),
        sponsor_of=reader.sponsor_of,
    )
    chain = BatchChainReader(market, me)
    limits = chain.limits()
    unit = 10 ** int(market.read(market.token.functions.decimals()))
    most_bond = int(settings.batch_most_bond * unit)
    bonds = BondRules(limits=limits, most_bond=most_bond, calldata_receipts=settings.batch_calldata_receipts)
    jobs = BatchJobs(books=books, desk=desk, keeper=keeper, lane=reader, rules=rules, chain=chain, bonds=bonds)
    recovery = Recovery(
        desk=desk,
        books=books,
        chain=chain,
        blocks=blocks,
        data=PostedBatches(market, content),
        keeper=keeper,
        terms_of=jobs.terms_of,
        since=market.deployment.block,
    )
    jobs.is_whole = lambda: recovery.is_whole
    poster = Poster(
        desk=desk,
        chain=chain,
        outbox=outbox,
        books=books,
        content=keeper,
        limits=limits,
        settings=PostingSettings(
            most_age=settings.batch_age_seconds,
            calldata_receipts=settings.batch_calldata_receipts,
            rules=Rules(most_bond=most_bond, lost_known=settings.batch_bonds_lost),
        ),
        since=market.deployment.block,
        is_whole=lambda: recovery.is_whole,
    )
    withdrawals = Withdrawals(
        desk=desk,
        poster=poster,
        chain=chain,
        writer=writer,
        outbox=outbox,
        books=books,
        rules=RelayRules(
            most_share_bps=int(settings.withdraw_fee_percent * 100),
            token_wei=worth_of_a_token(settings, market.deployment.chain_id) * 10**18 // unit,
            gather_seconds=settings.withdraw_gather_seconds,
        ),
    )
    return BatchLane(
        desk=desk,
        api=BatchApi(desk, take, withdrawals),
        jobs=jobs,
        recovery=recovery,
        room=UploadRoom(desk),
        poster=poster,
        outputs=BatchOutputs(
            books=books, desk=desk, keeper=keeper, recompute_after_blocks=settings.recompute_after_blocks
        ),
        checks=BatchChecks(desk=desk, keeper=keeper, now=desk.now),
        withdrawals=withdrawals,
        answers=Answers(
            desk=desk, poster=poster, chain=chain, outbox=outbox, books=books, since=market.deployment.block
        ),
        follower=LaneFollower(
            history=LaneHistoryReader(market),
            books=books,
            since=market.deployment.block,
            window=limits.window,
        ),
    )


def worth_of_a_token(settings: config.Settings, chain_id: int) -> int:
    """In wei; 0: fees are not weighed. Raises `Broken` if nobody has said it and gas costs money."""
    if settings.token_gwei != config.NOT_TOLD:
        return int(settings.token_gwei * 10**9)
    if chain_id == DEVELOPMENT_CHAIN or settings.batch_most_bond == 0:
        return 0
    raise Broken(
        "token_gwei is missing: what a token is worth in gwei of the chain's coin. This orchestrator pays the gas of "
        "its workers' withdrawals, and sends none of which that is too large a share (withdraw_fee_percent). 0 sends "
        "them whatever they cost; batch_most_bond = 0 serves no batch lane"
    )


def ticket_secret(path: Path) -> bytes:
    """What workers' tickets are made with and checks are drawn with, so that both hold over restarts. Made at the
    first start.

    Raises `Broken` for a file that others may read, or that is no such secret.
    """
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    if path.stat().st_mode & 0o077:
        raise Broken(f"others may read {path}, which workers' tickets are made with: chmod 600, or delete it")
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise Broken(f"{path} has {len(secret)} bytes, not {SECRET_BYTES}: delete it, workers then join again")
    return secret
