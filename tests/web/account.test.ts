import { describe, expect, test } from "vitest";

import {
  addressOfKey,
  isKey,
  newKey,
  parseAddress,
  recoverAddress,
  signCompact,
  signFull,
} from "../../web/protocol/account";
import { fromHex, type Hex, toHex } from "../../web/protocol/bytes";
import { type Domain, type Message, signingDigest, structHash } from "../../web/protocol/eip712";
import { readVectors } from "./vectors";

interface Signed {
  readonly account: Hex;
  readonly privateKey: Hex;
  readonly chainId: string;
  readonly verifyingContract: Hex;
  readonly messages: readonly { type: string; message: Record<string, string>; digest: Hex; signature: Hex }[];
}
const signed = readVectors<Signed>("messages");
const domain: Domain = { chainId: BigInt(signed.chainId), verifyingContract: signed.verifyingContract };
const key = fromHex(signed.privateKey);

describe("signed messages", () => {
  test.each(signed.messages)("$type", ({ type, message, digest, signature }) => {
    const made = signingDigest(domain, type, numbersOf(type, message));
    expect(toHex(made)).toBe(digest);
    expect(toHex(signFull(made, key))).toBe(signature);
    const compact = signCompact(made, key);
    expect(compact).toHaveLength(64);
    for (const form of [compact, fromHex(signature)]) expect(recoverAddress(made, form)).toBe(signed.account);
  });

  test("a field that is missing, too large or of another kind is refused", () => {
    const type = "Upload(address account,string gateway,uint64 until)";
    for (const message of [
      { account: signed.account, gateway: "g" },
      { account: signed.account, until: 1 },
      { account: signed.account, gateway: "g", until: 1n << 64n },
      { account: signed.account, gateway: "g", until: -1 },
      { account: "0x12", gateway: "g", until: 1 },
      { account: signed.account, gateway: 1, until: 1 },
      { account: signed.account, gateway: "g", until: "1" },
    ] as Message[]) {
      expect(() => structHash(type, message)).toThrow(RangeError);
    }
  });

  test("what nobody signed recovers to nobody, and so does the twin with the other s", () => {
    const digest = fromHex(signed.messages[0]?.digest ?? "");
    const full = signFull(digest, key);
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = order - BigInt(toHex(full.subarray(32, 64)));
    const twin = fromHex(
      `${toHex(full.subarray(0, 32))}${s.toString(16).padStart(64, "0")}${full[64] === 27 ? "1c" : "1b"}`,
    );
    for (const bad of [twin, new Uint8Array(64), new Uint8Array(65), full.subarray(0, 63), full.fill(255, 64)]) {
      expect(recoverAddress(digest, bad)).toBeNull();
    }
  });
});

describe("accounts", () => {
  test("a key's address is that of Python", () => {
    expect(addressOfKey(key)).toBe(signed.account);
  });

  test("new keys are keys, and differ", () => {
    const [a, b] = [newKey(), newKey()];
    expect([isKey(a), isKey(b), toHex(a) === toHex(b)]).toEqual([true, true, false]);
    for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31)])
      expect(isKey(bad)).toBe(false);
  });

  // The examples of EIP-55.
  const good = ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"];

  test.each(good)("%s has its checksum, and its plain forms have none", (text) => {
    expect(parseAddress(` ${text}\n`)).toEqual({ address: text, checked: true });
    expect(parseAddress(text.toLowerCase())).toEqual({ address: text, checked: false });
    expect(parseAddress(`0x${text.slice(2).toUpperCase()}`)).toEqual({ address: text, checked: false });
  });

  test.each([
    ["0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "checksum"],
    ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "hexadecimal"],
    ["5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "hexadecimal"],
    ["vitalik.eth", "hexadecimal"],
    [`0x${"0".repeat(40)}`, "zero"],
  ])("%s is refused", (text, why) => {
    expect(() => parseAddress(text)).toThrow(why);
  });
});

/** Vectors hold every value as text. */
function numbersOf(type: string, message: Record<string, string>): Message {
  const kinds = type.slice(type.indexOf("(") + 1, -1).split(",");
  return Object.fromEntries(
    kinds.map((word) => {
      const [kind = "", name = ""] = word.split(" ");
      const text = message[name] ?? "";
      return [name, kind.startsWith("uint") ? BigInt(text) : text];
    }),
  );
}
