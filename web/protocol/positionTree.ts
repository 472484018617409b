// Proofs in the trees of batch.ts, in which a position has a meaning. Twin of edgebounty/protocol/batch/tree.py.
import { type Bytes, concatBytes, equalBytes } from "./bytes";
import { keccak256 } from "./hash";

const NONE = new Uint8Array(32);

/** The siblings on the way up from the leaf at `position`. Throws `RangeError` where there is none. */
export function proofOf(leaves: readonly Bytes[], position: number): Bytes[] {
  if (!leaves[position]) throw new RangeError(`no leaf ${position} among ${leaves.length}`);
  const proof: Bytes[] = [];
  let level = leaves;
  for (let at = position; level.length > 1; at >>= 1) {
    proof.push(level[at ^ 1] ?? NONE);
    const above: Bytes[] = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(keccak256(concatBytes([level[i] as Bytes, level[i + 1] ?? NONE])));
    }
    level = above;
  }
  return proof;
}

/** Whether `leaf` stands at `position` in the tree of `count` leaves with this root. */
export function standsAt(root: Bytes, leaf: Bytes, position: number, count: number, proof: readonly Bytes[]): boolean {
  if (!Number.isInteger(position) || position < 0 || position >= count) return false;
  if (proof.length !== heightOf(count)) return false; // a proof of another length would show another node
  let node = leaf;
  let at = position;
  for (const sibling of proof) {
    node = keccak256(concatBytes(at & 1 ? [sibling, node] : [node, sibling]));
    at >>= 1;
  }
  return equalBytes(node, root);
}

function heightOf(count: number): number {
  return Math.ceil(Math.log2(Math.max(count, 1)));
}
