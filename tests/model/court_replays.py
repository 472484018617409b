"""The runs of the court's model that CourtReplay.t.sol sends to the real contracts, step by step.

    python -m tests.model.court_replays     writes tests/vectors/court_replays/*.json

Random walks, of each new thing that happened in any the first; and walks with a name.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Final

from edgebounty.protocol.hashing import abi_words, keccak256
from tests.model.court import (
    ACTS,
    ALICE,
    ALICES_FRIEND,
    CAROL,
    CASE_TIME,
    DAN,
    EVE,
    EVES_FRIEND,
    JURORS,
    NILS,
    ORC,
    OTHER,
    RIGHT,
    SIGNERS,
    UNBONDING,
    VOID,
    WINDOW,
    WRONG,
    Court,
)

FOLDER: Final = Path(__file__).parents[1] / "vectors" / "court_replays"
ACTS_PER_WALK: Final = 30
SEEDS: Final = 400

Step = tuple[str, int, int, int]


def ballot(*votes: tuple[int, int]) -> int:
    return int.from_bytes(bytes(juror * 16 + code for juror, code in votes), "little")


def alike(code: int, count: int) -> int:
    return ballot(*((juror, code) for juror in range(count)))


NAMED: Final[dict[str, list[Step]]] = {
    "a wrong digest, both its signers": [
        *(("challenge", EVE, ALICE, RIGHT), ("jury", 0, 0, alike(RIGHT, 5)), ("slash", 0, 0, ALICE)),
        *(("decide", 0, 0, 0), ("decide", 0, 0, 1), ("decide", 0, 0, 1), ("slash", 0, 0, ALICE)),
        *(("slash", 0, 0, ALICE), ("slash", 0, 0, ALICE + 1), ("slash", 0, 0, CAROL), ("slash", 0, 0, NILS)),
        *(("fetch", 0, 0, 0), ("withdraw", EVE, 0, 0), ("withdraw", EVE, 0, 0)),
    ],
    "in vain": [
        *(("challenge", EVE, CAROL, OTHER), ("jury", 0, 0, ballot((0, RIGHT), (1, WRONG), (2, RIGHT), (3, RIGHT)))),
        *(("appeal", EVE, 0, 0), ("decide", 0, 0, 0), ("slash", 0, 0, CAROL), ("challenge", DAN, CAROL, OTHER)),
        ("withdraw", EVE, 0, 0),
    ],
    "void": [
        *(("challenge", EVE, ALICE, RIGHT), ("jury", 0, 0, alike(VOID, 3)), ("decide", 0, 0, 1)),
        *(("slash", 0, 0, ALICE), ("withdraw", EVE, 0, 0)),
        *(("challenge", DAN, NILS, RIGHT), ("jury", 0, 1, alike(VOID, 3)), ("decide", 0, 1, 1)),
    ],
    "stake that leaves as the batch is posted": [
        *(("unallot", ALICE, 0, 0), ("wait", 0, WINDOW - 1, 0), ("challenge", EVE, ALICE, OTHER)),
        *(("wait", 0, CASE_TIME - 1, 0), ("appeal", DAN, 0, 0), ("jury", 0, 0, alike(RIGHT, 9)), ("decide", 0, 0, 1)),
        *(("wait", 0, CASE_TIME - 31, 0), ("decide", 0, 0, 1), ("wait", 0, 1, 0), ("decide", 0, 0, 1)),
        *(("release", ALICE, 0, 0), ("wait", 0, 199, 0), ("slash", 0, 0, ALICE), ("wait", 0, 10, 0)),
        *(("release", ALICE, 0, 0), ("withdraw", EVE, 0, 0), ("withdraw", DAN, 0, 0)),
    ],
    "the last second": [
        *(("wait", 0, WINDOW - 1, 0), ("challenge", EVE, NILS, RIGHT), ("wait", 0, 1, 0)),
        *(("challenge", EVE, ALICE, RIGHT), ("wait", 0, CASE_TIME - 2, 0), ("decide", 0, 0, 1)),
        *(("wait", 0, 1, 0), ("appeal", EVE, 0, 0), ("decide", 0, 0, 0)),
    ],
    "a friend of the accused decides": [
        *(("challenge", DAN, ALICE, RIGHT), ("jury", 0, 0, ballot((0, WRONG), (1, WRONG), (ALICES_FRIEND, WRONG)))),
        *(("decide", 0, 0, 1), ("appeal", DAN, 0, 0), ("appeal", DAN, 0, 0), ("jury", 0, 0, alike(RIGHT, 9))),
        *(("decide", 0, 0, 1), ("slash", 0, 0, ALICE), ("withdraw", DAN, 0, 0)),
    ],
    "a friend of the challenger votes with the others": [
        *(("challenge", EVE, CAROL, OTHER), ("jury", 0, 0, ballot((0, OTHER), (1, OTHER), (EVES_FRIEND, OTHER)))),
        *(("decide", 0, 0, 1), ("wait", 0, CASE_TIME, 0), ("decide", 0, 0, 1), ("slash", 0, 0, CAROL)),
    ],
    "nobody comes, twice": [
        *(("challenge", EVE, ALICE, RIGHT), ("jury", 0, 0, alike(RIGHT, 2)), ("decide", 0, 0, 1)),
        *(("appeal", DAN, 0, 0), ("jury", 0, 0, alike(RIGHT, 8)), ("decide", 0, 0, 0), ("slash", 0, 0, ALICE)),
    ],
    "all differ": [
        ("challenge", EVE, ALICE, RIGHT),
        ("jury", 0, 0, ballot((0, RIGHT), (1, WRONG), (2, OTHER), (3, WRONG), (4, RIGHT))),
        *(("appeal", EVE, 0, 0), ("jury", 0, 0, alike(RIGHT, 9)), ("decide", 0, 0, 1), ("slash", 0, 0, ALICE)),
    ],
    "the orchestrator signed": [
        *(("challenge", ORC, ALICE, RIGHT), ("challenge", EVE, ORC, RIGHT), ("jury", 0, 0, alike(RIGHT, 3))),
        *(("decide", 0, 0, 1), ("slash", 0, 0, ORC), ("slash", 0, 0, NILS)),
    ],
}


def random_step(chance: Random) -> Step:
    name = chance.choice((*ACTS, "challenge", "jury", "decide", "slash"))
    who = chance.choice((EVE, DAN, ALICE, CAROL, ORC))
    number = chance.randrange(3)
    match name:
        case "challenge":
            return name, who, chance.choice(SIGNERS), chance.randrange(5)
        case "jury":
            order = chance.sample(range(JURORS), chance.choice((2, 5, 9, 15)))
            usual = chance.choice((RIGHT, WRONG, OTHER, VOID))
            votes = (usual if chance.random() < 0.8 else chance.randrange(1, 5) for _ in order)
            return name, who, number, ballot(*zip(order, votes, strict=True))
        case "wait":
            return name, who, chance.choice((1, 100, 450, CASE_TIME, UNBONDING)), 0
        case "slash":
            return name, who, number, chance.choice(SIGNERS)
        case _:
            return name, who, number, chance.randrange(2)


def happened(court: Court, name: str, taken: bool) -> set[tuple[Any, ...]]:
    """What of a walk is worth having once."""
    return {(name, taken, len(court.cases), *((c.verdict, c.knew, c.appealed) for c in court.cases[:1]))}


def record(name: str, steps: list[Step]) -> tuple[dict[str, Any], set[tuple[Any, ...]]]:
    court, rows, seen = Court(), [], set[tuple[Any, ...]]()
    for act, who, a, b in steps:
        taken = court.act(act, who, a, b)
        court.check()
        seen |= happened(court, act, taken)
        state = keccak256(abi_words(*(word % (1 << 256) for word in court.state())))
        rows.append((ACTS.index(act), who, a, b, int(taken), court.now, state))
    columns = ("acts", "who", "a", "b", "taken", "times", "states")
    walk: dict[str, Any] = {"name": name}
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        walk[column] = [f"0x{value.hex()}" if isinstance(value, bytes) else str(value) for value in values]
    return walk, seen


def replays() -> list[dict[str, Any]]:
    known, walks = set[tuple[Any, ...]](), []
    for name, steps in NAMED.items():
        walk, seen = record(name, steps)
        walks.append(walk)
        known |= seen
    for seed in range(SEEDS):
        chance = Random(seed)
        walk, seen = record(f"walk {seed}", [random_step(chance) for _ in range(ACTS_PER_WALK)])
        if len(seen - known) > 3:
            walks.append(walk)
            known |= seen
    return walks


def files() -> dict[str, str]:
    walks = replays()
    documents: dict[str, Any] = {f"{number}.json": walk for number, walk in enumerate(walks)}
    documents["index.json"] = {"count": str(len(walks))}
    return {name: json.dumps(each, separators=(",", ":")) + "\n" for name, each in documents.items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, text in files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
