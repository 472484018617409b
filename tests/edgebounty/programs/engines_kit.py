"""The same cases in every engine at hand: wasmtime, node, headless Chromium, V8 for ARM64 in user-mode emulation."""

import hashlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgebounty.programs.runtime import WORK_LIMIT_MAX, Runtime
from edgebounty.protocol.layout import Layout

RUNNER = Path(__file__).with_name("conformance.mjs")
ARM64_NODE = Path(__file__).resolve().parents[3] / "build" / "arm64" / "package" / "bin" / "node"
ARM64_LIBRARIES = Path("/usr/aarch64-linux-gnu")
CHROMIUM_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
SECONDS = 240
PAGE = """<!doctype html><script type="module">
import { runCases } from "/conformance.mjs";
const read = async (name) => new Uint8Array(await (await fetch("/" + name)).arrayBuffer());
let answer;
try { answer = await runCases(read); } catch (error) { answer = { error: String(error) }; }
await fetch("/done", { method: "POST", body: JSON.stringify(answer) });
</script>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A module with the bytes of its roles; `inputs` are what a reducer joins."""

    module: bytes
    roles: Mapping[str, bytes]
    inputs: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`output`: SHA-256 of the output's bytes, None if the program failed."""

    output: str | None
    failure: str | None
    work_units: str


Cases = Mapping[str, Case]
Results = dict[str, Result]


def in_wasmtime(cases: Cases) -> Results:
    runtime = Runtime(memory_bytes=1 << 30)
    results = {}
    for name, case in cases.items():
        common = {
            "state": case.roles.get("state", b""),
            "params": case.roles.get("params", b""),
            "work_limit": min(1 << 60, WORK_LIMIT_MAX),
            "output_limit": 1 << 28,
        }
        if Layout.of_module(case.module).kind == "program":
            done = runtime.run_program(case.module, shard=case.roles["shard"], **common)
        else:
            done = runtime.run_reducer(case.module, inputs=case.inputs, **common)
        output = None if done.failure else hashlib.sha256(done.output).hexdigest()
        results[name] = Result(output=output, failure=done.failure, work_units=str(done.work_units))
    return results


def in_node(cases: Cases) -> Results:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    return _by_command(cases, ["node"])


def in_arm64(cases: Cases) -> Results:
    if shutil.which("qemu-aarch64") is None or not ARM64_LIBRARIES.exists():
        pytest.skip("ARM64 emulation is not installed (Debian: qemu-user libc6-arm64-cross libstdc++6-arm64-cross)")
    if not ARM64_NODE.exists():
        pytest.skip("node for ARM64 is not there; scripts/arm64.sh fetches it")
    return _by_command(cases, ["qemu-aarch64", "-L", str(ARM64_LIBRARIES), str(ARM64_NODE)])


def _by_command(cases: Cases, engine: list[str]) -> Results:
    with tempfile.TemporaryDirectory(prefix="edgebounty-engines-") as folder:
        _write(cases, Path(folder))
        done = subprocess.run(
            [*engine, str(RUNNER), folder], capture_output=True, text=True, check=False, timeout=SECONDS
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return _read(json.loads(done.stdout))


def in_chromium(cases: Cases) -> Results:
    chromium = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("Chromium is not installed (Debian: chromium)")
    with tempfile.TemporaryDirectory(prefix="edgebounty-engines-") as folder, _Server(cases, Path(folder)) as server:
        command = [chromium, *CHROMIUM_FLAGS.split(), f"--user-data-dir={folder}/profile", server.url]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            answered = server.done.wait(SECONDS)
        finally:
            browser.terminate()
            _, said = browser.communicate(timeout=30)
    assert answered, f"Chromium gave no answer: {said[-2000:]}"
    assert "error" not in server.answer, server.answer
    return _read(server.answer)


class _Server:
    """Serves the cases to one page on this machine and takes its answer."""

    def __init__(self, cases: Cases, folder: Path) -> None:
        _write(cases, folder)
        self.done = threading.Event()
        self.answer: dict = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.lstrip("/")
                files = {"": ("text/html", PAGE.encode()), RUNNER.name: ("text/javascript", RUNNER.read_bytes())}
                path = folder / name
                if name in files:
                    kind, content = files[name]
                elif path.is_file():
                    kind, content = "application/octet-stream", path.read_bytes()
                else:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                outer.answer = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()
                outer.done.set()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> "_Server":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _write(cases: Cases, folder: Path) -> None:
    listed = {}
    for index, (name, case) in enumerate(cases.items()):
        (folder / f"{index}.wasm").write_bytes(case.module)
        roles = {}
        for role, content in case.roles.items():
            roles[role] = f"{index}.{role}"
            (folder / roles[role]).write_bytes(content)
        inputs = [f"{index}.input{position}" for position in range(len(case.inputs))]
        for file, content in zip(inputs, case.inputs, strict=True):
            (folder / file).write_bytes(content)
        listed[name] = {"module": f"{index}.wasm", "roles": roles, "inputs": inputs}
    (folder / "cases.json").write_text(json.dumps(listed))


def _read(answer: Mapping[str, Mapping[str, str | None]]) -> Results:
    return {name: Result(**result) for name, result in answer.items()}  # type: ignore[arg-type]


ENGINES = {"wasmtime": in_wasmtime, "node": in_node, "chromium": in_chromium, "arm64": in_arm64}
