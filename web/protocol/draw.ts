import type { Bytes, Hex } from "./bytes";
import { toHex } from "./bytes";
import { abiWords, keccak256 } from "./hash";

const CANDIDATES_PER_SLOT = 8n;

export interface Draw {
  readonly seed: Bytes;
  readonly jobId: bigint;
  readonly taskIndex: number;
  readonly worker: Hex;
  readonly stake: bigint;
  readonly totalStake: bigint;
  readonly slots: number;
  readonly reopens: number;
  readonly rampTime: number; // seconds
}

/** Seconds from the recording of the seed until this worker may claim; null: not drawn. Twin of Draw.sol. */
export function waitOf(draw: Draw): number | null {
  if (draw.seed.every((byte) => byte === 0) || draw.stake === 0n) return null;
  const rampTime = BigInt(draw.rampTime);
  const needed = (BigInt(toHex(lotOf(draw))) * draw.totalStake * rampTime) >> 256n;
  const wait = needed / ((CANDIDATES_PER_SLOT * BigInt(draw.slots) * draw.stake) << BigInt(draw.reopens)) + 1n;
  return wait <= rampTime ? Number(wait) : null;
}

/** A worker's lot in the draw of a task. */
export function lotOf({
  seed,
  jobId,
  taskIndex,
  worker,
}: Pick<Draw, "seed" | "jobId" | "taskIndex" | "worker">): Bytes {
  return keccak256(abiWords([seed, jobId, BigInt(taskIndex), worker]));
}
