import smallInfer from "../../edgebounty/programs/builtin/mlp-13-32-3.infer.wasm?url";
import smallTrain from "../../edgebounty/programs/builtin/mlp-13-32-3.train.wasm?url";
import smallMean from "../../edgebounty/programs/builtin/mean.mlp-13-32-3.wasm?url";
import largeInfer from "../../edgebounty/programs/builtin/mlp-64-128-10.infer.wasm?url";
import largeTrain from "../../edgebounty/programs/builtin/mlp-64-128-10.train.wasm?url";
import largeMean from "../../edgebounty/programs/builtin/mean.mlp-64-128-10.wasm?url";
import stats from "../../edgebounty/programs/builtin/table.stats.wasm?url";
import statsLarge from "../../edgebounty/programs/builtin/table.stats.large.wasm?url";
import statsLargeReduce from "../../edgebounty/programs/builtin/table.stats.large.reduce.wasm?url";
import statsReduce from "../../edgebounty/programs/builtin/table.stats.reduce.wasm?url";
import type { ProgramPair } from "../jobs/assemble";
import type { programName } from "../jobs/planAnalyze";
import type { Network } from "../jobs/planTrain";
import type { Bytes } from "../protocol/bytes";

type Name = ReturnType<typeof programName> | Network;

const PAIRS: Readonly<Record<Name, readonly [program: string, reducer: string]>> = {
  "table.stats": [stats, statsReduce],
  "table.stats.large": [statsLarge, statsLargeReduce],
  "mlp:13-32-3": [smallTrain, smallMean],
  "mlp:64-128-10": [largeTrain, largeMean],
};
const INFER: Readonly<Record<Network, string>> = { "mlp:13-32-3": smallInfer, "mlp:64-128-10": largeInfer };

/** A ready program and its reducer, that came with this page. */
export async function loadProgram(name: Name): Promise<ProgramPair> {
  const [program, reducer] = await Promise.all(PAIRS[name].map(read));
  if (!program || !reducer) throw new TypeError("a program and a reducer make a pair");
  return { program, reducer };
}

/** The program that runs a network of this page. */
export async function loadInfer(network: Network): Promise<Bytes> {
  return await read(INFER[network]);
}

async function read(url: string): Promise<Bytes> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
