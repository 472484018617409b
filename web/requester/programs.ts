import stats from "../../edgebounty/programs/builtin/table.stats.wasm?url";
import statsLarge from "../../edgebounty/programs/builtin/table.stats.large.wasm?url";
import statsLargeReduce from "../../edgebounty/programs/builtin/table.stats.large.reduce.wasm?url";
import statsReduce from "../../edgebounty/programs/builtin/table.stats.reduce.wasm?url";
import type { ProgramPair } from "../jobs/assemble";
import type { programName } from "../jobs/planAnalyze";
import type { Bytes } from "../protocol/bytes";

const URLS = {
  "table.stats": [stats, statsReduce],
  "table.stats.large": [statsLarge, statsLargeReduce],
} as const;

/** A ready program that came with this page. */
export async function loadProgram(name: ReturnType<typeof programName>): Promise<ProgramPair> {
  const [program, reducer] = await Promise.all(URLS[name].map(read));
  if (!program || !reducer) throw new TypeError("a program and a reducer make a pair");
  return { program, reducer };
}

async function read(url: string): Promise<Bytes> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
