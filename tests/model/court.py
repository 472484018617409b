"""The court of the batch lane as a small model: five signers, jurors, parties' sponsors, bonds, locks and time.

A step is an act by somebody, valid or not; `Court.act` says whether it is taken, and keeps everybody's books. The
direct lane is modelled as far as a jury needs it: waves of missing replicas, who is paid or slashed, when a task ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edgebounty.protocol.batch.court import VOID as VOID_DIGEST
from edgebounty.protocol.batch.court import Verdict, Vote, bond_of, finding, slots_of, split, verdict_of
from edgebounty.protocol.hashing import keccak256

WINDOW, DRAW, RAMP, TASK_TIME, JURY_TIME, REPLY = 1_000, 40, 30, 100, 500, 200
CASE_TIME: Final = JURY_TIME + DRAW + 6 * TASK_TIME + REPLY
UNBONDING: Final = WINDOW + 2 * CASE_TIME + REPLY + 1
PRICE, FEE, LOCK, JUROR_PRICE, JUROR_STAKE, QUORUM = 1_000, 100, 16_000, 2_000, 20_000, 3
SPARE: Final = 11_000
"""What could be refunded of the job: its tasks are all covered, and ten of its fifteen slots were not used."""

ORC, REQUESTER, EVE, DAN, ALICE, BOB, CAROL, NILS = range(8)
PEOPLE: Final = 8
JURORS: Final = 15
ALLOTTED: Final = {ALICE: 20_000, BOB: 5_000, CAROL: 50_000, ORC: 3_000}
"""To the orchestrator, and no batch holds it. Nils is a newcomer: nothing."""
SIGNERS: Final = (ALICE, BOB, CAROL, NILS, ORC)
TASK_OF: Final = {ALICE: 0, BOB: 0, CAROL: 1, NILS: 2, ORC: 2}
RIGHT, WRONG, OTHER, VOID = range(1, 5)
SHOWN: Final = {ALICE: WRONG, BOB: WRONG, CAROL: RIGHT, NILS: WRONG, ORC: WRONG}
ALICES_FRIEND, EVES_FRIEND = 13, 14
"""Jurors with one sponsor in common with Alice, and with Eve."""

ACTS: Final = (
    *("challenge", "appeal", "jury", "decide", "slash", "withdraw"),
    *("unallot", "release", "wait", "fetch"),
)


def digest_of(task: int, code: int) -> bytes:
    return VOID_DIGEST if code == VOID else keccak256(bytes([task, code]))


@dataclass(kw_only=True)
class Case:
    challenger: int
    payer: int
    accused: int
    committed: int  # a digest's code; the salt is always the same
    task: int
    digest: int
    until: int
    deadline: int  # of the present jury's first wave
    appealed: bool = False
    knew: bool = False
    verdict: Verdict = Verdict.NONE
    winners: list[tuple[int, int]] | None = None  # juror and code; None: no outcome; empty: refunded
    slashed: set[int] = field(default_factory=set)

    @property
    def quorum(self) -> int:
        return QUORUM * (3 if self.appealed else 1)


class Court:
    def __init__(self) -> None:
        self.now = 0  # seconds since the batch was posted
        self.cases: list[Case] = []
        self.about: dict[tuple[int, int], Case] = {}
        self.money: Counter[int] = Counter()  # changes of wallet + credit + what the court owes
        self.stake: Counter[int] = Counter()  # changes
        self.allotted: Counter[int] = Counter(ALLOTTED)
        self.ending: dict[int, tuple[int, int]] = {}
        self.burned = 0
        self.in_juries = 0
        self.spare = SPARE
        self.jurors = 0  # what they won and lost, together
        self.owed: Counter[int] = Counter()

    # --- acts: each returns whether it is taken ---

    def act(self, name: str, who: int, a: int = 0, b: int = 0) -> bool:
        acts: dict[str, Callable[[int, int, int], bool]] = {each: getattr(self, each) for each in ACTS}
        return acts[name](who, a, b)

    def challenge(self, who: int, signer: int, committed: int) -> bool:
        key = (TASK_OF[signer], SHOWN[signer])
        if committed == 0 or who == ORC or self.now >= WINDOW or key in self.about:
            return False
        task, digest = key
        case = Case(
            challenger=who,
            payer=who,
            accused=signer,
            committed=committed,
            task=task,
            digest=digest,
            until=self.now + CASE_TIME,
            deadline=self.now + JURY_TIME,
        )
        self.about[key] = case
        self.cases.append(case)
        self._put_up(case, who)
        return True

    def _put_up(self, case: Case, who: int) -> None:
        bond = bond_of(JUROR_PRICE, QUORUM, appealed=case.appealed)
        self.money[who] -= bond
        self.in_juries += bond

    def appeal(self, who: int, number: int, _: int) -> bool:
        case = self._undecided(number)
        if case is None or case.appealed or self.now >= case.until or not self._ended(case):
            return False
        if self._found(case) is not None:
            return False
        self._give_back(case)
        case.appealed, case.payer, case.winners = True, who, None
        case.until, case.deadline = self.now + CASE_TIME, self.now + JURY_TIME
        self._put_up(case, who)
        return True

    def jury(self, _: int, number: int, votes: int) -> bool:
        """These jurors come, in this order: one a byte, juror x 16 + code. Too few for a wave do not claim."""
        case = self._undecided(number)
        if case is None or case.winners is not None or self.now >= case.deadline:
            return False
        coming = [divmod(byte, 16) for byte in votes.to_bytes(32, "little") if byte]
        most, revealed, opened = slots_of(QUORUM, appealed=case.appealed), list[tuple[int, int]](), 0
        missing = case.quorum
        while len(coming) >= missing and opened + missing <= most and self.now + RAMP < case.deadline:
            self.now += RAMP
            revealed += coming[:missing]
            coming, opened = coming[missing:], opened + missing
            code, count = Counter(code for _, code in revealed).most_common(1)[0]
            if count >= case.quorum:
                case.winners = [vote for vote in revealed if vote[1] == code]
                losers = len(revealed) - len(case.winners)
                self.jurors += len(case.winners) * JUROR_PRICE - losers * JUROR_STAKE
                self.in_juries -= len(case.winners) * JUROR_PRICE
                self.burned += losers * JUROR_STAKE
                return True
            missing = case.quorum - count
        if opened + missing <= most:  # else the last reveal ends it
            self.now = case.deadline + (DRAW + 4 * TASK_TIME if opened else 0)
        case.winners = []
        return True

    def decide(self, _: int, number: int, code: int) -> bool:
        """`code`: whether the salt is shown, 1 or 0."""
        case = self._undecided(number)
        if case is None or not self._ended(case):
            return False
        found = self._found(case)
        verdict = verdict_of(found, digest_of(case.task, case.digest))
        knew = verdict is Verdict.WRONG and code == 1 and digest_of(case.task, case.committed) == found
        final = found is not None or case.appealed
        if (not final or (verdict is Verdict.WRONG and not knew)) and self.now < case.until:
            return False
        case.verdict, case.knew = verdict, knew
        spent = self._give_back(case)
        if verdict is Verdict.VOID:
            paid = min(spent, self.spare)
            self.spare -= paid
            self.money[case.payer] += paid
        return True

    def slash(self, _: int, number: int, signer: int) -> bool:
        case = self.cases[number] if number < len(self.cases) else None
        if case is None or case.verdict is not Verdict.WRONG or signer in case.slashed:
            return False
        if (TASK_OF[signer], SHOWN[signer]) != (case.task, case.digest):
            return False
        case.slashed.add(signer)
        ending, available_at = self.ending.get(signer, (0, 0))
        lost = min(LOCK, self.allotted[signer] + ending)
        shares = split(lost, rewarded=case.knew, refund=PRICE + FEE)
        taken = min(lost, ending)
        self.ending[signer] = (ending - taken, available_at)
        self.allotted[signer] -= lost - taken
        self.stake[signer] -= lost
        self.money[case.challenger] += shares.reward
        self.money[REQUESTER] += shares.refund
        self.burned += shares.burned
        return True

    def withdraw(self, who: int, _: int, __: int) -> bool:
        taken = self.owed[who] != 0
        self.owed[who] = 0
        return taken

    def unallot(self, who: int, _: int, __: int) -> bool:
        amount = self.allotted[who]
        if amount == 0 or who == ORC:
            return False
        self.ending[who] = (self.ending.get(who, (0, 0))[0] + amount, self.now + UNBONDING)
        self.allotted[who] = 0
        return True

    def release(self, who: int, _: int, __: int) -> bool:
        amount, available_at = self.ending.get(who, (0, 0))
        if amount == 0 or self.now < available_at:
            return False
        self.ending[who] = (0, available_at)
        return True

    def wait(self, _: int, seconds: int, __: int) -> bool:
        self.now += seconds
        return True

    def fetch(self, _: int, __: int, ___: int) -> bool:
        """A stranger closes all juries' jobs and has the escrow pay the court, before anybody asks for it."""
        return True

    # --- what follows ---

    def _undecided(self, number: int) -> Case | None:
        case = self.cases[number] if number < len(self.cases) else None
        return case if case is not None and case.verdict is Verdict.NONE else None

    def _ended(self, case: Case) -> bool:
        return case.winners is not None or self.now >= case.deadline  # nobody ever came

    def _found(self, case: Case) -> bytes | None:
        votes = []
        for juror, code in case.winners or []:
            spares = code in (VOID, case.digest)
            party = juror == (ALICES_FRIEND if spares else EVES_FRIEND)
            party = party and (case.accused == ALICE if spares else case.challenger == EVE)
            votes.append(Vote(digest=digest_of(case.task, code), party=party))
        return finding(votes, case.quorum, digest_of(case.task, case.digest))

    def _give_back(self, case: Case) -> int:
        spent = JUROR_PRICE * len(case.winners or [])
        back = bond_of(JUROR_PRICE, QUORUM, appealed=case.appealed) - spent
        self.money[case.payer] += back
        self.owed[case.payer] += back
        self.in_juries -= back
        return spent

    # --- what must hold after each act ---

    def check(self) -> None:
        moved = sum(self.money.values()) + sum(self.stake.values()) + self.jurors + self.burned + self.in_juries
        assert moved + self.spare == SPARE, "a token appeared or disappeared"
        assert self.spare >= 0, "the job paid more than could be refunded"
        for signer in SIGNERS:
            guilty = [case for case in self.cases if signer in case.slashed]
            assert -self.stake[signer] <= LOCK * len(guilty), "more than a lock for a case"
            assert all(case.verdict is Verdict.WRONG for case in guilty), "nobody is slashed for another verdict"
        for case in self.cases:
            if case.verdict in (Verdict.STANDS, Verdict.VOID):
                assert not case.slashed
        gained = self.money[EVE] + self.money[DAN]
        assert gained <= -sum(self.stake.values()) // 2, "challengers together never gain more than half of the slashes"
        assert self.stake[NILS] == 0, "who allotted nothing loses nothing"

    def state(self) -> list[int]:
        """What the contracts must agree with: changes of what everybody has, burnt, and left of the job."""
        everybody = range(PEOPLE)
        words = [self.money[who] for who in everybody] + [self.stake[who] for who in everybody]
        return [*words, self.burned, self.spare - SPARE]
