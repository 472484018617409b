import type { Bytes } from "./bytes";
import type { Cid } from "./cid";
import { Malformed } from "./errors";
import { failureOfDigest } from "./failure";
import { type Manifest, type Shard, tasksPerRound, totalTasks } from "./manifest";
import { inputsOf } from "./tree";
import { cidOfDigest } from "./unixfs";

/** What one task is to do: a map task has a shard, a reduce folds `inputTasks` in this order. */
export interface TaskSpec {
  readonly index: number;
  readonly round: number;
  readonly shard: Shard | null;
  readonly isLast: boolean; // a reduce whose output is the next state
  readonly stateTask: number | null; // whose output is the state; null: the manifest's state
  readonly inputTasks: readonly number[];
}

/** The task of this number. Throws `Malformed`. */
export function describeTask(manifest: Manifest, index: number): TaskSpec {
  if (!Number.isInteger(index) || index < 0 || index >= totalTasks(manifest)) {
    throw new Malformed("task", `${index} of a job with ${totalTasks(manifest)} tasks`);
  }
  const size = tasksPerRound(manifest);
  const round = Math.floor(index / size);
  const first = round * size;
  const place = index - first;
  const shard = manifest.shards[place] ?? null;
  const leaves = manifest.shards.length;
  const inputs = shard ? [] : inputsOf(place - leaves, leaves, manifest.tree && manifest.tree.fanIn);
  return {
    index,
    round,
    shard,
    stateTask: round === 0 ? null : first - 1,
    isLast: !shard && place === size - 1,
    inputTasks: inputs.map((input) => first + input),
  };
}

/** The tasks that must be settled before this one can run. */
export function neededTasks(spec: TaskSpec): number[] {
  return spec.stateTask === null ? [...spec.inputTasks] : [spec.stateTask, ...spec.inputTasks];
}

/** How long a task's output is, if it does not fail: the last reduce of a round makes the next state. */
export function outputBytes(manifest: Manifest, index: number): number {
  return describeTask(manifest, index).isLast ? manifest.stateBytes : manifest.limits.outputBytes;
}

/** The CID of a task's result, from its digest on chain alone; that of a failure is a raw block. */
export async function outputCid(manifest: Manifest, index: number, digest: Bytes): Promise<Cid> {
  return cidOfDigest(digest, (await failureOfDigest(digest)) ? 0 : outputBytes(manifest, index));
}

/** The module that a task runs. */
export function moduleOf(manifest: Manifest, spec: TaskSpec): Cid {
  if (spec.shard) return manifest.program;
  const module = spec.isLast ? manifest.reducer : manifest.tree?.combiner;
  if (!module) throw new Malformed("reducer", "is missing");
  return module;
}
