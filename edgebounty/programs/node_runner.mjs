// Runs a program or reducer in node as `runtime.py` runs it in wasmtime: same output bytes, same work units.
//
//   node node_runner.mjs JOB.json
//
// JOB.json: {"module": FILE, "state": FILE, "params": FILE, "shard": FILE | "inputs": [FILE, ...],
//            "work_limit": "N", "output": FILE to write}
// Prints {"work_units": "N", "failure": null or code, "seconds": S, "layout": NAME}. The module must have passed the
// validator; exit status 1 says that the job itself does not fit the module.
import { readFileSync, writeFileSync } from "node:fs";

const LAYOUT_SECTION = "edgebounty.layout";
const ITEM_BYTES = { f32: 4, f64: 8, i32: 4, i64: 8, u8: 1, i8: 1 };
const STATUS_MAX = 255;

const job = JSON.parse(readFileSync(process.argv[2], "utf8"));
const module = new WebAssembly.Module(readFileSync(job.module));
const sections = WebAssembly.Module.customSections(module, LAYOUT_SECTION);
if (sections.length !== 1) refuse(`the module has ${sections.length} sections ${LAYOUT_SECTION}, one is needed`);
const layout = JSON.parse(new TextDecoder().decode(sections[0]));
const { exports } = new WebAssembly.Instance(module, {});
const memory = new Uint8Array(exports.memory.buffer);
const workLimit = BigInt(job.work_limit);
exports.work_left.value = workLimit;

const started = performance.now();
let failure = null;
write("state", job.state);
write("params", job.params);
if (layout.kind === "program") {
  write("shard", job.shard);
  call("run");
} else {
  let going = call("start");
  for (const input of job.inputs) {
    if (!going) break;
    write("input", input);
    going = call("step");
  }
  if (going) call("finish");
}
if (failure === null && buffersOf("output").some(hasNan)) failure = "nan";
const seconds = (performance.now() - started) / 1000;
const output =
  failure === null
    ? Buffer.concat(buffersOf("output").map((b) => memory.subarray(b.offset, b.offset + bytesOf(b))))
    : Buffer.from(`{"failure":"${failure}"}`);
writeFileSync(job.output, output);
const left = exports.work_left.value;
const workUnits = workLimit - (left < 0n ? 0n : left);
console.log(JSON.stringify({ work_units: String(workUnits), failure, seconds, layout: layout.name }));

function call(name) {
  let code;
  try {
    code = codeOf(exports[name]());
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    code = "trap";
  }
  failure = exports.work_left.value < 0n ? "work_limit" : code;
  return failure === null;
}

function codeOf(status) {
  if (status === 0) return null;
  if (status === 1) return "nan";
  return `status_${status > 1 && status < STATUS_MAX ? status : STATUS_MAX}`;
}

function buffersOf(role) {
  return layout.buffers.filter((buffer) => buffer.role === role);
}

function bytesOf(buffer) {
  return buffer.shape.reduce((product, size) => product * size, ITEM_BYTES[buffer.dtype]);
}

function write(role, path) {
  const content = path ? readFileSync(path) : Buffer.alloc(0);
  const expected = buffersOf(role).reduce((sum, buffer) => sum + bytesOf(buffer), 0);
  if (content.length !== expected) refuse(`${layout.name} reads ${expected} bytes of ${role}, got ${content.length}`);
  let at = 0;
  for (const buffer of buffersOf(role)) {
    memory.set(content.subarray(at, at + bytesOf(buffer)), buffer.offset);
    at += bytesOf(buffer);
  }
}

function hasNan(buffer) {
  if (buffer.dtype !== "f32" && buffer.dtype !== "f64") return false;
  const View = buffer.dtype === "f32" ? Float32Array : Float64Array;
  return new View(exports.memory.buffer, buffer.offset, bytesOf(buffer) / ITEM_BYTES[buffer.dtype]).some(Number.isNaN);
}

function refuse(reason) {
  console.error(reason);
  process.exit(1);
}
