"""Writes tests/vectors/*.json: hashes that Python, Solidity and TypeScript must all reproduce.

Run `python -m tests.vectors.make` after a change that is meant to change them; a test fails when they drift.
Every value is text: 0x-hex for bytes, decimal for numbers (they may not fit a double).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgebounty.client.policies import POLICIES, policy_prices
from edgebounty.client.posting import QUORUM, WORK_SLOTS
from edgebounty.client.pricing import price_of
from edgebounty.jobs.analyze import plan_analyze, program_names
from edgebounty.jobs.model import Model
from edgebounty.jobs.own import plan_own
from edgebounty.jobs.plan import ProgramPair
from edgebounty.jobs.shape import describe
from edgebounty.jobs.train import plan_train
from edgebounty.programs import builtin
from edgebounty.programs.extend import with_state
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.protocol import draw, failure, merkle, messages, unixfs
from edgebounty.protocol.batch import messages as batch
from edgebounty.protocol.batch import publishing, wire
from edgebounty.protocol.cid import DAG_PB, Cid
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.layout import NUMPY_TYPES, Layout
from edgebounty.protocol.manifest import Limits, Manifest, Shard
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address

FOLDER = Path(__file__).parent
PROGRAMS = (
    *("mlp-13-32-3.train", "mlp-13-32-3.infer", "mean.mlp-13-32-3"),
    *("mlp-64-128-10.train", "mlp-64-128-10.infer", "mean.mlp-64-128-10"),
    *("table.stats", "table.stats.reduce", "table.stats.large", "table.stats.large.reduce"),
)
"""Of each kind of built-in program some; node runs all (tests/edgebounty/programs/test_engines.py)."""


def _bytes(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()


def _address(label: str) -> Address:
    return to_address(_bytes(label)[:20])


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def commitments() -> list[dict[str, Any]]:
    cases = [
        (1, 1, 0),
        (31337, 7, 41),
        (11155111, 2**63, 2**32 - 1),
        ((1 << 256) - 1, (1 << 256) - 1, 2**32 - 1),
    ]
    found = []
    for i, (chain_id, job_id, task) in enumerate(cases):
        lane, worker = _address(f"lane {i}"), _address(f"worker {i}")
        digest, salt = Digest(_bytes(f"result {i}")), _bytes(f"salt {i}")
        expected = commitment(
            chain_id=chain_id,
            lane=lane,
            job_id=JobId(job_id),
            task_index=TaskIndex(task),
            worker=worker,
            digest=digest,
            salt=salt,
        )
        found.append(
            {
                "chainId": str(chain_id),
                "lane": lane,
                "jobId": str(job_id),
                "taskIndex": str(task),
                "worker": worker,
                "resultDigest": _hex(digest),
                "salt": _hex(salt),
                "commitment": _hex(expected),
            }
        )
    return found


def draws() -> list[dict[str, Any]]:
    token = 10**18
    shapes = [
        # stake, total, slots, reopens, ramp
        (0, 100 * token, 3, 0, 300),
        (token, 1_000 * token, 1, 0, 300),
        (token, 1_000 * token, 3, 0, 300),
        (token, 1_000 * token, 3, 2, 1),
        (token, 24 * token, 3, 0, 300),  # at the end of the ramp the weight is the total: always drawn
        (token, 24 * token + 1, 3, 0, 300),  # one unit short of it
        ((1 << 96) - 1, (1 << 96) - 1, 16, 16, 86_400),
        ((1 << 80) - 1, (1 << 96) - 1, 16, 8, 86_400),
        (1, (1 << 96) - 1, 1, 0, 86_400),
    ]
    found = []
    for i, (stake, total, slots, reopens, ramp) in enumerate(shapes):
        for seed in (_bytes(f"seed {i}"), _bytes(f"other seed {i}"), _bytes(f"third seed {i}")):
            worker = _address(f"worker {i}")
            wait = draw.wait_of(
                seed=seed,
                job_id=JobId(i + 1),
                task_index=TaskIndex(3 * i),
                worker=worker,
                stake=stake,
                total_stake=total,
                slots=slots,
                reopens=reopens,
                ramp_time=ramp,
            )
            numbers = {"jobId": i + 1, "taskIndex": 3 * i, "stake": stake, "totalStake": total, "slots": slots}
            numbers |= {"reopens": reopens, "rampTime": ramp, "wait": wait or 0}
            lot = draw.lot_of(seed, JobId(i + 1), TaskIndex(3 * i), worker)
            found.append(
                {name: str(value) for name, value in numbers.items()}
                | {"seed": _hex(seed), "worker": worker, "lot": _hex(lot), "drawn": wait is not None}
            )
    return found


def trees() -> list[dict[str, Any]]:
    found = []
    for count in (1, 2, 3, 4, 7, 16):
        accounts = [_address(f"payee {count} {i}") for i in range(count)]
        amounts = [10**18 * i + 1 for i in range(count)]
        tree = merkle.MerkleTree([merkle.leaf_hash(*pair) for pair in zip(accounts, amounts, strict=True)])
        leaves = [
            {
                "account": account,
                "amount": str(amount),
                "leaf": _hex(tree.leaves[i]),
                "proof": [_hex(node) for node in tree.proof(i)],
            }
            for i, (account, amount) in enumerate(zip(accounts, amounts, strict=True))
        ]
        found.append({"root": _hex(tree.root), "leaves": leaves})
    return found


def pattern(length: int) -> bytes:
    """Bytes anyone can make again: byte i is (i * 31 + i // 251) mod 256."""
    i = np.arange(length)
    return ((i * 31 + i // 251) & 255).astype(np.uint8).tobytes()


def cids() -> list[dict[str, Any]]:
    """The data is `pattern(length)`; roots as `ipfs add --cid-version=1 --raw-leaves --chunker=size-N`."""
    sizes = [(n, 1 << 20) for n in (0, 1, 31, 1 << 20, (1 << 20) + 1, 3 << 20)]
    sizes += [(n, 256) for n in (256 * 174, 256 * 174 + 1, 256 * 174 * 2 + 77)]
    return [
        {"length": str(n), "chunk": str(chunk), "cid": str(unixfs.root_cid(pattern(n), chunk_bytes=chunk))}
        for n, chunk in sizes
    ]


def cid_texts() -> dict[str, Any]:
    digest = Digest(_bytes("digest"))
    good = [Cid.of(b""), Cid(0x55, digest), Cid(DAG_PB, digest)]
    return {
        "good": [{"cid": str(c), "codec": hex(c.codec), "digest": _hex(c.digest)} for c in good],
        "bad": [
            "",
            "b",
            "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
            str(good[1]).upper(),
            str(good[1])[:-1],
            str(good[1]) + "a",
            "f01551220" + digest.hex(),
            str(good[1])[:-1] + "0",
            "bafyreig" + str(good[1])[8:],
        ],
    }


def signed() -> dict[str, Any]:
    key = _bytes("a key for tests only")
    domain = messages.Domain(chain_id=31337, verifying_contract=_address("escrow"))
    account = messages.address_of_key(key)
    cases: list[messages.Signable] = [
        messages.Upload(account=account, gateway="https://market.example", until=1_800_000_000),
        messages.Hello(worker=account, capabilities='{"memory":4096,"words":"é"}', until=(1 << 64) - 1),
    ]
    return {
        "privateKey": _hex(key),
        "account": account,
        "chainId": "31337",
        "verifyingContract": domain.verifying_contract,
        "domainSeparator": _hex(domain.separator),
        "messages": [
            {
                "type": m.TYPE,
                "message": {k: str(v) for k, v in messages.typed_data(domain, m)["message"].items()},
                "digest": _hex(messages.signing_digest(domain, m)),
                "signature": _hex(messages.sign(domain, m, key)),
            }
            for m in cases
        ],
    }


def batch_wire() -> dict[str, Any]:
    """What a worker of the batch lane signs: its messages, receipts, and the roots over them."""
    key = _bytes("a key for tests only")
    domain = messages.Domain(chain_id=31337, verifying_contract=_address("batch lane"))
    me, you = messages.address_of_key(key), _address("orchestrator")
    roots = {"receipts": _bytes("receipts"), "commit_sets": _bytes("sets")}
    ours = {"job": 2**255, "first_task": 4, "count": 2, **roots}
    cases: list[messages.Signable] = [
        batch.Join(worker=me, orchestrator=you, payout=_address("payout"), until=1_800_000_000),
        batch.Claim(worker=me, orchestrator=you, job=1, task=2**32 - 1, until=1_800_000_000),
        batch.Assignment(orchestrator=me, worker=you, job=1, first_task=4, tasks=(4, 7, 9), slot=255, until=1),
        batch.CommitSet(orchestrator=me, job=1, task=4, commitments=(_bytes("one"), _bytes("two"))),
        batch.CommitSet(orchestrator=me, job=1, task=4, commitments=()),
        batch.Receipts(worker=me, **ours),
        batch.Acceptance(orchestrator=me, worker=you, **ours),
        batch.Withdrawal(account=me, orchestrator=you, payout_index=3, cumulative=2**96 - 1, receiver=you, until=9),
    ]
    receipts = [
        wire.Receipt(task=(i * 0x01020304) % 2**32, slot=i % 256, digest=_bytes(f"result {i}")[:27]) for i in range(9)
    ]
    sets = [_bytes(f"set {i}") for i in range(9)]
    return {
        "privateKey": _hex(key),
        "account": me,
        "chainId": "31337",
        "verifyingContract": domain.verifying_contract,
        "messages": [
            {
                "type": m.TYPE,
                "message": {
                    k: [_text(item) for item in v] if isinstance(v, list) else _text(v)
                    for k, v in messages.typed_data(domain, m)["message"].items()
                },
                "digest": _hex(messages.signing_digest(domain, m)),
                "signature": _hex(batch.sign_compact(domain, m, key)),
            }
            for m in cases
        ],
        "receipts": [
            {
                "task": str(r.task),
                "slot": str(r.slot),
                "resultDigest": _hex(_bytes(f"result {i}")),
                "word": _hex(r.word),
            }
            for i, r in enumerate(receipts)
        ],
        "commitSets": [_hex(commit_set) for commit_set in sets],
        "roots": [
            {
                "count": str(count),
                "receipts": _hex(wire.receipts_tree(receipts[:count]).root),
                "commitSets": _hex(wire.sets_tree(sets[:count]).root),
            }
            for count in range(10)
        ],
    }


def batch_data() -> list[dict[str, Any]]:
    """Batches as they are published and as they are posted whole, and the root that both have on chain."""
    found = []
    for counts in ((1,), (2, 1), (3, 1, 5, 2, 1)):
        bundles = tuple(
            wire.SignedBundle(
                payout_index=3 * i + 1,
                account=_address(f"worker {i}"),
                receipts=tuple(
                    wire.Receipt(task=10 * i + j, slot=i, digest=_bytes(f"result {i} {j}")[:27]) for j in range(count)
                ),
                commit_sets=tuple(_bytes(f"set {i} {j}") for j in range(count)),
                signature=_bytes(f"r {i}") + _bytes(f"vs {i}"),
            )
            for i, count in enumerate(counts)
        )
        leaves = wire.bundle_leaves(bundles)
        tree = wire.bundles_tree(leaves)
        found.append(
            {
                "file": _hex(publishing.encode_data(leaves, bundles)),
                "calldata": _hex(wire.encode_bundles(bundles)),
                "receiptCount": str(sum(counts)),
                "bundlesRoot": _hex(tree.root),
                "leaves": [_hex(leaf.leaf) for leaf in leaves],
                "proofs": [[_hex(node) for node in tree.proof(i)] for i in range(len(counts))],
                "bundles": [
                    {
                        "account": leaf.account,
                        "start": str(leaf.start),
                        "words": [_hex(receipt.word) for receipt in bundle.receipts],
                    }
                    for leaf, bundle in zip(leaves, bundles, strict=True)
                ],
            }
        )
    return found


def _text(value: Any) -> str:
    return _hex(value) if isinstance(value, bytes) else str(value)


def failures() -> list[dict[str, str]]:
    codes = (failure.NAN, failure.TRAP, failure.WORK_LIMIT, "status_2", "status_255")
    return [
        {"code": code, "bytes": failure.failure_bytes(code).decode(), "digest": _hex(failure.failure_digest(code))}
        for code in codes
    ]


def programs() -> list[dict[str, Any]]:
    """What built-in programs give on inputs that anyone can make again (`input_bytes`): bytes and work units."""
    runtime = Runtime()
    found: list[dict[str, Any]] = []
    outputs: dict[str, bytes] = {}
    for name in PROGRAMS:
        layout = builtin.info(name).layout
        if layout.kind == "program":
            for work_limit in (10**9, 2000):
                params: dict[str, float] = {"learning_rate": 0.125, "epochs": 2} if layout.role("params") else {}
                done = runtime.run_program(
                    builtin.load(name),
                    state=input_bytes(layout, "state"),
                    shard=input_bytes(layout, "shard"),
                    params=params,
                    work_limit=work_limit,
                    output_limit=1 << 24,
                )
                if done.failure is None:
                    outputs[name] = done.output
                found.append(_program_case(name, None, params, work_limit, done))
    for name in PROGRAMS:
        layout = builtin.info(name).layout
        if layout.kind == "reducer":
            program = (
                f"{name.removeprefix('mean.')}.train" if name.startswith("mean.") else name.removesuffix(".reduce")
            )
            done = runtime.run_reducer(
                builtin.load(name),
                state=input_bytes(layout, "state"),
                inputs=[outputs[program]] * 3,
                params={},
                work_limit=10**9,
            )
            found.append(_program_case(name, program, {}, 10**9, done))
    return found


def plans() -> list[dict[str, Any]]:
    """Jobs that a page plans as Python does, byte for byte. Cell i of a table is i / 7 - 10."""
    found = []
    for rows, columns, shards in ((1, 1, 1), (40, 3, 3), (400, 25, 2), (9000, 20, 4)):
        names = [f"column {i}" for i in range(columns)]
        table = (np.arange(rows * columns) / 7 - 10).reshape(rows, columns)
        pair = ProgramPair(*(builtin.load(name) for name in program_names(rows, columns)))
        planned = plan_analyze(table, names, pair, shards=shards)
        found.append(
            {
                "rows": rows,
                "columns": names,
                "shards": shards,
                "program": program_names(rows, columns)[0],
                "manifest": str(planned.cid),
                "blocks": len(planned.blocks),
            }
        )
    return found


def trainings() -> list[dict[str, Any]]:
    """Train jobs that a page plans as Python does. Cell i of the inputs is i mod 17 / 8 - 1, label i mod classes."""
    found = []
    for model, rows, shards, rounds, rate in (("mlp:13-32-3", 30, 2, 3, 0.1), ("mlp:64-128-10", 20, 1, 1, 1.0)):
        network = Model.parse(model)
        x = (np.arange(rows * network.inputs) % 17 / 8 - 1).reshape(rows, network.inputs)
        y = np.arange(rows) % network.classes
        pair = ProgramPair(*(builtin.load(name) for name in network.train_programs))
        planned = plan_train(x, y, pair, model=model, rounds=rounds, shards=shards, epochs=2, learning_rate=rate)
        found.append(
            {
                "network": model,
                "rows": rows,
                "shards": shards,
                "rounds": rounds,
                "epochs": 2,
                "learningRate": rate,
                "manifest": str(planned.cid),
            }
        )
    return found


def own_programs() -> dict[str, Any]:
    """An own program's job, and a module with state put behind its memory, as a page makes them."""
    program = builtin.load("mlp-13-32-3.infer")
    layout = Layout.of_module(program)
    shards = [pattern(layout.role_bytes("shard")), bytes(layout.role_bytes("shard"))]
    plain = plan_own(shards, ProgramPair(program))
    buffers = [("state.total", "f64", (3, 5)), ("state.rows", "i32", (1,))]
    pair = ProgramPair(builtin.load("table.stats"), builtin.load("table.stats.reduce"))
    table = Layout.of_module(pair.program).role_bytes("shard")
    return {
        "program": "mlp-13-32-3.infer",
        "manifest": str(plain.cid),
        "reduced": str(plan_own([pattern(table)], pair, rounds=2).cid),
        "extended": _hex(hashlib.sha256(with_state(program, buffers)).digest()),
    }


def prices() -> list[dict[str, Any]]:
    """What a page shows before anything is signed, as the Python client does: every policy, for the same pay a run."""
    found = []
    for tasks, fee_bps, bounty in ((1, 0, 9), (8, 100, 5 * 10**18), (10_000, 250, 10**21 + 12_345), (3, 1, 10_007)):
        chosen = POLICIES["standard"]
        price = price_of(bounty=bounty, tasks=tasks, slots_per_task=chosen.copies, fee_bps=fee_bps)
        per_run = price.slot_price + price.fee_per_slot
        found.append(
            {
                "tasks": tasks,
                "feeBps": fee_bps,
                "slotPrice": str(price.slot_price),
                "feePerSlot": str(price.fee_per_slot),
                "batch": [
                    {
                        "name": each.policy.name,
                        "copies": each.policy.copies,
                        "escrow": str(each.escrow_for_same_pay),
                        "wrong": f"{each.policy.wrong_share:.6g}",
                    }
                    for each in policy_prices(bounty=bounty, tasks=tasks, fee_bps=fee_bps, chosen=chosen)
                ],
                "direct": [
                    {
                        "quorum": quorum,
                        "slots": slots,
                        "escrow": str(
                            price_of(
                                bounty=per_run * tasks * slots, tasks=tasks, slots_per_task=slots, fee_bps=fee_bps
                            ).escrow
                        ),
                    }
                    for quorum, slots in ((1, 1), (QUORUM, WORK_SLOTS), (3, 5))
                ],
            }
        )
    return found


def shapes() -> list[dict[str, Any]]:
    """Which task reads what: for numbers of shards, rounds and a fan-in, every task as (state, inputs, is last)."""
    found = []
    for shards, rounds, fan_in in ((1, 1, None), (3, 2, None), (5, 2, 2), (9, 1, 3), (10, 1, 4)):
        cid = Cid.of(b"shape")
        manifest = Manifest(
            kind="wasm",
            program=cid,
            reducer=cid,
            state=None,
            state_bytes=1,
            shards=(Shard(cid=cid, bytes=1, rows=1),) * shards,
            rounds=rounds,
            params={},
            limits=Limits(work_units=1, memory_bytes=1, output_bytes=2),
            combiner=None if fan_in is None else cid,
            fan_in=fan_in,
        )
        specs = [describe(manifest, i) for i in range(manifest.total_tasks)]
        found.append(
            {
                "manifest": manifest.encode().decode(),
                "tasks": [[spec.state_task, list(spec.input_tasks), spec.is_last] for spec in specs],
            }
        )
    return found


def _program_case(
    name: str, program: str | None, params: dict[str, float], work_limit: int, done: Execution
) -> dict[str, Any]:
    return {
        "name": name,
        "inputsFrom": program,  # of a reducer: the program whose output, three times, are its inputs
        "params": {key: str(value) for key, value in params.items()},
        "workLimit": str(work_limit),
        "outputDigest": _hex(hashlib.sha256(done.output).digest()),
        "workUnits": str(done.work_units),
        "failure": done.failure,
    }


def input_bytes(layout: Layout, role: str) -> bytes:
    """The bytes of a role: rows = 20, columns = 5, labels i mod 3, a table's state 0, other numbers a small pattern."""
    parts = []
    for buffer in layout.role(role):
        i = np.arange(buffer.items)
        if role == "state" and layout.name.startswith("table"):
            values = np.zeros(buffer.items)
        elif buffer.dtype == "i32":
            values = np.full(1, {"rows": 20, "columns": 5}[buffer.name]) if buffer.items == 1 else i % 3
        else:
            values = (((i * 31 + i // 251) & 255) - 128) / 64
        parts.append(values.astype(NUMPY_TYPES[buffer.dtype]).tobytes())
    return b"".join(parts)


FILES: dict[str, Callable[[], Any]] = {
    "commitment": commitments,
    "draw": draws,
    "merkle": trees,
    "cids": cids,
    "cid_texts": cid_texts,
    "messages": signed,
    "batch_wire": batch_wire,
    "batch_data": batch_data,
    "failures": failures,
    "programs": programs,
    "plans": plans,
    "trainings": trainings,
    "own_programs": own_programs,
    "prices": prices,
    "shapes": shapes,
}


def text_of(name: str) -> str:
    """What the file of this name must hold."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    for name in FILES:
        (FOLDER / f"{name}.json").write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
