import { sha256 as sha256Slow } from "@noble/hashes/sha2";
import { keccak_256 } from "@noble/hashes/sha3";

import { type Bytes, fromHex, type Hex } from "./bytes";

/**
 * SHA-256. Pages opened by plain http:// from another machine have no `crypto.subtle`; the same hash in script is slower
 * and gives the same bytes.
 */
export async function sha256(data: Bytes): Promise<Bytes> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", data)) : new Uint8Array(sha256Slow(data));
}

export function keccak256(data: Uint8Array): Bytes {
  return new Uint8Array(keccak_256(data));
}

/** abi.encode of static values: whole numbers, 32-byte words, and addresses as hex text of 20 bytes. */
export function abiWords(values: readonly (bigint | Uint8Array | Hex)[]): Bytes {
  const words = new Uint8Array(32 * values.length);
  values.forEach((value, i) => words.set(wordOf(value), 32 * i));
  return words;
}

function wordOf(value: bigint | Uint8Array | Hex): Bytes {
  if (typeof value === "bigint") {
    if (value < 0n || value >> 256n) throw new RangeError(`${value} is no uint256`);
    return fromHex(`0x${value.toString(16).padStart(64, "0")}`);
  }
  const bytes = typeof value === "string" ? fromHex(value) : value;
  if (bytes.length !== (typeof value === "string" ? 20 : 32))
    throw new RangeError("an address has 20 bytes, a word 32");
  const word = new Uint8Array(32);
  word.set(bytes, 32 - bytes.length);
  return word;
}
