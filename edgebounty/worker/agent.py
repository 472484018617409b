"""The edge worker: looks for work, claims, runs, commits, reveals, withdraws. One loop, one task in the sandbox.

While a result waits for its peers' commits the next task is taken, so several claims may be open at once. All that must
survive a kill is in the journal; everything else is looked up on chain again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from eth_account.signers.local import LocalAccount

from edgebounty.chain.deployment import Deployment
from edgebounty.chain.errors import ChainError
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.chain.views import BlockRef
from edgebounty.content.http import HttpGateway
from edgebounty.content.permission import UploadSigner
from edgebounty.content.store import ContentStore
from edgebounty.programs.runtime import Execution
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, to_address
from edgebounty.worker.checks import Checker, Work
from edgebounty.worker.claims import OpenClaims
from edgebounty.worker.clock import ChainClock
from edgebounty.worker.content import TaskContent
from edgebounty.worker.device import DeviceGuard
from edgebounty.worker.explain import Reason, Situation, explain
from edgebounty.worker.finder import Finder
from edgebounty.worker.journal import Entry, Journal
from edgebounty.worker.link import OrchestratorLink, OrchestratorUnreachable
from edgebounty.worker.pipeline import Pipeline
from edgebounty.worker.report import Reporter
from edgebounty.worker.sandbox import Sandbox, SandboxStopped
from edgebounty.worker.settings import WorkerSettings
from edgebounty.worker.status import is_paused
from edgebounty.worker.transactions import Transactions
from edgebounty.worker.treasury import Treasury

LOGGER = logging.getLogger(__name__)
RPC_TIMEOUT_SECONDS = 5.0
SENT_POLL_SECONDS = 0.004  # a chain that mines at once has the transaction in a block by then
BUSY_POLL_SECONDS = 0.02
CALM_POLL_SECONDS = 0.5
HELLO_SECONDS = 60.0
SOON_SECONDS = 5.0


class Agent:
    """One worker. `run()` blocks until `stop()`; `execute` is the one place where a task becomes a result."""

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        deployment: Deployment,
        account: LocalAccount,
        content: ContentStore | None = None,
    ) -> None:
        """Connects and takes the data folder. `content` replaces the gateway (for tests and single machines).

        Raises `ChainError` (node unreachable, wrong chain), `JournalError` (folder in use, or of another worker).
        """
        self.settings = settings
        self._stopping = threading.Event()
        self._draining = threading.Event()
        self._wake = threading.Event()
        self.address: Address = to_address(account.address)
        self._account = account
        web3 = connect(settings.rpc_url, deployment.chain_id, timeout_seconds=RPC_TIMEOUT_SECONDS)
        self.market = MarketContracts(web3, deployment)
        self.clock = ChainClock()
        self._domain = Domain(chain_id=deployment.chain_id, verifying_contract=deployment.escrow)
        self.journal = Journal(
            settings.data_dir, chain_id=deployment.chain_id, lane=deployment.direct_lane, worker=self.address
        )
        self.content = TaskContent(
            settings.data_dir / "content", content or self._gateway(), most_bytes=settings.max_cache_bytes
        )
        self.sandbox = Sandbox(
            store_dir=self.content.folder,
            cache_dir=settings.data_dir / "modules",
            max_memory_bytes=settings.max_memory_bytes,
            cpu_share=settings.cpu_share,
            niceness=settings.niceness,
        )
        self._transactions = Transactions(
            sender=Sender(web3, account), max_fee_wei=int(settings.max_fee_gwei * 1_000_000_000)
        )
        checker = Checker(market=self.market, content=self.content, settings=settings, worker=self.address)
        self._link = None if settings.orchestrator_url is None else OrchestratorLink(settings.orchestrator_url)
        self._uploads = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self.claims = OpenClaims(
            market=self.market,
            journal=self.journal,
            transactions=self._transactions,
            content=self.content,
            checker=checker,
            worker=self.address,
            uploads=self._uploads,
            on_closed=self._on_closed,
            is_leaving=self._draining.is_set,
        )
        self.finder = Finder(
            market=self.market,
            checker=checker,
            content=self.content,
            sandbox=self.sandbox,
            link=self._link,
            worker=self.address,
            is_taken=self.claims.is_taken,
        )
        self._pipeline = Pipeline(
            market=self.market,
            journal=self.journal,
            transactions=self._transactions,
            content=self.content,
            finder=self.finder,
            claims=self.claims,
            worker=self.address,
            execute=lambda work: self.execute(work),
            wake=self._wake.set,
        )
        self._treasury = Treasury(
            market=self.market, transactions=self._transactions, settings=settings, worker=self.address
        )
        self._reporter = Reporter(
            settings=settings,
            worker=self.address,
            clock=self.clock,
            journal=self.journal,
            claims=self.claims,
            finder=self.finder,
            treasury=self._treasury,
        )
        self.guard = DeviceGuard(settings)
        self._node_error: str | None = None
        self._block: BlockRef | None = None
        self._paused = False
        self._next_hello_at = self._last_hello_at = 0.0
        self._told_held: list[str] = []

    # --- what others may call, from any thread ---

    def run(self) -> None:
        """Work until `stop` (or `drain`, once all claims are over). Raises `JournalError` when the disk refuses."""
        LOGGER.info("worker %s on chain id %s", self.address, self.market.deployment.chain_id)
        self._save_status("starting")
        try:
            with contextlib.suppress(SandboxStopped):
                self.sandbox.start()
            self.work_until(self._is_drained)
        finally:
            self.close()

    def work_until(self, done: Callable[[], bool]) -> None:
        """The loop alone, until `done()` or `stop`: `run` is this between a start and a `close`."""
        while not self._stopping.is_set():
            busy = self._tick()
            if done():
                return
            self._wake.wait(self._pause_seconds(busy))
            self._wake.clear()

    def stop(self) -> None:
        """End at once: what runs is killed. Open claims wait in the journal for the next start."""
        self._stopping.set()
        self.sandbox.close()
        self._wake.set()

    def drain(self) -> None:
        """Take no new task, finish what is open, then end."""
        self._draining.set()
        self._wake.set()

    def execute(self, work: Work) -> Execution:
        """The result of one task; called in a thread of its own. Raises `SandboxError`, which is no result."""
        return self.sandbox.run(work.sandbox_task, seconds=self.seconds_for(work))

    def seconds_for(self, work: Work) -> float:
        """How long a task may run from now, so that its commit is still in time."""
        claim = self.market.claim_of(*work.key, self.address)
        deadline = self.clock.now() + work.terms.task_time if claim is None else claim.commit_deadline
        margin = max(1.0, 0.05 * work.terms.task_time)
        return max(0.1, min(deadline - self.clock.now() - margin, self.settings.max_task_seconds))

    def reasons(self) -> tuple[Reason, ...]:
        """Why this worker is not earning, the most important first."""
        return explain(self._situation())

    # --- the loop ---

    def _tick(self) -> bool:
        """One round; True when something moved, so that the next should follow soon."""
        try:
            moved = self._round()
            if self._node_error is not None:
                LOGGER.info("the node answers again")
            self._node_error = None
        except ChainError as error:
            if self._node_error is None:
                LOGGER.warning("%s", error)
            self._node_error = str(error)
            moved = False
        if self._reporter.is_due:
            self._save_status()
        return moved

    def _round(self) -> bool:
        landed = self._transactions.landed()  # asked before the block: so that block has them
        for done in landed:
            if done.error is not None:
                LOGGER.info("%s: %s", done.key, done.error)
            self._pipeline.note_landed(done)
        block = self.market.block()
        is_new = self.clock.observe(block)
        self._block = block
        self._mind_pause()
        moved = bool(landed)
        moved |= self._pipeline.step(may_claim=self._may_begin(), look_again_seconds=self._poll_seconds())
        if self._pipeline.has_just_claimed or self._pipeline.has_just_begun:
            return True  # nothing is more urgent than to see the claim in a block, and begin
        if self.claims.has_none_to_run and self._may_begin():
            self._pipeline.look(block)  # beside what follows
        if is_new or moved or self._transactions.count:
            attempt = self._pipeline.attempt
            to_run = self.claims.advance(block, in_hand=None if attempt is None else attempt.key)
            if to_run is not None and not self._paused and not self._stopping.is_set():
                moved |= self._pipeline.resume(to_run)
        self._treasury.look(block)
        self._say_hello()
        if self._may_begin():
            self._pipeline.look(block)
        return moved

    def _is_drained(self) -> bool:
        return self._draining.is_set() and not self._pipeline.has_task and not self.journal.open_entries()

    def _may_begin(self) -> bool:
        """Whether a new task may be begun, as far as this worker's own state goes.

        What was claimed goes on whatever the battery says: stake is locked for it, and would be lost.
        """
        if self._paused or self._draining.is_set() or self._stopping.is_set() or not self.guard.may_work():
            return False
        balances = self._treasury.balances
        broke = balances is not None and (balances.stake == 0 or balances.gas_wei == 0)
        return not broke and self.claims.count < self.settings.max_open

    # --- beside the loop's main path ---

    def _mind_pause(self) -> None:
        paused = is_paused(self.settings.data_dir)
        if paused == self._paused:
            return
        self._paused = paused
        (self.sandbox.pause if paused else self.sandbox.resume)()
        LOGGER.info("paused by the owner" if paused else "going on")

    def _say_hello(self) -> None:
        held = self.content.held()
        if held != self._told_held:  # soon: the next round's tasks read the same shards
            self._next_hello_at = min(self._next_hello_at, self._last_hello_at + SOON_SECONDS)
        if time.monotonic() < self._next_hello_at:
            return
        self._told_held, self._last_hello_at = held, time.monotonic()
        self._next_hello_at = time.monotonic() + HELLO_SECONDS
        self._uploads.submit(self._sweep)
        if self._link is not None:
            self._uploads.submit(self._hello, self._link, self.clock.now())

    def _sweep(self) -> None:
        try:
            freed = self.content.sweep()
        except OSError as error:
            LOGGER.warning("the content folder could not be swept: %s", error)
            return
        if freed.blocks:
            LOGGER.info("content of earlier tasks: %s", freed)

    def _hello(self, link: OrchestratorLink, now: float) -> None:
        capabilities = {
            "kind": "python",
            "machine": platform.machine(),
            "cores": os.cpu_count() or 1,
            "cpu_share": self.settings.cpu_share,
            "memory_bytes": self.settings.max_memory_bytes,
            "min_slot_price": str(self.settings.min_slot_price),
            "held": self._told_held,
        }
        try:
            link.hello(
                domain=self._domain,
                worker=self.address,
                key=bytes(self._account.key),
                capabilities=capabilities,
                now=now,
            )
        except OrchestratorUnreachable as error:
            LOGGER.info("%s", error)
            self._next_hello_at = time.monotonic() + 5.0

    def _gateway(self) -> ContentStore | None:
        url = self.settings.gateway_url or self.settings.orchestrator_url
        if url is None:
            return None
        signer = UploadSigner(self._domain, bytes(self._account.key), clock=self.clock.now)
        return HttpGateway(url, signer, timeout_seconds=20, attempts=2)

    def _on_closed(self, entry: Entry) -> None:
        LOGGER.info("job %s task %s: %s: %s", *entry.key, entry.outcome, entry.detail)
        self._reporter.soon()

    def _poll_seconds(self) -> float:
        return self.settings.poll_seconds or self.clock.poll_seconds

    def _pause_seconds(self, busy: bool) -> float:
        if self._node_error is not None:
            return max(self._poll_seconds(), 1.0)
        if self._transactions.has_just_sent:
            return SENT_POLL_SECONDS
        if busy:
            return BUSY_POLL_SECONDS
        if self._transactions.count:
            return min(max(self.clock.block_interval_seconds / 20, BUSY_POLL_SECONDS), self._poll_seconds())
        if self._pipeline.is_running and self.claims.only_outcomes_missing:
            return max(self._poll_seconds(), CALM_POLL_SECONDS)  # leave the processor to the task
        return self._poll_seconds()

    def _situation(self) -> Situation:
        return self._reporter.situation(
            attempt=self._pipeline.attempt,
            paused=self._paused,
            held=self.guard.reasons,
            node_error=self._node_error,
        )

    def _save_status(self, state: str | None = None) -> None:
        attempt = self._pipeline.attempt
        doing = attempt.name if attempt is not None else "idle"
        self._reporter.save(self._situation(), doing=doing, block=self._block, state=state)

    def close(self) -> None:
        """Let go of the sandbox, the threads and the data folder; `run` does this by itself."""
        self.sandbox.close()
        try:
            if self.settings.withdraw_at_stop and self._node_error is None:
                self._treasury.withdraw()
        except ChainError as error:
            LOGGER.warning("credit was not withdrawn: %s", error)
        open_entries = [entry for entry in self.journal.open_entries() if entry.sealed]
        if open_entries:
            LOGGER.warning(
                "%d results are committed or about to be and not revealed; start again soon, or their stake is lost",
                len(open_entries),
            )
        self._save_status("stopped")
        self._pipeline.close()
        self._uploads.shutdown(wait=False, cancel_futures=True)
        self.journal.close()
