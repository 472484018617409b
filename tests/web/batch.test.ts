import { describe, expect, test } from "vitest";

import { recoverAddress, signCompact } from "../../web/protocol/account";
import { holdsOnce, receiptWord, runningRoots, TYPES } from "../../web/protocol/batch";
import { fromHex, type Hex, toHex } from "../../web/protocol/bytes";
import { type Message, signingDigest, type Value } from "../../web/protocol/eip712";
import { readVectors } from "./vectors";

interface Wire {
  readonly privateKey: Hex;
  readonly account: Hex;
  readonly chainId: string;
  readonly verifyingContract: Hex;
  readonly messages: readonly {
    type: string;
    message: Record<string, string | string[]>;
    digest: Hex;
    signature: Hex;
  }[];
  readonly receipts: readonly { task: string; slot: string; resultDigest: Hex; word: Hex }[];
  readonly commitSets: readonly Hex[];
  readonly roots: readonly { count: string; receipts: Hex; commitSets: Hex }[];
}
const wire = readVectors<Wire>("batch_wire");
const words = wire.receipts.map(({ task, slot, resultDigest }) =>
  receiptWord(Number(task), Number(slot), fromHex(resultDigest)),
);

describe("messages of the batch lane", () => {
  const domain = { chainId: BigInt(wire.chainId), verifyingContract: wire.verifyingContract };

  test.each(wire.messages)("$type", ({ type, message, digest, signature }) => {
    const known = TYPES[type.slice(0, type.indexOf("(")) as keyof typeof TYPES];
    expect(known).toBe(type);
    const made = signingDigest(domain, known, valuesOf(type, message));
    expect(toHex(made)).toBe(digest);
    expect(toHex(signCompact(made, fromHex(wire.privateKey)))).toBe(signature);
    expect(recoverAddress(made, fromHex(signature))).toBe(wire.account);
  });

  test("each of them is tested", () => {
    expect(new Set(wire.messages.map(({ type }) => type))).toEqual(new Set(Object.values(TYPES)));
  });
});

describe("receipts", () => {
  test("are 32 bytes: task, slot, the first 27 bytes of the digest", () => {
    expect(words.map(toHex)).toEqual(wire.receipts.map(({ word }) => word));
  });

  test.each([
    [-1, 0, 32],
    [2 ** 32, 0, 32],
    [0.5, 0, 32],
    [0, 256, 32],
    [0, 0, 27],
  ])("task %d in slot %d with %d bytes of digest is refused", (task, slot, bytes) => {
    expect(() => receiptWord(task, slot, new Uint8Array(bytes))).toThrow("receipt");
  });

  test.each(wire.roots)("roots over $count", ({ count, receipts, commitSets }) => {
    const n = Number(count);
    const roots = runningRoots(words.slice(0, n), wire.commitSets.slice(0, n).map(fromHex));
    expect({ receipts: toHex(roots.receipts), commitSets: toHex(roots.commitSets) }).toEqual({ receipts, commitSets });
  });

  test("without a commit set beside each are refused", () => {
    expect(() => runningRoots(words, [])).toThrow("beside");
  });
});

test("a commitment must stand in a closed set once", () => {
  const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  expect([[a, b], [b], [a, b, a], []].map((set) => holdsOnce(set, a))).toEqual([true, false, false, false]);
});

/** Vectors hold every value as text. */
function valuesOf(type: string, message: Record<string, string | string[]>): Message {
  const kinds = type.slice(type.indexOf("(") + 1, -1).split(",");
  return Object.fromEntries(
    kinds.map((word): [string, Value] => {
      const [kind = "", name = ""] = word.split(" ");
      const read = (text: string) => (kind.startsWith("uint") ? BigInt(text) : text);
      const value = message[name] ?? "";
      return [name, typeof value === "string" ? read(value) : value.map(read)];
    }),
  );
}
