import { type Bytes } from "../protocol/bytes";
import { Malformed } from "../protocol/errors";
import { buffersOf, type Layout, roleBytes } from "../protocol/layout";
import { assemble, describeBuffers, itemsOf, layoutOf, type PlannedJob, type ProgramPair, splitRows } from "./assemble";
import type { Table } from "./readTable";

const SMALL_COLUMNS = 32;
const SMALL_CELLS = 16 * 8191;
const ROUNDS = 2;

/** Which built-in program suits a table of this size. */
export function programName(table: Table): "table.stats" | "table.stats.large" {
  const { rows, columns } = table;
  return columns.length <= SMALL_COLUMNS && rows * columns.length <= SMALL_CELLS ? "table.stats" : "table.stats.large";
}

/** Rows that one task takes. */
export function rowsPerShard(table: Table, pair: ProgramPair): number {
  return Math.floor(itemsOf(layoutOf(pair.program), "x") / table.columns.length);
}

/** The job for a table, in as many shards: byte for byte what `plan_analyze` in Python plans. Throws `Malformed`. */
export async function planAnalyze(table: Table, pair: ProgramPair, shards: number): Promise<PlannedJob> {
  const layout = layoutOf(pair.program);
  if (!pair.reducer) throw new Malformed("reducer", "statistics of a table need one");
  const widest = itemsOf(layout, "minimum");
  if (table.columns.length > widest)
    throw new Malformed("table", `${table.columns.length} columns; ${widest} are taken`);
  const cuts = splitRows(table.rows, rowsPerShard(table, pair), shards);
  return await assemble({
    kind: "analyze",
    pair,
    shards: cuts.map(([first, end]) => ({ content: packShard(layout, table, first, end), rows: end - first })),
    state: null,
    rounds: ROUNDS,
    params: {},
    about: { columns: table.columns, rows: table.rows, result: describeBuffers(layoutOf(pair.reducer)) },
  });
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
