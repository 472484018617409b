import { describe, expect, test } from "vitest";

import { type Bytes, concatBytes, type Hex, toHex, utf8 } from "../../web/protocol/bytes";
import { sha256 } from "../../web/protocol/hash";
import { type Buffer, buffersOf, LAYOUT_SECTION, type Layout, parseLayout, type Role } from "../../web/protocol/layout";
import { execute, type Work } from "../../web/runner/execute";
import { readProgram, readVectors } from "./vectors";

const MEMORY_BYTES = 256 << 20;

interface Case {
  name: string;
  inputsFrom: string | null;
  params: Record<string, string>;
  workLimit: string;
  outputDigest: Hex;
  workUnits: string;
  failure: string | null;
}

const cases = readVectors<Case[]>("programs");

test.each(cases)("$name within $workLimit units gives the bytes and work units that wasmtime gives", async (it) => {
  const done = run(it);

  expect([toHex(await sha256(done.output)), done.workUnits, done.failure]).toEqual([
    it.outputDigest,
    Number(it.workUnits),
    it.failure,
  ]);
});

describe("a module that is not ours to run", () => {
  const good = workOf(cases[0] as Case);

  test("a wrong size of its state is refused before anything runs", () => {
    expect(() => execute({ ...good, state: good.state.slice(1) })).toThrow("bytes of state");
  });

  test("more memory than the job allows is refused", () => {
    expect(() => execute({ ...good, memoryBytes: 1 << 16 })).toThrow("of memory");
  });

  test("bytes that are no module are refused", () => {
    for (const module of [utf8("<html>"), new Uint8Array(0), good.module.slice(0, 40)]) {
      expect(() => execute({ ...good, module })).toThrow();
    }
  });

  // (module) with: an import section, a start section, a memory that may grow, two memories
  test.each([
    [[2, 7, 1, 1, 97, 1, 98, 2, 0, 1], "imports"],
    [[8, 1, 0], "start function"],
    [[5, 3, 1, 0, 1], "fixed size"],
    [[5, 4, 1, 1, 1, 2], "fixed size"],
    [[5, 5, 2, 0, 1, 0, 1], "fixed size"],
    [[], "no memory"],
  ])("sections %j are refused: %s", (section, reason) => {
    const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section);
    expect(() => execute({ ...good, module })).toThrow(reason);
  });
});

function run(it: Case) {
  return execute(workOf(it));
}

function workOf(it: Case): Work {
  const module = readProgram(it.name);
  const layout = layoutOf(module);
  const program = cases.find((other) => other.name === it.inputsFrom && other.failure === null);
  const input = program ? run(program).output : null;
  return {
    module,
    state: inputBytes(layout, "state"),
    shard: input ? null : inputBytes(layout, "shard"),
    inputs: input ? [input, input, input] : [],
    params: Object.fromEntries(Object.entries(it.params).map(([name, value]) => [name, Number(value)])),
    workLimit: Number(it.workLimit),
    memoryBytes: MEMORY_BYTES,
  };
}

function layoutOf(module: Bytes): Layout {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(module), LAYOUT_SECTION);
  return parseLayout(new TextDecoder().decode(section));
}

/** The twin of `input_bytes` in tests/vectors/make.py. */
function inputBytes(layout: Layout, role: Role): Bytes {
  return concatBytes(buffersOf(layout, role).map((buffer) => bytesOf(layout, buffer)));
}

function bytesOf(layout: Layout, buffer: Buffer): Uint8Array {
  const items = buffer.shape.reduce((product, size) => product * size, 1);
  const wave = (_: unknown, i: number) => (((i * 31 + Math.floor(i / 251)) & 255) - 128) / 64;
  if (buffer.role === "state" && layout.name.startsWith("table")) return new Uint8Array(buffer.bytes);
  if (buffer.dtype === "i32") {
    const number = buffer.name === "rows" ? 20 : 5;
    return new Uint8Array(Int32Array.from({ length: items }, (_, i) => (items === 1 ? number : i % 3)).buffer);
  }
  const values = Array.from({ length: items }, wave);
  return new Uint8Array((buffer.dtype === "f32" ? Float32Array.from(values) : Float64Array.from(values)).buffer);
}
