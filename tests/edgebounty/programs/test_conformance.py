"""Every built-in program and the example models give the same digests and work units in every engine, and have done so.

`tests/vectors/conformance.json` keeps what they gave when they were last changed on purpose. To write it anew:
`python -m tests.edgebounty.programs.test_conformance`.
"""

import json
import tempfile
from functools import cache
from pathlib import Path

import pytest

from edgebounty.programs import builtin
from edgebounty.programs.timing import made_up_inputs
from edgebounty.protocol.hashing import sha256
from edgebounty.protocol.layout import Layout
from tests.edgebounty.programs.engines_kit import ENGINES, Case, Results, in_wasmtime
from tests.edgebounty.programs.test_engines import inputs_of

pytestmark = pytest.mark.integration

GOLDEN = Path(__file__).resolve().parents[2] / "vectors" / "conformance.json"


@cache
def builtins() -> dict[str, Case]:
    found = {}
    for name in builtin.names():
        module, layout = builtin.load(name), builtin.info(name).layout
        state, shard, params, inputs = inputs_of(name)
        roles = {"state": state, "params": layout.pack_params(params)}
        if layout.kind == "program":
            found[name] = Case(module=module, roles=roles | {"shard": shard})
        else:
            found[name] = Case(module=module, roles=roles, inputs=tuple(inputs))
    return found


@cache
def examples() -> dict[str, Case]:
    """A network, a depthwise one, a training step with Adam, and a transformer's: all tiled."""
    pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
    pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")
    from tests.edgebounty.programs.test_tiling import MODELS

    found = {}
    with tempfile.TemporaryDirectory(prefix="edgebounty-examples-") as folder:
        for name in ("lenet", "mobile", "perceptron", "transformer"):
            module, state, params, _ = MODELS[name](Path(folder), simd=True, tile=True)
            layout = Layout.of_module(module)
            shard = made_up_inputs(layout)["shard"]
            roles = {"state": state, "shard": shard, "params": layout.pack_params(params)}
            found[f"example.{name}"] = Case(module=module, roles=roles)
    return found


@cache
def all_cases() -> dict[str, Case]:
    return {**builtins(), **examples()}


@cache
def results(engine: str) -> Results:
    return ENGINES[engine](all_cases())


def golden_of(found: Results) -> dict[str, dict[str, str | None]]:
    return {
        name: {
            "module": sha256(all_cases()[name].module).hex(),
            "output": result.output,
            "failure": result.failure,
            "work_units": result.work_units,
        }
        for name, result in sorted(found.items())
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_every_program__in_this_engine__gives_the_golden_digest_and_work_units(engine):
    assert golden_of(results(engine)) == json.loads(GOLDEN.read_text())


def test_every_program__gives_a_result():
    assert [name for name, result in results("wasmtime").items() if result.failure] == []


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_of(in_wasmtime(all_cases())), indent=1) + "\n")
