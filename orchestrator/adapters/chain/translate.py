"""Events of `edgebounty.chain` to facts, and its errors to ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from web3.exceptions import Web3Exception

from edgebounty.chain import events as ev
from edgebounty.chain.errors import ChainError, ContractRejected
from edgebounty.chain.errors import WrongChain as ChainWrong
from edgebounty.chain.views import JobTerms as ChainTerms
from edgebounty.protocol.types import Digest
from orchestrator.domain import facts as f
from orchestrator.domain.errors import OrchestratorError, Rejected, Unavailable, WrongChain
from orchestrator.domain.values import BlockRef, FactRef, JobTerms

_T = TypeVar("_T")

# The event's name is the fact's name; a field that is called otherwise there stands here.
_SAME = {
    kind.__name__: kind
    for kind in (
        f.JobPosted,
        f.JobStopped,
        f.JobFailed,
        f.StageOpened,
        f.BountyRefunded,
        f.SeedRecorded,
        f.TaskClaimed,
        f.ResultCommitted,
        f.RevealsOpened,
        f.ResultRevealed,
        f.TaskSettled,
        f.ClaimExpired,
        f.ClaimLeft,
        f.TaskReopened,
        f.TaskRefunded,
    )
}
_RENAMED = {"amount_wei": "amount", "fee_wei": "fee", "digest": "result_digest"}


def to_fact(event: ev.Event, block: BlockRef) -> f.ChainFact | None:
    """The fact that an event tells; None for events that change nothing we keep (money's are read from views)."""
    kind = _SAME.get(type(event).__name__)
    if kind is None:
        return None
    ref = FactRef(block=block, log_index=event.ref.log_index, tx_hash=event.ref.tx_hash)
    values: dict[str, Any] = {}
    for each in fields(kind):
        if each.name != "ref":
            value = getattr(event, _RENAMED.get(each.name, each.name))
            values[each.name] = to_terms(value) if isinstance(value, ChainTerms) else value
    return kind(ref=ref, **values)


def to_terms(terms: ChainTerms) -> JobTerms:
    same = {each.name: getattr(terms, each.name) for each in fields(terms)}
    price, stake = same.pop("slot_price"), same.pop("stake_per_claim")
    digest = Digest(bytes(same.pop("manifest_digest")))
    return JobTerms(**same, slot_price_wei=price, stake_per_claim_wei=stake, manifest_digest=digest)


async def ask(what: str, call: Callable[[], _T]) -> _T:
    """`call()` in a thread, with the library's errors as ours."""
    try:
        return await asyncio.to_thread(call)
    except OrchestratorError:
        raise
    except ChainWrong as error:
        raise WrongChain(str(error)) from error
    except ContractRejected as error:
        raise Rejected(by="the contract", reason=str(error)) from error
    except (ChainError, Web3Exception, OSError, ValueError) as error:
        raise Unavailable(what=what, reason=str(error) or type(error).__name__) from error
