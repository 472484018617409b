import { addressOfKey, isKey, newKey, signCompact, signFull } from "../protocol/account";
import type { Bytes, Hex } from "../protocol/bytes";
import { type Domain, type Message, signingDigest } from "../protocol/eip712";
import { backUp, restore } from "./backup";
import type { Store } from "./store";

/** The worker's account. The key stays inside: it signs, and leaves as an encrypted backup only. */
export interface Account {
  readonly address: Hex;
  /** Wrapped by a key that the browser keeps and no script can read; false on pages opened by plain http. */
  readonly wrapped: boolean;
  /** r, s, v; for receipts `signCompact`: r, vs, as they are posted. */
  sign(domain: Domain, type: string, message: Message): Bytes;
  signCompact(domain: Domain, type: string, message: Message): Bytes;
  backUp(password: string): Promise<string>;
}

interface Wrapped {
  readonly by: CryptoKey;
  readonly iv: Bytes;
  readonly sealed: ArrayBuffer;
}

const NAME = "key";
const PREVIOUS = "key.previous";

/** The account kept in this browser; a new one the first time. */
export async function openAccount(store: Store): Promise<Account> {
  const kept = await store.get<Wrapped | { readonly plain: Bytes }>(NAME);
  if (!kept) return await keep(store, newKey());
  if ("plain" in kept) return await keep(store, kept.plain); // wrapped as soon as the browser can
  const key = await crypto.subtle.decrypt({ name: "AES-GCM", iv: kept.iv }, kept.by, kept.sealed);
  return accountOf(new Uint8Array(key), true);
}

/** Puts the account of a backup in the place of this browser's own. Throws `BackupError`, and then changes nothing. */
export async function restoreAccount(store: Store, text: string, password: string): Promise<Account> {
  const key = await restore(text, password);
  await store.put(PREVIOUS, await store.get(NAME)); // nothing that may hold money is ever thrown away
  return await keep(store, key);
}

async function keep(store: Store, key: Bytes): Promise<Account> {
  if (!isKey(key)) throw new RangeError("not a private key");
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  if (!subtle) {
    await store.put(NAME, { plain: key });
    return accountOf(key, false);
  }
  const by = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  await store.put(NAME, { by, iv, sealed: await subtle.encrypt({ name: "AES-GCM", iv }, by, key) } satisfies Wrapped);
  return accountOf(key, true);
}

function accountOf(key: Bytes, wrapped: boolean): Account {
  return {
    address: addressOfKey(key),
    wrapped,
    sign: (domain, type, message) => signFull(signingDigest(domain, type, message), key),
    signCompact: (domain, type, message) => signCompact(signingDigest(domain, type, message), key),
    backUp: (password) => backUp(key, password),
  };
}
