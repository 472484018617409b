import type { Bytes, Hex } from "./bytes";
import { abiWords, keccak256 } from "./hash";

export interface Committed {
  readonly chainId: bigint;
  readonly lane: Hex;
  readonly jobId: bigint;
  readonly taskIndex: number;
  readonly worker: Hex;
  readonly digest: Bytes;
  readonly salt: Bytes;
}

/** keccak256(abi.encode(chainId, lane, jobId, taskIndex, worker, resultDigest, salt)), as in DirectLane. */
export function commitmentOf(it: Committed): Bytes {
  return keccak256(abiWords([it.chainId, it.lane, it.jobId, BigInt(it.taskIndex), it.worker, it.digest, it.salt]));
}
