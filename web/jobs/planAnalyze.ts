import { type Bytes, EMPTY } from "../protocol/bytes";
import { Malformed } from "../protocol/errors";
import { buffersOf, LAYOUT_SECTION, type Layout, parseLayout, roleBytes } from "../protocol/layout";
import { encodeManifest, type Manifest } from "../protocol/manifest";
import { type Block, buildFile } from "../protocol/unixfs";
import type { Table } from "./readTable";

const WORK_UNITS = 2 ** 36;
const MEMORY_BYTES = 256 << 20;
const SMALL_COLUMNS = 32;
const SMALL_CELLS = 16 * 8191;
const ROUNDS = 2;

/** A program and the reducer that joins its outputs, as module bytes. */
export interface ProgramPair {
  readonly program: Bytes;
  readonly reducer: Bytes;
}

/** A job ready to be posted; the last block is its manifest. */
export interface PlannedJob {
  readonly manifest: Manifest;
  readonly manifestDigest: Bytes;
  readonly blocks: readonly Block[];
}

/** Which built-in program suits a table of this size. */
export function programName(table: Table): "table.stats" | "table.stats.large" {
  const { rows, columns } = table;
  return columns.length <= SMALL_COLUMNS && rows * columns.length <= SMALL_CELLS ? "table.stats" : "table.stats.large";
}

/** Rows that one task takes. */
export function rowsPerShard(table: Table, pair: ProgramPair): number {
  const layout = layoutOf(pair.program);
  return Math.floor(itemsOf(layout, "x") / table.columns.length);
}

/** The job for a table, in as many shards: byte for byte what `plan_analyze` in Python plans. Throws `Malformed`. */
export async function planAnalyze(table: Table, pair: ProgramPair, shards: number): Promise<PlannedJob> {
  const layout = layoutOf(pair.program);
  const reducer = layoutOf(pair.reducer);
  const widest = itemsOf(layout, "minimum");
  if (table.columns.length > widest)
    throw new Malformed("table", `${table.columns.length} columns; ${widest} are taken`);
  const blocks: Block[] = [];
  const keep = async (content: Bytes) => {
    const built = await buildFile(content);
    blocks.push(...built.blocks);
    return built.cid;
  };
  const program = await keep(pair.program);
  const reducerCid = await keep(pair.reducer);
  const cut: Manifest["shards"][number][] = [];
  for (const [first, end] of splitRows(table.rows, rowsPerShard(table, pair), shards)) {
    const content = packShard(layout, table, first, end);
    cut.push({ cid: await keep(content), bytes: content.length, rows: end - first });
  }
  const manifest: Manifest = {
    kind: "analyze",
    program,
    reducer: reducerCid,
    state: null,
    stateBytes: roleBytes(layout, "state"),
    shards: cut,
    rounds: ROUNDS,
    params: {},
    tree: null,
    limits: { workUnits: WORK_UNITS, memoryBytes: MEMORY_BYTES, outputBytes: roleBytes(layout, "output") },
    about: {
      columns: table.columns,
      rows: table.rows,
      result: buffersOf(reducer, "output").map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    },
  };
  const manifestCid = await keep(encodeManifest(manifest));
  return { manifest, manifestDigest: manifestCid.digest, blocks };
}

/** [first, end) of every shard: parts that differ by one row at most. Throws `Malformed`. */
export function splitRows(rows: number, capacity: number, shards: number): [number, number][] {
  const needed = Math.ceil(rows / capacity);
  if (!Number.isInteger(shards) || shards < needed || shards > rows) {
    throw new Malformed("shards", `${rows} rows take ${needed} to ${rows} shards, not ${shards}`);
  }
  return Array.from({ length: shards }, (_, i) => [
    Math.floor((rows * i) / shards),
    Math.floor((rows * (i + 1)) / shards),
  ]);
}

function packShard(layout: Layout, table: Table, first: number, end: number): Bytes {
  const width = table.columns.length;
  const shard = new Uint8Array(roleBytes(layout, "shard"));
  let at = 0;
  for (const buffer of buffersOf(layout, "shard")) {
    if (buffer.name === "x") {
      const values = table.values.subarray(first * width, end * width);
      const view = new DataView(shard.buffer, at);
      values.forEach((value, i) => view.setFloat64(8 * i, value, true));
    } else new DataView(shard.buffer, at).setInt32(0, buffer.name === "rows" ? end - first : width, true);
    at += buffer.bytes;
  }
  return shard;
}

function itemsOf(layout: Layout, name: string): number {
  const buffer = layout.buffers.find((each) => each.name === name);
  if (!buffer) throw new Malformed("program", `${layout.name} has no buffer ${name}`);
  return buffer.shape.reduce((product, size) => product * size, 1);
}

function layoutOf(module: Bytes): Layout {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(module), LAYOUT_SECTION);
  return parseLayout(new TextDecoder().decode(section ?? EMPTY));
}
