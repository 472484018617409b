import { addressOfKey, isKey } from "../protocol/account";
import { type Bytes, concatBytes, equalBytes, fromHex, toHex } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";
import { keccak256 } from "../protocol/hash";

const ITERATIONS = 262_144;
const MOST_ITERATIONS = 5_000_000;
const LONGEST = 10_000;
export const SHORTEST_PASSWORD = 8;

/** This text or password gives no key. */
export class BackupError extends EdgebountyError {
  constructor(code: "backup_unreadable" | "backup_password" | "password_short" | "backup_impossible", detail: string) {
    super(code, detail);
  }
}

/**
 * The key as a Web3 Secret Storage file (version 3, PBKDF2): any Ethereum wallet and `edgebounty worker` open it.
 * Throws `BackupError`.
 */
export async function backUp(key: Bytes, password: string): Promise<string> {
  if (password.length < SHORTEST_PASSWORD) {
    throw new BackupError("password_short", `a password has at least ${SHORTEST_PASSWORD} characters`);
  }
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const derived = await derive(password, salt, ITERATIONS);
  const sealed = await cipher(derived, iv, key);
  const bare = (bytes: Uint8Array) => toHex(bytes).slice(2);
  return JSON.stringify({
    version: 3,
    id: uuid(),
    address: addressOfKey(key).slice(2).toLowerCase(),
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: bare(iv) },
      ciphertext: bare(sealed),
      kdf: "pbkdf2",
      kdfparams: { c: ITERATIONS, dklen: 32, prf: "hmac-sha256", salt: bare(salt) },
      mac: bare(macOf(derived, sealed)),
    },
  });
}

/** The key in such a file. Throws `BackupError`. */
export async function restore(text: string, password: string): Promise<Bytes> {
  const { salt, iv, sealed, mac, iterations } = parse(text);
  const derived = await derive(password, salt, iterations);
  if (!equalBytes(macOf(derived, sealed), mac)) throw new BackupError("backup_password", "the password is another one");
  const key = await cipher(derived, iv, sealed);
  if (!isKey(key)) throw new BackupError("backup_unreadable", "it holds no private key");
  return key;
}

interface Parsed {
  readonly salt: Bytes;
  readonly iv: Bytes;
  readonly sealed: Bytes;
  readonly mac: Bytes;
  readonly iterations: number;
}

function parse(text: string): Parsed {
  try {
    if (text.length > LONGEST) throw new RangeError("too long");
    const file = JSON.parse(text) as { version: number; crypto?: never; Crypto?: never };
    const inner = (file.crypto ?? file.Crypto) as unknown as {
      cipher: string;
      kdf: string;
      cipherparams: { iv: string };
      ciphertext: string;
      kdfparams: { c: number; dklen: number; prf: string; salt: string };
      mac: string;
    };
    const { kdfparams: made } = inner;
    const known = inner.kdf === "pbkdf2" && made.prf === "hmac-sha256" && made.dklen === 32;
    if (file.version !== 3 || inner.cipher !== "aes-128-ctr" || !known)
      throw new RangeError("another kind of key file");
    if (!Number.isInteger(made.c) || made.c < 1 || made.c > MOST_ITERATIONS) throw new RangeError("iterations");
    const bytes = (hex: string) => fromHex(`0x${hex.replace(/^0x/, "")}`);
    return {
      salt: bytes(made.salt),
      iv: bytes(inner.cipherparams.iv),
      sealed: bytes(inner.ciphertext),
      mac: bytes(inner.mac),
      iterations: made.c,
    };
  } catch (error) {
    throw new BackupError("backup_unreadable", `not a key file of this page: ${(error as Error).message}`);
  }
}

async function derive(password: string, salt: Bytes, iterations: number): Promise<Bytes> {
  const { subtle } = crypto as { subtle: SubtleCrypto | undefined };
  if (!subtle) throw new BackupError("backup_impossible", "the browser encrypts on https pages only");
  const given = await subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, given, 256));
}

/** AES-CTR is its own inverse. */
async function cipher(derived: Bytes, iv: Bytes, bytes: Bytes): Promise<Bytes> {
  if (iv.length !== 16) throw new BackupError("backup_unreadable", "its iv is not of 16 bytes");
  const key = await crypto.subtle.importKey("raw", derived.slice(0, 16), "AES-CTR", false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 128 }, key, bytes));
}

function macOf(derived: Bytes, sealed: Bytes): Bytes {
  return keccak256(concatBytes([derived.subarray(16, 32), sealed]));
}

function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 15) | 64;
  bytes[8] = ((bytes[8] ?? 0) & 63) | 128;
  return toHex(bytes)
    .slice(2)
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
