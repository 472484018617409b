import { describe, expect, test } from "vitest";

import { planOwn } from "../../web/jobs/planOwn";
import { type Network, planTrain, sizesOf } from "../../web/jobs/planTrain";
import type { Table } from "../../web/jobs/readTable";
import { withState } from "../../web/jobs/withState";
import { toHex } from "../../web/protocol/bytes";
import { Cid, RAW } from "../../web/protocol/cid";
import { sha256 } from "../../web/protocol/hash";
import { type Buffer, roleBytes } from "../../web/protocol/layout";
import { layoutOf } from "../../web/jobs/assemble";
import { pattern, readProgram, readVectors } from "./vectors";

interface Training {
  readonly network: Network;
  readonly rows: number;
  readonly shards: number;
  readonly rounds: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly manifest: string;
}
const pairOf = (network: Network) => {
  const slug = network.replace(":", "-");
  return { program: readProgram(`${slug}.train`), reducer: readProgram(`mean.${slug}`) };
};

/** Its label stands in the second column, as that may be anywhere. */
function tableOf({ network, rows }: Training, label = (row: number) => row % sizesOf(network)[2]): Table {
  const [inputs] = sizesOf(network);
  const columns = Array.from({ length: inputs }, (_, i) => `c${i}`);
  columns.splice(1, 0, "label");
  const values = Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: inputs }, (_, i) => ((row * inputs + i) % 17) / 8 - 1);
    cells.splice(1, 0, label(row));
    return cells;
  });
  return { columns, rows, values: Float64Array.from(values.flat()) };
}

describe.each(readVectors<Training[]>("trainings"))("$network", (it) => {
  test("is planned as Python plans it", async () => {
    const planned = await planTrain(tableOf(it), pairOf(it.network), it);
    expect(String(new Cid(RAW, planned.manifestDigest))).toBe(it.manifest);
  });

  test.each([0.5, -1, 99])("a label of %d is refused, naming its row", async (wrong) => {
    const table = tableOf(it, (row) => (row === 4 ? wrong : 0));
    await expect(planTrain(table, pairOf(it.network), it)).rejects.toThrow(`row 5: its label is ${wrong}`);
  });

  test("tables of another width, without labels, and settings that train nothing are refused", async () => {
    const table = tableOf(it);
    const renamed = { ...table, columns: table.columns.map((name) => (name === "label" ? "class" : name)) };
    const other: Network = it.network === "mlp:13-32-3" ? "mlp:64-128-10" : "mlp:13-32-3";
    await expect(planTrain(renamed, pairOf(it.network), it)).rejects.toThrow("no column named label");
    await expect(planTrain(table, pairOf(other), { ...it, network: other })).rejects.toThrow("besides label");
    for (const wrong of [{ rounds: 0 }, { epochs: 1.5 }, { learningRate: 0 }, { shards: 0 }, { shards: 31 }]) {
      await expect(planTrain(table, pairOf(it.network), { ...it, ...wrong })).rejects.toThrow();
    }
  });
});

describe("own programs", () => {
  const own = readVectors<{ program: string; manifest: string; reduced: string; extended: string }>("own_programs");
  const program = readProgram(own.program);
  const bytes = roleBytes(layoutOf(program), "shard");
  const wishes = { rounds: 1, params: {} };

  test("without a reducer are planned as Python plans them", async () => {
    const shards = [pattern(bytes), new Uint8Array(bytes)];
    const planned = await planOwn({ program, reducer: null }, { ...wishes, shards });
    expect(String(new Cid(RAW, planned.manifestDigest))).toBe(own.manifest);
  });

  test("with a reducer too", async () => {
    const pair = { program: readProgram("table.stats"), reducer: readProgram("table.stats.reduce") };
    const shard = pattern(roleBytes(layoutOf(pair.program), "shard"));
    const planned = await planOwn(pair, { ...wishes, rounds: 2, shards: [shard] });
    expect(String(new Cid(RAW, planned.manifestDigest))).toBe(own.reduced);
  });

  test("a module gets more state as Python gives it", async () => {
    const buffer = (name: string, dtype: Buffer["dtype"], shape: number[], size: number): Buffer => ({
      ...{ name, dtype, shape, offset: 0, role: "output", bytes: size },
    });
    const more = [buffer("state.total", "f64", [3, 5], 120), buffer("state.rows", "i32", [1], 4)];
    const widened = withState(program, more);
    expect(toHex(await sha256(widened))).toBe(own.extended);
    expect(WebAssembly.validate(widened)).toBe(true);
  });

  test.each([
    [{ program: new Uint8Array([1, 2, 3]), reducer: null }, "does not compile"],
    [{ program: new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), reducer: null }, "edgebounty program build"],
    [{ program: readProgram("table.stats.reduce"), reducer: null }, "is a reducer"],
    [{ program, reducer: program }, "is a program"],
    [{ program, reducer: readProgram("table.stats.reduce") }, "it has"],
  ])("what makes no job is refused (%#)", async (pair, words) => {
    await expect(planOwn(pair, { ...wishes, shards: [new Uint8Array(bytes)] })).rejects.toThrow(words);
  });

  test("files of a wrong length, none at all, and unknown or missing parameters are refused", async () => {
    const pair = { program, reducer: null };
    await expect(planOwn(pair, { ...wishes, shards: [new Uint8Array(3)] })).rejects.toThrow("file 1: it has 3 bytes");
    await expect(planOwn(pair, { ...wishes, shards: [] })).rejects.toThrow("at least one");
    const shards = [new Uint8Array(bytes)];
    await expect(planOwn(pair, { ...wishes, shards, params: { rate: 1 } })).rejects.toThrow("no program takes rate");
    const train = { program: readProgram("mlp-13-32-3.train"), reducer: readProgram("mean.mlp-13-32-3") };
    const samples = [new Uint8Array(roleBytes(layoutOf(train.program), "shard"))];
    await expect(planOwn(train, { ...wishes, shards: samples })).rejects.toThrow("learning_rate: is missing");
  });
});
