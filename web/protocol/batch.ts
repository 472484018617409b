// The batch lane on the wire: twin of edgebounty/protocol/batch, held to it by tests/vectors.
import { type Bytes, concatBytes, equalBytes } from "./bytes";
import { Malformed } from "./errors";
import { keccak256 } from "./hash";

/** What is signed in the batch lane, in full as EIP-712 hashes it. */
export const TYPES = {
  Join: "Join(address worker,address orchestrator,address payout,uint64 until)",
  Claim: "Claim(address worker,address orchestrator,uint256 job,uint32 task,uint64 until)",
  Assignment:
    "Assignment(address orchestrator,address worker,uint256 job,uint32 firstTask,uint32[] tasks,uint8 slot,uint64 until)",
  CommitSet: "CommitSet(address orchestrator,uint256 job,uint32 task,bytes32[] commitments)",
  Receipts: "Receipts(address worker,uint256 job,uint32 firstTask,uint32 count,bytes32 receipts,bytes32 commitSets)",
  Acceptance:
    "Acceptance(address orchestrator,address worker,uint256 job,uint32 firstTask,uint32 count,bytes32 receipts,bytes32 commitSets)",
  Withdrawal:
    "Withdrawal(address account,address orchestrator,uint32 payoutIndex,uint96 cumulative,address receiver,uint64 until)",
} as const;

const DIGEST_BYTES = 27;

/** The 32 bytes of a receipt: task (4), slot (1), the first 27 bytes of the result's digest. Throws `Malformed`. */
export function receiptWord(task: number, slot: number, digest: Uint8Array): Bytes {
  const fits = (value: number, bits: number) => Number.isInteger(value) && value >= 0 && value < 2 ** bits;
  if (!fits(task, 32) || !fits(slot, 8) || digest.length !== 32) {
    throw new Malformed("receipt", `task ${task}, slot ${slot}, ${digest.length} bytes of digest`);
  }
  const head = Uint8Array.of(task >>> 24, task >>> 16, task >>> 8, task, slot);
  return concatBytes([head, digest.subarray(0, DIGEST_BYTES)]);
}

/**
 * The root of a tree in which positions have a meaning: a node is keccak256(left, right), and 32 zero bytes stand where
 * there is no right one. Of nothing, the root is 32 zero bytes.
 */
export function positionRoot(leaves: readonly Bytes[]): Bytes {
  let level = leaves;
  while (level.length > 1) {
    const above: Bytes[] = [];
    for (let at = 0; at < level.length; at += 2) {
      above.push(keccak256(concatBytes([level[at] as Bytes, level[at + 1] ?? new Uint8Array(32)])));
    }
    level = above;
  }
  return level[0] ?? new Uint8Array(32);
}

/** The two roots that a worker signs: over its receipts, and over the hashes of their commit sets, in one order. */
export function runningRoots(
  words: readonly Bytes[],
  commitSets: readonly Bytes[],
): { receipts: Bytes; commitSets: Bytes } {
  if (words.length !== commitSets.length) {
    throw new Malformed("receipts", `${words.length} receipts beside ${commitSets.length} commit sets`);
  }
  return { receipts: positionRoot(words.map(keccak256)), commitSets: positionRoot(commitSets.map(keccak256)) };
}

/** Whether a closed commit set holds this commitment exactly once. */
export function holdsOnce(commitments: readonly Bytes[], commitment: Bytes): boolean {
  return commitments.filter((other) => equalBytes(other, commitment)).length === 1;
}
