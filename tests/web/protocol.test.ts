import { describe, expect, test } from "vitest";

import { type Bytes, fromHex, type Hex, toHex, utf8 } from "../../web/protocol/bytes";
import { decodeCanonical, encodeCanonical } from "../../web/protocol/canonical";
import { Cid } from "../../web/protocol/cid";
import { commitmentOf } from "../../web/protocol/commitment";
import { type Draw, lotOf, waitOf } from "../../web/protocol/draw";
import { failureBytes, type FailureCode, failureOfDigest } from "../../web/protocol/failure";
import { sha256 } from "../../web/protocol/hash";
import { encodeManifest, parseManifest, totalTasks } from "../../web/protocol/manifest";
import { leafHash, verifyProof } from "../../web/protocol/merkle";
import { describeTask } from "../../web/protocol/shape";
import { buildFile, parseLinks } from "../../web/protocol/unixfs";
import { pattern, readVectors } from "./vectors";

describe("CIDs", () => {
  const texts = readVectors<{ good: { cid: string; codec: string; digest: Hex }[]; bad: string[] }>("cid_texts");

  test.each(texts.good)("$cid is read and written", ({ cid, codec, digest }) => {
    const parsed = Cid.parse(cid);
    expect([String(parsed), parsed.codec, toHex(parsed.digest)]).toEqual([cid, Number(codec), digest]);
  });

  test.each(texts.bad)("%j is refused", (text) => {
    expect(() => Cid.parse(text)).toThrow("CID");
  });

  test.each(readVectors<{ length: string; chunk: string; cid: string }[]>("cids"))(
    "$length bytes in chunks of $chunk",
    async ({ length, chunk, cid }) => {
      const built = await buildFile(pattern(Number(length)), Number(chunk));
      expect(String(built.cid)).toBe(cid);
    },
  );

  test("a node tells its children, and a changed or cut one is refused", async () => {
    const built = await buildFile(pattern(1000), 256);
    const root = built.blocks.at(-1)?.bytes as Bytes;
    expect(parseLinks(root).map(({ cid, bytes }) => [String(cid), bytes])).toEqual(
      built.blocks.slice(0, -1).map(({ cid, bytes }) => [String(cid), bytes.length]),
    );
    for (let cut = 1; cut < root.length; cut += 7) expect(() => parseLinks(root.slice(0, -cut))).toThrow();
    const grown = root.slice();
    grown[root.length - 1] = 255; // a child's size, so the sum is wrong
    expect(() => parseLinks(grown)).toThrow();
  });
});

test.each(readVectors<Record<string, string>[]>("commitment"))("commitment of job $jobId", (it) => {
  const made = commitmentOf({
    chainId: BigInt(it.chainId ?? ""),
    lane: it.lane as Hex,
    jobId: BigInt(it.jobId ?? ""),
    taskIndex: Number(it.taskIndex),
    worker: it.worker as Hex,
    digest: fromHex(it.resultDigest ?? ""),
    salt: fromHex(it.salt ?? ""),
  });
  expect(toHex(made)).toBe(it.commitment);
});

test("draws", () => {
  const cases = readVectors<(Record<string, string> & { drawn: boolean })[]>("draw");
  const found = cases.map((it) => {
    const draw: Draw = {
      seed: fromHex(it.seed ?? ""),
      jobId: BigInt(it.jobId ?? ""),
      taskIndex: Number(it.taskIndex),
      worker: it.worker as Hex,
      stake: BigInt(it.stake ?? ""),
      totalStake: BigInt(it.totalStake ?? ""),
      slots: Number(it.slots),
      reopens: Number(it.reopens),
      rampTime: Number(it.rampTime),
    };
    return [toHex(lotOf(draw)), waitOf(draw)];
  });
  expect(found).toEqual(cases.map((it) => [it.lot, it.drawn ? Number(it.wait) : null]));
  expect(new Set(cases.map((it) => it.drawn)).size).toBe(2);
});

interface Leaf {
  account: Hex;
  amount: string;
  leaf: Hex;
  proof: Hex[];
}

test.each(readVectors<{ root: Hex; leaves: Leaf[] }[]>("merkle"))("Merkle tree $root", ({ root, leaves }) => {
  for (const { account, amount, leaf, proof } of leaves) {
    const made = leafHash([account, BigInt(amount)]);
    expect(toHex(made)).toBe(leaf);
    const siblings = proof.map(fromHex);
    expect(verifyProof(siblings, fromHex(root), made)).toBe(true);
    expect(verifyProof(siblings, fromHex(root), leafHash([account, BigInt(amount) + 1n]))).toBe(false);
  }
});

test.each(readVectors<{ code: FailureCode; bytes: string; digest: Hex }[]>("failures"))("failure $code", async (it) => {
  expect(failureBytes(it.code)).toEqual(utf8(it.bytes));
  expect(toHex(await sha256(failureBytes(it.code)))).toBe(it.digest);
  expect(await failureOfDigest(fromHex(it.digest))).toBe(it.code);
  expect(await failureOfDigest(new Uint8Array(32))).toBeNull();
});

describe("canonical JSON", () => {
  test("one text for one value", () => {
    const value = { é: [1, 1e21, 1e-7, -0, true, null], b: '\u2028"\\\n', "😀": {} };
    expect(new TextDecoder().decode(encodeCanonical(value))).toBe(
      '{"b":"\u2028\\"\\\\\\n","é":[1,1e+21,1e-7,0,true,null],"😀":{}}',
    );
    expect(decodeCanonical(encodeCanonical(value))).toEqual({ ...value, é: [1, 1e21, 1e-7, 0, true, null] });
  });

  test.each([
    '{"a":1,"a":1}',
    '{"a": 1}',
    "[1.0]",
    "[9007199254740993]",
    '["\\u0061"]',
    '["\\ud800"]',
    "[".repeat(40) + "]".repeat(40),
    "{",
    "\ufeff1",
  ])("%j is refused", (text) => {
    expect(() => decodeCanonical(utf8(text))).toThrow();
  });
});

describe("manifests", () => {
  const { cid } = readVectors<{ cid: string }[]>("cids")[1] as { cid: string };
  const good = {
    about: { title: "<img src=x onerror=alert(1)>" },
    kind: "analyze",
    limits: { memory_bytes: 1 << 24, output_bytes: 8, work_units: 1000 },
    params: { rate: 0.5 },
    program: cid,
    reducer: cid as string | null,
    rounds: 2,
    shards: [{ bytes: 1, cid, rows: 1 }],
    state: null,
    state_bytes: 8,
    version: 1,
  };

  test("what is parsed is written again byte for byte", () => {
    const bytes = encodeCanonical(good);
    expect(encodeManifest(parseManifest(bytes))).toEqual(bytes);
  });

  const wrong: [string, object][] = [
    ["kind", { kind: "mine" }],
    ["shards", { shards: [] }],
    ["shards[0].bytes", { shards: [{ bytes: 0, cid, rows: 1 }] }],
    ["shards[0].cid", { shards: [{ bytes: 1, cid: "b", rows: 1 }] }],
    ["rounds", { reducer: null }],
    ["version", { version: 2 }],
    ["manifest.surprise", { surprise: 1 }],
    ["params.rate", { params: { rate: "fast" } }],
    ["limits.work_units", { limits: { ...good.limits, work_units: 0.5 } }],
    ["state_bytes", { state_bytes: 0 }],
    ["manifest.combiner", { fan_in: 2 }],
    ["fan_in", { fan_in: 2, combiner: cid }],
    ["shards", { rounds: 65_535 }],
  ];
  test.each(wrong)("a wrong %s is named", (field, change) => {
    expect(() => parseManifest(encodeCanonical({ ...good, ...change }))).toThrow(expect.objectContaining({ field }));
  });
});

type Task = [state: number | null, inputs: number[], isLast: boolean];

test.each(readVectors<{ manifest: string; tasks: Task[] }[]>("shapes"))(
  "every task of a job, %#",
  ({ manifest, tasks }) => {
    const bytes = utf8(manifest);
    const parsed = parseManifest(bytes);
    const specs = Array.from({ length: totalTasks(parsed) }, (_, i) => describeTask(parsed, i));

    expect(encodeManifest(parsed)).toEqual(bytes);
    expect(specs.map((spec) => [spec.stateTask, spec.inputTasks, spec.isLast])).toEqual(tasks);
  },
);
