// Runs programs in a JavaScript engine, node's or a browser's, as runtime.py runs them in wasmtime: the same code for both.
const LAYOUT_SECTION = "edgebounty.layout";
const ITEM_BYTES = { f32: 4, f64: 8, i32: 4, i64: 8, u8: 1, i8: 1 };
const WORK_LIMIT = 1n << 60n;

// `roles`: bytes of state, shard and params by name; `inputs`: what a reducer joins. Gives the SHA-256 of the output (null if
// it failed), the failure's code or null, and the work units as text.
export async function runProgram(bytes, roles, inputs) {
  const module = await WebAssembly.compile(bytes);
  const [section] = WebAssembly.Module.customSections(module, LAYOUT_SECTION);
  const layout = JSON.parse(new TextDecoder().decode(section));
  const { exports } = await WebAssembly.instantiate(module, {});
  const memory = new Uint8Array(exports.memory.buffer);
  exports.work_left.value = WORK_LIMIT;
  for (const [role, content] of Object.entries(roles)) write(role, content);
  let status = 0;
  if (layout.kind === "program") {
    status = exports.run();
  } else {
    status = exports.start();
    for (const input of inputs) {
      if (status !== 0) break;
      write("input", input);
      status = exports.step();
    }
    if (status === 0) status = exports.finish();
  }
  const outputs = buffersOf("output");
  let failure = status === 0 ? null : status === 1 ? "nan" : `status_${status}`;
  if (failure === null && outputs.some(hasNan)) failure = "nan";
  const whole = new Uint8Array(outputs.reduce((sum, buffer) => sum + bytesOf(buffer), 0));
  let at = 0;
  for (const buffer of outputs) {
    whole.set(memory.subarray(buffer.offset, buffer.offset + bytesOf(buffer)), at);
    at += bytesOf(buffer);
  }
  const output = failure === null ? await sha256(whole) : null;
  return { output, failure, work_units: String(WORK_LIMIT - exports.work_left.value) };

  function buffersOf(role) {
    return layout.buffers.filter((buffer) => buffer.role === role);
  }
  function write(role, content) {
    let from = 0;
    for (const buffer of buffersOf(role)) {
      memory.set(content.subarray(from, from + bytesOf(buffer)), buffer.offset);
      from += bytesOf(buffer);
    }
  }
  function hasNan(buffer) {
    if (buffer.dtype !== "f32" && buffer.dtype !== "f64") return false;
    const View = buffer.dtype === "f32" ? Float32Array : Float64Array;
    const items = bytesOf(buffer) / ITEM_BYTES[buffer.dtype];
    return new View(exports.memory.buffer, buffer.offset, items).some(Number.isNaN);
  }
}

function bytesOf(buffer) {
  return buffer.shape.reduce((product, size) => product * size, ITEM_BYTES[buffer.dtype]);
}

async function sha256(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// `read(name)` gives a file's bytes. cases.json: {NAME: {module: FILE, roles: {ROLE: FILE}, inputs: [FILE, ...]}}.
export async function runCases(read) {
  const cases = JSON.parse(new TextDecoder().decode(await read("cases.json")));
  const results = {};
  for (const [name, { module, roles, inputs }] of Object.entries(cases)) {
    const contents = {};
    for (const [role, file] of Object.entries(roles)) contents[role] = await read(file);
    const joined = [];
    for (const file of inputs) joined.push(await read(file));
    results[name] = await runProgram(await read(module), contents, joined);
  }
  return results;
}

if (typeof process !== "undefined") {
  const { readFileSync } = await import("node:fs");
  const folder = process.argv[2];
  console.log(JSON.stringify(await runCases(async (name) => new Uint8Array(readFileSync(`${folder}/${name}`)))));
}
