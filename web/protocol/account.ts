import { hmac } from "@noble/hashes/hmac";
import { sha256 } from "@noble/hashes/sha2";
import * as secp256k1 from "@noble/secp256k1";

import { toAddress } from "./address";
import { type Bytes, concatBytes, type Hex } from "./bytes";
import { keccak256 } from "./hash";

export { parseAddress, toAddress } from "./address";

// Nonces are those of RFC 6979, so one message has one signature; the library leaves its hash to whoever uses it.
secp256k1.etc.hmacSha256Sync = (key, ...messages) => hmac(sha256, key, secp256k1.etc.concatBytes(...messages));

/** A new private key from the platform's random numbers. */
export function newKey(): Bytes {
  return new Uint8Array(secp256k1.utils.randomPrivateKey());
}

/** Whether these bytes are a private key of the curve. */
export function isKey(key: Uint8Array): boolean {
  return secp256k1.utils.isValidPrivateKey(key);
}

/** The account of a private key, with the checksum of EIP-55. */
export function addressOfKey(key: Uint8Array): Hex {
  return toAddress(keccak256(secp256k1.getPublicKey(key, false).subarray(1)).subarray(12));
}

/** The 64 bytes r, vs of EIP-2098; the same key and digest always give the same. */
export function signCompact(digest: Uint8Array, key: Uint8Array): Bytes {
  const signature = secp256k1.sign(digest, key);
  const bytes = new Uint8Array(signature.toBytes());
  bytes[32] = (bytes[32] ?? 0) | (signature.recovery << 7);
  return bytes;
}

/** The 65 bytes r, s, v, as wallets give them. */
export function signFull(digest: Uint8Array, key: Uint8Array): Bytes {
  const signature = secp256k1.sign(digest, key);
  return concatBytes([signature.toBytes(), Uint8Array.of(27 + signature.recovery)]);
}

/** Who signed these 32 bytes, from either form; null for a signature of nobody, or one with s in the upper half. */
export function recoverAddress(digest: Uint8Array, signature: Uint8Array): Hex | null {
  const high = signature[32] ?? 0;
  const compact = signature.length === 64;
  const recovery = compact ? high >> 7 : (signature[64] ?? 0) - 27;
  if ((!compact && signature.length !== 65) || (recovery !== 0 && recovery !== 1)) return null;
  const body = signature.slice(0, 64);
  if (compact) body[32] = high & 127;
  try {
    const found = secp256k1.Signature.fromBytes(body).addRecoveryBit(recovery);
    if (found.hasHighS()) return null;
    return toAddress(keccak256(found.recoverPublicKey(digest).toBytes(false).subarray(1)).subarray(12));
  } catch {
    return null;
  }
}
