"""Runs `table.stats` and its reducer as a job would."""

import numpy as np

from edgebounty.programs import builtin
from edgebounty.programs.runtime import Execution, Runtime
from tests.edgebounty.programs.program_kit import pack, unpack

RUNTIME = Runtime()


def map_task(name: str, shard: np.ndarray, state: bytes, **changes) -> Execution:
    layout = builtin.info(name).layout
    values = {"rows": len(shard), "columns": shard.shape[1], "x": shard} | changes
    packed = pack(layout, "shard", values)
    return RUNTIME.run_program(
        builtin.load(name), state=state, shard=packed, params={}, work_limit=10**10, output_limit=10**7
    )


def reduce_task(name: str, outputs: list[bytes], state: bytes) -> Execution:
    module = builtin.load(f"{name}.reduce")
    return RUNTIME.run_reducer(module, state=state, inputs=outputs, params={}, work_limit=10**10)


def statistics(name: str, shards: list[np.ndarray]) -> dict[str, np.ndarray]:
    layout = builtin.info(f"{name}.reduce").layout
    state = bytes(layout.role_bytes("state"))
    for _ in range(2):
        done = [map_task(name, shard, state) for shard in shards]
        assert [d.failure for d in done] == [None] * len(shards)
        joined = reduce_task(name, [d.output for d in done], state)
        assert joined.failure is None
        state = joined.output
    columns = shards[0].shape[1]
    found = unpack(layout, "output", state)
    return {key: value if value.size == 1 else value[:columns] for key, value in found.items()}
