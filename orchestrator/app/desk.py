"""The batch lane's desk: takes what workers send, keeps it, and answers with what the orchestrator signs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from edgebounty.jobs.shape import output_bytes
from edgebounty.protocol.batch.messages import Acceptance, Assignment, Claim, CommitSet, Join, Receipts
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.messages import Domain, Signable
from edgebounty.protocol.types import Address, Digest, JobId
from orchestrator.app.batch_offers import BatchOffers, Offer
from orchestrator.app.journal import GroupWriter
from orchestrator.app.members import Members, SponsorOf
from orchestrator.domain.batch import facts as f
from orchestrator.domain.batch.book import BatchBook
from orchestrator.domain.batch.checking import check_of
from orchestrator.domain.batch.decide import BatchDecision
from orchestrator.domain.batch.due import Place
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Slot, WorkerBundle
from orchestrator.domain.errors import Broken, Rejected
from orchestrator.domain.policy import Check
from orchestrator.ports.journal import Entry, JobEnding, JobOpened, Joined, Journal, OutputKept

Sign = Callable[[Signable], bytes]
"""The orchestrator's signature over a message of the batch lane: 65 bytes r, s, v."""


class BatchDesk:
    """Signatures of workers were checked by the caller; everything else is checked by `domain.batch`.

    `now` is the chain's time. Nothing is answered before it is kept, so what was signed once is signed alike after a
    restart.
    """

    def __init__(
        self,
        *,
        me: Address,
        domain: Domain,
        journal: Journal,
        sign: Sign,
        now: Callable[[], int],
        secret: bytes,
        sponsor_of: SponsorOf | None = None,
    ) -> None:
        """`secret` makes the workers' tickets, and draws the tasks that are checked."""
        self.me = me
        self.domain = domain
        self.book = BatchBook()
        self.members = Members(secret, sponsor_of)
        self.offered = BatchOffers(self.book, self.members)
        self.waiting: dict[JobId, str] = {}  # jobs that are not taken yet, and why
        self.withdrawals: dict[int, f.WithdrawalAsked] = {}  # by payout index, until they are sent or have expired
        self._sign = sign
        self.now = now
        self._draws = hashlib.blake2b(b"checks", key=secret, digest_size=32).digest()
        self._acceptances: dict[tuple[JobId, int, Address], tuple[Acceptance, bytes]] = {}
        self._writer = GroupWriter(journal)
        for entry in journal.entries():
            self._replay(entry)

    async def open_job(self, terms: BatchTerms, manifest: Manifest) -> None:
        """Take a job on; after a restart again, with the same terms. Once it was stopped, with nearer times.

        Raises `Broken` for other terms.
        """
        known = self.book.terms.get(terms.job)
        if known is None:
            self.book.open_job(terms)
            self._writer.add(JobOpened(terms=terms))
        elif replace(terms, deadline=known.deadline, closes=known.closes) != known:
            raise Broken(f"job {terms.job} was opened with other terms: {known}, and now {terms}")
        elif terms.deadline < known.deadline or terms.closes < known.closes:
            ending = JobEnding(job=terms.job, deadline=terms.deadline, closes=terms.closes)
            self.book.end_job(ending.job, ending.deadline, ending.closes)
            self._writer.add(ending)
        self.offered.opened(terms, manifest)
        await self._writer.kept()

    async def join(self, message: Join) -> str:
        """The worker's ticket, the same each time."""
        if message.orchestrator != self.me:
            raise Rejected(by="the worker", reason=f"joins {message.orchestrator}, this is {self.me}")
        self._require_now(message.until)
        return await self.members.join(message)

    async def offers(self, worker: Address) -> list[Offer]:
        """Up to four tasks that this worker may claim now."""
        await self._writer.kept()
        return self.offered.to(worker, self.now())

    async def claim(self, message: Claim) -> tuple[Assignment, bytes]:
        """Gives the worker a place. Told again by the same worker, the same place."""
        if message.orchestrator != self.me:
            raise Rejected(by="the worker", reason=f"claims from {message.orchestrator}, this is {self.me}")
        self._require_now(message.until)
        if message.worker not in self.members:
            raise Rejected(by="the worker", reason="has not joined: POST /v1/batch/join first")
        job, worker = JobId(message.job), message.worker
        task = self.book.task(job, message.task)
        if task.slot_of(worker) is None:
            problem = self.offered.problem(worker, job, self.now())
            if problem:
                raise Rejected(by="nobody", reason=problem)
            terms = self.book.terms[job]
            if self.offered.inputs(terms, message.task) is None:
                raise Rejected(by="the worker", reason=f"task {message.task} waits for results of earlier tasks")
            check = Check.NONE if terms.policy is None else check_of(terms.policy, self._draws, job, message.task)
            audited = check is Check.AUDIT and self.offered.has_auditors(terms, self.now())
            claimed = f.SlotClaimed(
                job=job,
                task=message.task,
                now=self.now(),
                worker=worker,
                parties=self.members.parties(worker),
                drawn=check is not Check.NONE and not audited,
                audited=audited,
            )
            task = self._take(claimed)
            joined = self.members.given(worker)
            if joined is not None:
                self._writer.add(joined)
        await self._writer.kept()
        number = task.slot_of(worker)
        slot = task.slots[number] if number is not None else None
        if number is None or slot is None:  # its time ran out while this was written
            raise Rejected(by="the worker", reason=f"has lost its place in task {message.task}")
        assignment = Assignment(
            orchestrator=self.me,
            worker=worker,
            job=job,
            first_task=self.book.batch_of(job, message.task)[0],
            tasks=(message.task,),
            slot=number,
            until=slot.until,
        )
        return assignment, self._sign(assignment)

    def in_hand(self, worker: Address) -> tuple[Place, ...]:
        """The tasks that this worker works on, or whose receipt it may still sign. May be asked from any thread."""
        return self.offered.in_hand(worker, self.now())

    def output_bytes(self, place: Place) -> int:
        """How long the output of a task is, at most; 0 while the job's manifest is not at hand."""
        job, task = place
        manifest = self.offered.manifests.get(job)
        return 0 if manifest is None else output_bytes(manifest, task)

    async def commit(self, worker: Address, job: JobId, task: int, commitment: bytes) -> BatchTask:
        slot = self._slot(worker, job, task)
        if slot is None or slot.commitment != commitment:  # else it was told before; if as the last, the set is closed
            self._take(f.ResultCommitted(job=job, task=task, now=self.now(), worker=worker, commitment=commitment))
        return await self.task(job, task)

    async def show(self, worker: Address, job: JobId, task: int, digest: Digest, salt: bytes) -> BatchTask:
        slot = self._slot(worker, job, task)
        if slot is None or slot.digest != digest:  # else it was told before
            self._take(f.ResultShown(job=job, task=task, now=self.now(), worker=worker, digest=digest, salt=salt))
        return await self.task(job, task)

    async def task(self, job: JobId, index: int) -> BatchTask:
        """As it stands, and is kept."""
        await self._writer.kept()
        return self.book.task(job, index)

    def commit_set(self, job: JobId, task: BatchTask) -> bytes:
        """The orchestrator's signature over a closed set: the same message, so the same signature, each time."""
        return self._sign(CommitSet(orchestrator=self.me, job=job, task=task.index, commitments=task.commitments))

    async def accept(self, message: Receipts, task: int, signature: bytes) -> tuple[Acceptance, bytes]:
        """Takes a receipt, and owes it. `signature`: 64 bytes, by the worker, over `message`."""
        job, worker = JobId(message.job), message.worker
        fact = f.ReceiptSigned(
            job=job,
            task=task,
            now=self.now(),
            worker=worker,
            count=message.count,
            receipts_root=message.receipts,
            sets_root=message.commit_sets,
            signature=signature,
        )
        first = self.book.batch_of(job, task)[0] if job in self.book.terms else -1
        if message.first_task != first:
            raise Rejected(by="the worker", reason=f"the batch of task {task} begins at task {first}")
        self._take(fact)
        await self._writer.kept()
        return self.acceptance(self.book.bundle(job, task, worker))

    def acceptance(self, bundle: WorkerBundle) -> tuple[Acceptance, bytes]:
        """The signed word that all of a bundle is owed. Signed once: whoever asks for it may ask for it often."""
        key = (bundle.job, bundle.first_task, bundle.worker)
        known = self._acceptances.get(key)
        if known is not None and known[0].count == len(bundle.receipts):
            return known
        accepted = Acceptance(
            orchestrator=self.me,
            worker=bundle.worker,
            job=bundle.job,
            first_task=bundle.first_task,
            count=len(bundle.receipts),
            receipts=bundle.receipts_root.root,
            commit_sets=bundle.sets_root.root,
        )
        self._acceptances[key] = accepted, self._sign(accepted)
        return self._acceptances[key]

    async def tick(self) -> None:
        """Moves on what time alone moves on."""
        for fact in self.book.due(self.now()):
            self._take(fact)
        for job, index in self.offered.ripe():
            self._take(f.HoldEnded(job=job, task=index, now=self.now()))
        await self._writer.kept()

    async def close_batches(self, most_age: int) -> None:
        """Begins next batches where it is time, and seals those to which nothing can be added."""
        for job in self.book.batches:
            for closing in self.book.closings(job, self.now(), most_age, self.offered.told.get(job, -1)):
                self.book.close(closing)
                self._writer.add(closing)
        await self._writer.kept()

    async def take_back(self, terms: BatchTerms, kept: f.BatchKept) -> None:
        """Takes over a posted batch that the journal does not have. Raises `Broken` if it contradicts the journal."""
        if kept.job not in self.book.terms:
            self.book.open_job(terms)
            self._writer.add(JobOpened(terms=terms))
        for leaf in kept.leaves:
            if self.book.payout_index(leaf.account) != leaf.payout_index:
                self.book.keep_payee(leaf.payout_index, leaf.account)
                self._writer.add(f.PayeeKept(index=leaf.payout_index, account=leaf.account))
        self.book.keep(kept)
        self._writer.add(kept)
        await self._writer.kept()

    async def settled(self, job: JobId, first: int) -> None:
        """Nothing can happen any more to this posted batch: the journal may do without what led to it."""
        self._writer.add(f.BatchSettled(job=job, first=first))
        await self._writer.kept()

    async def found(self, result: f.ResultFound) -> None:
        """The accepted result of a task that was taken back. Raises `Broken` if it is another one."""
        self._found(result)
        self._writer.add(result)
        await self._writer.kept()

    async def check(self, place: Place, digest: Digest) -> None:
        """What our own run of a task gave. Comes to nothing if the task no longer waits for it."""
        if place in self.book.to_run:
            self._take(f.ResultComputed(job=place[0], task=place[1], now=self.now(), digest=digest))
        await self._writer.kept()

    def why_out(self, worker: Address) -> str | None:
        """Why this worker gets no more work here, whatever there is; None if it may."""
        standing = self.book.standing
        return standing.why_out(worker) if worker in standing.caught else None

    def why_none(self, worker: Address) -> str | None:
        """Why this worker is offered nothing, if that is not for lack of tasks."""
        return self.why_out(worker) or self.offered.why_none(worker, self.now())

    def manifest(self, job: JobId) -> Manifest | None:
        """None until the job was opened, also after a restart."""
        return self.offered.manifests.get(job)

    def results(self, job: JobId) -> dict[int, Digest]:
        """The accepted digest of every task of the job so far; none of a job that was never opened."""
        if job not in self.book.terms:
            return {}
        return {task.index: task.digest for task in self.book.tasks_of(job) if task.digest is not None}

    def waits(self, job: JobId, index: int) -> bool:
        """Whether something that the task reads is not here. False until the job was opened, also after a restart."""
        return self.offered.waits(job, index)

    async def keep_output(self, place: Place) -> None:
        """The accepted output of this task is here for good: others may read it."""
        if place not in self.offered.outputs:
            self.offered.brought(place)
            self._writer.add(OutputKept(job=place[0], task=place[1]))
        await self._writer.kept()

    async def ask_withdrawal(self, asked: f.WithdrawalAsked) -> None:
        """Keeps a request, in place of an earlier one."""
        self.withdrawals[asked.payout_index] = asked
        self._writer.add(asked)
        await self._writer.kept()

    def end_withdrawal(self, ended: f.WithdrawalEnded) -> None:
        del self.withdrawals[ended.payout_index]
        self._writer.add(ended)

    async def kept(self) -> None:
        """Until what the book holds now is on disk."""
        await self._writer.kept()

    # --- internals ---

    def _slot(self, worker: Address, job: JobId, task: int) -> Slot | None:
        state = self.book.task(job, task)
        number = state.slot_of(worker)
        return state.slots[number] if number is not None else None

    def _take(self, fact: f.BatchFact) -> BatchTask:
        before = self.book.task(fact.job, fact.task)
        decision = self.book.decide(fact)
        if decision.task != before:  # else it was told before: nothing to keep
            self._apply(fact, decision)
            self._writer.add(fact)
        return decision.task

    def _apply(self, fact: f.BatchFact, decision: BatchDecision) -> None:
        self.book.apply(fact, decision)
        if isinstance(fact, f.SlotClaimed):
            self.offered.seats.take(self.book.terms[fact.job], fact.worker, fact.now)
        self.offered.moved(fact.job, decision.task)

    def _replay(self, entry: Entry) -> None:
        match entry:
            case JobOpened():
                self.book.open_job(entry.terms)
            case JobEnding():
                self.book.end_job(entry.job, entry.deadline, entry.closes)
            case Joined():
                self.members.joined[entry.worker] = entry
            case f.BatchCut() | f.BatchSealed():
                self.book.close(entry)
            case f.BatchKept():
                self.book.keep(entry)
                self.offered.kept(entry)
            case f.BatchSettled():
                pass  # for `shortening`
            case f.PayeeKept():
                self.book.keep_payee(entry.index, entry.account)
            case f.ChecksKept():
                self.book.checked((entry.job, entry.task), entry.passed, entry.caught)
            case f.ResultFound():
                self._found(entry)
            case OutputKept():
                self.offered.brought((entry.job, entry.task))
            case f.WithdrawalAsked():
                self.withdrawals[entry.payout_index] = entry
            case f.WithdrawalEnded():
                del self.withdrawals[entry.payout_index]
            case _:
                self._apply(entry, self.book.decide(entry))

    def _found(self, result: f.ResultFound) -> None:
        self.book.found(result)
        self.offered.awaited[result.job, result.task] = None

    def _require_now(self, until: int) -> None:
        if not self.now() < until:
            raise Rejected(by="the worker", reason=f"the message ended at {until}, the chain's time is {self.now()}")
