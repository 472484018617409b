import { type Bytes, concatBytes, equalBytes, type Hex } from "./bytes";
import { abiWords, keccak256 } from "./hash";

/** The leaf of these static values, hashed twice, so that no inner node can pass for one. */
export function leafHash(values: readonly (bigint | Uint8Array | Hex)[]): Bytes {
  return keccak256(keccak256(abiWords(values)));
}

/** Whether `proof` leads from `leaf` to `root` (sorted pairs, as OpenZeppelin's MerkleProof). */
export function verifyProof(proof: readonly Bytes[], root: Bytes, leaf: Bytes): boolean {
  return equalBytes(proof.reduce(pairHash, leaf), root);
}

function pairHash(a: Bytes, b: Bytes): Bytes {
  const differing = a.findIndex((byte, i) => byte !== b[i]);
  const inOrder = differing < 0 || (a[differing] ?? 0) < (b[differing] ?? 0);
  return keccak256(concatBytes(inOrder ? [a, b] : [b, a]));
}
