"""A job that was posted to a market: followed on chain, fetched and checked from public content."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from edgebounty.client.batch_jobs import fold_batch
from edgebounty.client.errors import Rejected, Unavailable
from edgebounty.client.estimate import Estimate
from edgebounty.client.fetching import fetch_part
from edgebounty.client.history import History, JobHistory
from edgebounty.client.jobs import POLL_SECONDS, Cost, Job, Progress
from edgebounty.client.kinds import Terms
from edgebounty.client.orchestrator_api import OrchestratorApi
from edgebounty.client.plans import Plan
from edgebounty.client.posting import Offer, Wishes, post, quote_all
from edgebounty.client.results import JobResult, decode_parts
from edgebounty.client.verification import Verification, verify
from edgebounty.execution import fetcher
from edgebounty.jobs.shape import output_cid
from edgebounty.protocol.failure import failure_of_digest
from edgebounty.protocol.types import Digest

if TYPE_CHECKING:
    from edgebounty.client.market import Market

OVER: Final = ("finished", "failed", "stopped", "expired", "incomplete")


def quote_plan(market: Market, plan: Plan, bounty: str | float | None, terms: Terms | None) -> list[Offer]:
    """The offers of a plan's jobs, the bounty shared by their tasks. Raises `Rejected`."""
    if bounty is None:
        raise Rejected("a job on a market has a bounty", remedy='name one in tokens: bounty="12.5"')
    if market.orchestrator_url is None:
        raise Rejected("no orchestrator is named", remedy="connect with orchestrator_url=…")
    orchestrator = OrchestratorApi(market.orchestrator_url).terms()
    terms = terms or Terms()
    wishes = Wishes(
        bounty=market.token.amount(str(bounty)),
        quorum=terms.quorum,
        work_slots=terms.work_slots,
        audit_slots=terms.audit_slots,
        task_seconds=terms.task_seconds,
        deadline_seconds=terms.deadline_seconds,
        stake_factor=terms.stake_factor,
    )
    return quote_all(market, plan, wishes, orchestrator)


def estimate_plan(market: Market, plan: Plan, bounty: str | float | None, terms: Terms | None) -> Estimate:
    """What posting would take. Raises `Rejected`."""
    offers = quote_plan(market, plan, bounty, terms)
    first = offers[0].terms
    return Estimate(
        tasks=plan.total_tasks,
        content_bytes=plan.content_bytes,
        escrow=sum(offer.terms.bounty for offer in offers),
        likely=sum(
            (offer.price.slot_price + offer.price.fee_per_slot) * first.quorum * offer.planned.manifest.total_tasks
            for offer in offers
        ),
        slot_price=min(offer.price.slot_price for offer in offers),
        fee_bps=first.fee_bps,
        quorum=first.quorum,
        work_slots=first.work_slots,
        symbol=market.token.symbol,
        decimals=market.token.decimals,
    )


def post_plan(market: Market, plan: Plan, bounty: str | float | None, terms: Terms | None) -> MarketJob:
    """Posts every job of a plan; the balance is checked for all of them first. Raises as `posting.post`."""
    offers = quote_plan(market, plan, bounty, terms)
    market.need_tokens(sum(offer.terms.bounty for offer in offers), "for the bounty")
    ids = tuple(int(post(market, offer).job_id) for offer in offers)
    return MarketJob(market, plan, ids)


class MarketJob(Job):
    """A job of a `Market`; `ids` are its numbers on chain."""

    def __init__(self, market: Market, plan: Plan, ids: tuple[int, ...]) -> None:
        super().__init__(plan)
        self.market = market
        self.ids = ids
        self._history = History(market.contracts)

    def progress(self) -> Progress:
        jobs = self._jobs()
        now = self.market.contracts.block().time
        states = [job.state(now) for job in jobs]
        state = next((s for s in (*OVER[1:], "open") if s in states), "finished")
        return Progress(finished=sum(job.finished for job in jobs), tasks=self.plan.total_tasks, state=state)

    def result(self) -> JobResult:
        return decode_parts([fetch_part(self.market, job_id) for job_id in self.ids])

    def cost(self) -> Cost:
        jobs = self._jobs()
        return Cost(
            escrowed=sum(job.escrowed for job in jobs),
            paid=sum(job.paid for job in jobs),
            fee=sum(job.fee for job in jobs),
            refunded=sum(job.refunded for job in jobs),
            symbol=self.market.token.symbol,
            decimals=self.market.token.decimals,
        )

    def verify(self, *, sample: int | None = None) -> Verification:
        found = [verify(self.market, job_id, sample=sample) for job_id in self.ids]
        return Verification(
            job_id=self.ids[0],
            total_tasks=self.plan.total_tasks,
            checks=tuple(check for one in found for check in one.checks),
            unpaid=tuple(task for one in found for task in one.unpaid),
            result_cid=self.result().cid,
        )

    def stop(self) -> None:
        """Also credits what the job can no longer cost."""
        for job_id in self.ids:
            if not self.market.job(job_id).is_ended(self.market.contracts.block().time):
                self.market.stop(job_id)
            self.market.refund(job_id)

    def rounds(self) -> Iterator[tuple[int, bytes]]:
        job_id, manifest = self.ids[0], self.plan.parts[0].manifest
        fetch = fetcher(self.market.content, manifest)
        for number in range(1, manifest.rounds + 1):
            task = number * manifest.tasks_per_round - 1
            while (digest := self._settled(job_id, task)) is None:
                if self.progress().state != "open" and self._settled(job_id, task) is None:
                    return
                time.sleep(POLL_SECONDS)
            if failure_of_digest(digest) is not None:
                return
            yield number, fetch(output_cid(manifest, task, digest))

    def _settled(self, job_id: int, task: int) -> Digest | None:
        return self.market.contracts.result(job_id, task)

    def _jobs(self) -> list[JobHistory]:
        self._history.update()
        missing = [job_id for job_id in self.ids if job_id not in self._history.jobs]
        if missing:
            raise Unavailable(f"job {missing[0]} is not on this chain (yet)", remedy="ask again in a moment")
        jobs = [self._history.jobs[job_id] for job_id in self.ids]
        for job in jobs:
            fold_batch(self.market, job)
        return jobs
