import type { Bytes } from "../protocol/bytes";
import { Malformed } from "../protocol/errors";
import { buffersOf, roleBytes } from "../protocol/layout";
import { assemble, describeBuffers, layoutOf, type PlannedJob, type ProgramPair } from "./assemble";
import { withState } from "./withState";

export interface OwnWishes {
  readonly shards: readonly Bytes[];
  readonly rounds: number;
  readonly params: Readonly<Record<string, number>>;
}

/** The names of the numbers that a program and its reducer take. Throws `Malformed`. */
export function paramNames({ program, reducer }: ProgramPair): string[] {
  const layouts = [program, ...(reducer ? [reducer] : [])].map(layoutOf);
  return [...new Set(layouts.flatMap((layout) => buffersOf(layout, "params").map(({ name }) => name)))];
}

/** The job that runs an own program on every shard: what `job post wasm --shard` plans. Throws `Malformed`. */
export async function planOwn(own: ProgramPair, { shards, rounds, params }: OwnWishes): Promise<PlannedJob> {
  const layout = layoutOf(own.program);
  if (layout.kind !== "program") throw new Malformed("program", `${layout.name} is a ${layout.kind}`);
  const wanted = roleBytes(layout, "shard");
  shards.forEach((shard, i) => {
    if (shard.length !== wanted)
      throw new Malformed(`file ${i + 1}`, `it has ${shard.length} bytes; ${layout.name} reads ${wanted}`);
  });
  if (!shards.length) throw new Malformed("files", "at least one is needed");
  const pair = withEqualState(own);
  return await assemble({
    kind: "wasm",
    pair,
    shards: shards.map((content) => ({ content, rows: 0 })),
    state: null,
    rounds,
    params,
    about: { result: describeBuffers(layoutOf(pair.reducer ?? pair.program)) },
  });
}

/** A reducer's output is the next state: modules that read no state get one of that length, unseen by their code. */
export function withEqualState({ program, reducer }: ProgramPair): ProgramPair {
  if (!reducer) return { program, reducer };
  const made = buffersOf(layoutOf(reducer), "output").map((buffer) => ({ ...buffer, name: `state.${buffer.name}` }));
  const [widened, joined] = [program, reducer].map((module) =>
    roleBytes(layoutOf(module), "state") ? module : withState(module, made),
  );
  return { program: widened as Bytes, reducer: joined as Bytes };
}
