"""How fast is a program in the phone page, beside wasmtime on the same task and machine?

The page's own runner (the sandboxed frame and its worker, as built) is given the same module, state and shard as
wasmtime gets here; both say how long the program took. In turns, and the best of each: others share the machine.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import numpy as np

from bench.figure import Figure
from edgebounty.content.store import MemoryStore
from edgebounty.execution import fetcher
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.shape import describe
from edgebounty.jobs.train import plan_train
from edgebounty.programs import builtin
from edgebounty.programs.runtime import Runtime
from tests.e2e.browser_kit import new_page, open_browser
from tests.e2e.lane_kit import open_lane

RUNS: Final = 7
EPOCHS: Final = 2000  # about a second
RUN_IN_FRAME: Final = """async ({work, parts}) => {
    const bytes = (text) => Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
    for (const name of parts) work[name] = bytes(work[name]);
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.src = './runner.html';
    const said = await new Promise((resolve) => {
        addEventListener('message', function listen({data, source}) {
            if (source !== frame.contentWindow) return;
            if (data === 'ready') return frame.contentWindow.postMessage({id: 1, work}, '*');
            removeEventListener('message', listen);
            resolve(data);
        });
        document.body.append(frame);
    });
    frame.remove();
    if (said.problem) throw new Error(said.problem.message);
    const {output, workUnits, seconds, failure} = said.execution;
    return {output: btoa(String.fromCharCode(...output.subarray(0, 4096))), workUnits, seconds, failure};
}"""


def run() -> list[Figure]:
    planned = _plan()
    runtime, there, here = Runtime(), [], []
    with open_lane(planned) as lane, open_browser() as browser:
        page = new_page(browser, device="phone")
        page.goto(lane.page)
        for _ in range(RUNS):
            in_page = page.evaluate(RUN_IN_FRAME, _question(planned))
            done = _in_wasmtime(runtime, planned)
            assert not in_page["failure"], in_page["failure"]
            assert in_page["workUnits"] == done.work_units
            assert base64.b64decode(in_page["output"]) == done.output[:4096], "the page's result is another"
            there.append(in_page["seconds"])
            here.append(done.seconds)
    return [
        Figure(
            name="phone_wasm_speed",
            value=min(there),
            unit="s",
            peer="wasmtime",
            peer_value=min(here),
            ratio=min(here) / min(there),
            target=0.8,
            better="higher",
        ).save()
    ]


def _plan() -> PlannedJob:
    pair = ProgramPair(builtin.load("mlp-64-128-10.train"), builtin.load("mean.mlp-64-128-10"))
    generator = np.random.default_rng(1)
    x, y = generator.random((100, 64), dtype=np.float32), generator.integers(0, 10, 100)
    return plan_train(
        x,
        y,
        pair,
        model="mlp:64-128-10",
        rounds=1,
        shards=1,
        epochs=EPOCHS,
        learning_rate=0.01,
        work_units=1 << 50,
    )


def _content(planned: PlannedJob) -> tuple[bytes, bytes, bytes]:
    manifest, fetch = planned.manifest, fetcher(MemoryStore(planned.blocks), planned.manifest)
    spec = describe(manifest, 0)
    assert spec.shard is not None
    assert manifest.state is not None
    return fetch(manifest.program), fetch(manifest.state), fetch(spec.shard.cid)


def _question(planned: PlannedJob) -> dict[str, Any]:
    module, state, shard = (base64.b64encode(part).decode() for part in _content(planned))
    limits = planned.manifest.limits
    work = {"module": module, "state": state, "shard": shard, "inputs": [], "params": dict(planned.manifest.params)}
    work |= {"workLimit": limits.work_units, "memoryBytes": limits.memory_bytes}
    return {"work": work, "parts": ["module", "state", "shard"]}


def _in_wasmtime(runtime: Runtime, planned: PlannedJob) -> Any:
    module, state, shard = _content(planned)
    runtime.layout(module)  # compiled before the clock runs, as in the page
    limits = planned.manifest.limits
    return runtime.run_program(
        module,
        state=state,
        shard=shard,
        params=dict(planned.manifest.params),
        work_limit=limits.work_units,
        output_limit=limits.output_bytes,
    )
