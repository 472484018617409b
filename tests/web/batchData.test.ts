import { describe, expect, test } from "vitest";

import {
  bundleLeaf,
  type BatchHeader,
  dataFile,
  parseCalldata,
  parseFile,
  readReceipt,
} from "../../web/protocol/batchData";
import { receiptWord } from "../../web/protocol/batch";
import { type Bytes, concatBytes, fromHex, type Hex, toHex } from "../../web/protocol/bytes";
import { proofOf, standsAt } from "../../web/protocol/positionTree";
import { readVectors } from "./vectors";

interface Vector {
  readonly file: Hex;
  readonly calldata: Hex;
  readonly receiptCount: string;
  readonly bundlesRoot: Hex;
  readonly leaves: readonly Hex[];
  readonly proofs: readonly (readonly Hex[])[];
  readonly bundles: readonly { readonly account: Hex; readonly start: string; readonly words: readonly Hex[] }[];
}
const vectors = readVectors<readonly Vector[]>("batch_data");

function headerOf(vector: Vector): BatchHeader {
  return {
    ...{ orchestrator: "0x", number: 0, job: 1n, firstTask: 0, endTask: 9, dataDigest: `0x${"11".repeat(32)}` },
    bundleCount: vector.bundles.length,
    receiptCount: Number(vector.receiptCount),
    bundlesRoot: vector.bundlesRoot,
  };
}

function flipped(data: Bytes, at: number): Bytes {
  const copy = data.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe.each(vectors.map((vector) => [vector.bundles.length, vector] as const))("%d bundles", (_, vector) => {
  const root = fromHex(vector.bundlesRoot);
  const leaves = vector.leaves.map(fromHex);

  test.each(["file", "calldata"] as const)("as %s give the leaves of the root", (form) => {
    const data = fromHex(vector[form]);
    const bundles = form === "file" ? parseFile(data, headerOf(vector), root) : parseCalldata(data, root);
    expect(bundles.map((bundle) => toHex(bundleLeaf(bundle)))).toEqual(vector.leaves);
    expect(
      bundles.map(({ account, start, words }) => ({ account, start: String(start), words: words.map(toHex) })),
    ).toEqual(vector.bundles);
  });

  test("of which a byte is another are refused", () => {
    const [file, calldata] = [fromHex(vector.file), fromHex(vector.calldata)];
    for (let at = 0; at < file.length; at += 5)
      expect(() => parseFile(flipped(file, at), headerOf(vector), root)).toThrow();
    for (let at = 0; at < calldata.length; at += 5) expect(() => parseCalldata(flipped(calldata, at), root)).toThrow();
  });

  test("cut short or too long are refused", () => {
    const [file, calldata] = [fromHex(vector.file), fromHex(vector.calldata)];
    for (const [data, parse] of [
      [file, (it: Bytes) => parseFile(it, headerOf(vector), root)],
      [calldata, (it: Bytes) => parseCalldata(it, root)],
    ] as const) {
      expect(() => parse(data.slice(0, -1))).toThrow("batch data");
      expect(() => parse(concatBytes([data, new Uint8Array(1)]))).toThrow("batch data");
    }
  });

  test("prove where a leaf stands, and nothing else", () => {
    leaves.forEach((leaf, at) => {
      const proof = proofOf(leaves, at);
      expect(proof.map(toHex)).toEqual(vector.proofs[at]);
      expect(standsAt(root, leaf, at, leaves.length, proof)).toBe(true);
      expect(standsAt(root, flipped(leaf, 0), at, leaves.length, proof)).toBe(false);
      expect(standsAt(root, leaf, at, leaves.length, [...proof, new Uint8Array(32)])).toBe(false);
      expect(standsAt(root, leaf, at + leaves.length, leaves.length, proof)).toBe(false);
      if (leaves.length > 1) expect(standsAt(root, leaf, at ^ 1, leaves.length, proof)).toBe(false);
    });
    expect(() => proofOf(leaves, leaves.length)).toThrow("no leaf");
  });
});

test("a receipt is read as it was written", () => {
  const digest = new Uint8Array(32).fill(7);
  expect(readReceipt(receiptWord(2 ** 32 - 1, 255, digest))).toEqual({
    task: 2 ** 32 - 1,
    slot: 255,
    digest: digest.slice(0, 27),
  });
});

test("a header without a digest has its data on chain, another one names a file of a known length", () => {
  const [vector] = vectors;
  const header = headerOf(vector as Vector);
  const [cid, length] = dataFile(header, fromHex(header.dataDigest)) ?? [];
  expect(length).toBe(fromHex((vector as Vector).file).length);
  expect(cid?.digest).toEqual(fromHex(header.dataDigest));
  expect(dataFile({ ...header, dataDigest: `0x${"00".repeat(32)}` }, new Uint8Array(32))).toBeNull();
});
