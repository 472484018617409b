"""The runs that BatchReplay.t.sol sends to the real contracts, step by step.

    python -m tests.model.replays     writes tests/vectors/batch_replays/*.json

Random walks of the whole company; for each way to break a rule an orchestrator that does so and loses its bond; and an
honest batch at which everything is thrown that could be shown of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from random import Random
from typing import Any, Final

from edgebounty.protocol.batch.openings import NotProven
from edgebounty.protocol.batch.watching import Fault, all_openings, find_faults
from edgebounty.protocol.types import Address
from tests.model import money, shown
from tests.model.edges import damaged, left_out, posting, proofs, withdrawing
from tests.model.hostile import (
    borrowed,
    false_owner,
    last_moment,
    made_up,
    no_bundle,
    no_payout,
    nobodys_index,
    overtaken,
    tall,
    void_and_restated,
    wrong_target,
)
from tests.model.ledger import Refused, Times
from tests.model.machine import DOMAIN, EVE, MALLORY, NAMES, ORC, ORCHESTRATORS, REQUESTER, WATCH, WORKERS, Market
from tests.model.people import CORRUPTIONS, account_of
from tests.model.recorder import Recorder
from tests.model.test_batch_lane import (
    EXPOSED_THEN_RESTATED_WRONGLY,
    HIDDEN_THEN_RESTATED,
    MISPLACED_AND_RESTATED_BY_A_FRIEND,
    STRUCK_OWNER_OF_A_FREED_INDEX,
)

FOLDER: Final = Path(__file__).parents[1] / "vectors" / "batch_replays"
PEOPLE: Final = (*ORCHESTRATORS, EVE, WATCH, REQUESTER, *map(account_of, WORKERS))
WALKS: Final = 6
ACTS_PER_WALK: Final = 25
SHOWN_PER_RULE: Final = 8


class RecordedMarket(Market):
    ledger: Recorder

    def new_ledger(self, wallets: dict[Address, int]) -> Recorder:
        ledger = Recorder(DOMAIN, Times(), wallets)
        ledger.record(PEOPLE)
        return ledger

    def walk(self) -> dict[str, Any]:
        return self.ledger.steps.as_json()


def random_walk(seed: int) -> dict[str, Any]:
    chance, market = Random(seed), RecordedMarket()
    for _ in range(ACTS_PER_WALK):
        market.step(chance.choice(Market.ACTS), chance.randrange(1 << 16))
    market.get_out()
    return {"name": f"walk {seed}"} | market.walk()


def named_walk(name: str, acts: list[tuple[str, int]]) -> dict[str, Any]:
    market = RecordedMarket()
    for act, seed in acts:
        market.step(act, seed)
    market.get_out()
    return {"name": name} | market.walk()


def begin_broken(market: Market, name: str, before: int, seed: int) -> Fault | None:
    """Mallory posts `before` honest batches and one gone wrong. The fault that shows it, if that rule is broken now."""
    rule, corruption = CORRUPTIONS[name]
    for number in range(before):
        plan = market.plan(MALLORY, market.jobs[2], Random(number))
        market.attempt(lambda plan=plan: market.ledger.post(MALLORY, plan.built()), post_by=MALLORY)
    batch = corruption(market.plan(MALLORY, market.jobs[2], Random(seed)), NAMES)
    if not market.attempt(lambda: market.ledger.post(MALLORY, batch), post_by=MALLORY):
        return None
    return next((f for f in find_faults(market.ledger.case(MALLORY, before), batch) if f.rule == rule), None)


def broken(name: str) -> dict[str, Any]:
    """An orchestrator breaks this rule; whoever shows it has half of the bond."""
    tries = product((2, 1, 0), range(5, 80))
    before, seed = next((n, seed) for n, seed in tries if begin_broken(Market(), name, n, seed))
    market = RecordedMarket()
    fault, ledger = begin_broken(market, name, before, seed), market.ledger
    assert fault is not None
    bond = ledger.books[MALLORY].slots[before].bond
    market.attempt(lambda: ledger.prove(MALLORY, MALLORY, before, fault))
    ledger.prove(WATCH, MALLORY, before, fault)
    assert ledger.credits[WATCH] == bond // 2 > 0, "the bond is lost"
    market.attempt(lambda: ledger.prove(EVE, MALLORY, before, fault))
    market.watchtower_looks()
    market.check()
    market.get_out()
    return {"name": f"{fault.rule}: {name}"} | market.walk()


def misshapen(rule: str, fault: Fault) -> list[Fault]:
    """Openings that are too few, or in the wrong order."""
    if rule == "rewindPayout":
        index, new, old, near = fault.openings
        return [Fault(rule=rule, openings=each) for each in ((index, new, None, near), (index, new, old, ()))]
    if rule == "strikePair":
        return [Fault(rule=rule, openings=(*fault.openings[2:], *fault.openings[:2]))]
    return [Fault(rule=rule, openings=fault.openings[::-1])] if rule == "voidOrder" else []


def honest() -> dict[str, Any]:
    """Two honest batches, one all calldata; for every rule what can be shown of them, and mixed: all refused."""
    market, chance = RecordedMarket(), Random(7)
    ledger = market.ledger
    for digest in (bytes(32), b"\xcd" * 32):
        plan = replace(market.plan(ORC, market.jobs[0], chance), data_digest=digest)
        assert market.attempt(lambda plan=plan: ledger.post(ORC, plan.built()), post_by=ORC)
    for number in (0, 1):
        case = ledger.case(ORC, number)
        by_rule: dict[str, list[Fault]] = {}
        for fault in all_openings(case, market.history[ORC][number].batch):
            by_rule.setdefault(fault.rule, []).append(fault)
        for rule, faults in by_rule.items():
            some = chance.sample(faults, min(len(faults), SHOWN_PER_RULE))
            mixed = [
                Fault(rule=rule, openings=(*one.openings[:at], other.openings[at], *one.openings[at + 1 :]))
                for one, other in pairwise(some[:4])
                for at in range(len(one.openings))
            ]
            mixed += misshapen(rule, some[-1])
            for fault in (*some, *mixed):
                try:
                    ledger.prove(EVE, ORC, number, fault)
                except (Refused, NotProven, AttributeError):
                    continue
                raise AssertionError(f"an honest batch was punished: {fault.rule}")
    market.check()
    market.get_out()
    return {"name": "honest"} | market.walk()


def edges() -> list[dict[str, Any]]:
    """What only the contracts know: signatures of receivers, single nodes, claims, and every error by its name."""
    found = []
    hostile = (
        false_owner,
        borrowed,
        nobodys_index,
        void_and_restated,
        tall,
        last_moment,
        made_up,
        no_payout,
        no_bundle,
        overtaken,
        wrong_target,
    )
    for edge in (posting, withdrawing, proofs, left_out, damaged, *hostile, *money.WALKS, *shown.WALKS):
        market = RecordedMarket()
        edge(market)
        market.money_is_conserved()
        found.append({"name": edge.__name__} | market.walk())
    return found


def replays() -> list[dict[str, Any]]:
    named = {
        "hidden, then restated": HIDDEN_THEN_RESTATED,
        "struck owner of a freed index": STRUCK_OWNER_OF_A_FREED_INDEX,
        "misplaced and restated by a friend": MISPLACED_AND_RESTATED_BY_A_FRIEND,
        "exposed, then restated wrongly": EXPOSED_THEN_RESTATED_WRONGLY,
    }
    walks = [honest(), *edges()]
    walks += [broken(name) for name in CORRUPTIONS]
    walks += [named_walk(name, acts) for name, acts in named.items()]
    walks += [random_walk(seed) for seed in range(WALKS)]
    return walks


def files() -> dict[str, str]:
    """What the folder holds, by file name. One run a file, so that forge reads no more than one at a time."""
    walks = replays()
    documents: dict[str, Any] = {f"{number}.json": walk for number, walk in enumerate(walks)}
    documents["index.json"] = {"people": list(PEOPLE), "count": str(len(walks))}
    return {name: json.dumps(each, separators=(",", ":")) + "\n" for name, each in documents.items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
