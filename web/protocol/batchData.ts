// A batch's data as they were posted or published: twin of edgebounty/protocol/batch/{wire,publishing}.py.
import { toAddress } from "./account";
import { positionRoot } from "./batch";
import { type Bytes, equalBytes, type Hex } from "./bytes";
import type { Cid } from "./cid";
import { Malformed } from "./errors";
import { abiWords, keccak256 } from "./hash";
import { cidOfDigest } from "./unixfs";

const MOST_RECEIPTS = 1 << 20;
const FILE_FIXED_BYTES = 4 + 20 + 4 + 4 + 32 + 32 + 64;
const CALLDATA_FIXED_BYTES = 4 + 20 + 4 + 32 + 64;

/** What the chain keeps of a batch as one hash, as far as its data are concerned. */
export interface BatchHeader {
  readonly orchestrator: Hex;
  readonly number: number;
  readonly job: bigint;
  readonly firstTask: number;
  readonly endTask: number;
  readonly bundleCount: number;
  readonly receiptCount: number;
  readonly bundlesRoot: Hex;
  readonly dataDigest: Hex;
}

/** One worker's part of a batch. `words`: its receipts, 32 bytes each. */
export interface BatchBundle {
  readonly payoutIndex: number;
  readonly account: Hex;
  readonly start: number;
  readonly words: readonly Bytes[];
  readonly receiptsRoot: Bytes;
  readonly setsRoot: Bytes;
  readonly signature: Bytes;
}

export interface Receipt {
  readonly task: number;
  readonly slot: number;
  readonly digest: Bytes; // the first 27 bytes of the result's
}

export function readReceipt(word: Bytes): Receipt {
  return { task: new DataView(word.buffer, word.byteOffset).getUint32(0), slot: word[4] ?? 0, digest: word.slice(5) };
}

/** Where the data are, and how long; null for a batch that was posted as calldata. */
export function dataFile({ dataDigest, bundleCount, receiptCount }: BatchHeader, digest: Bytes): [Cid, number] | null {
  if (/^0x0*$/.test(dataDigest)) return null;
  const length = FILE_FIXED_BYTES * bundleCount + 64 * receiptCount;
  return [cidOfDigest(digest, length), length];
}

/** The bundles of a published file. Throws `Malformed` unless they are exactly those of the header's root. */
export function parseFile(data: Bytes, header: BatchHeader, root: Bytes): BatchBundle[] {
  const reader = new Reader(data);
  const bundles: BatchBundle[] = [];
  for (let i = 0; i < header.bundleCount; i++) {
    const payoutIndex = reader.number();
    const account = toAddress(reader.bytes(20));
    const [start, count] = [reader.number(), reader.number()];
    const [receiptsRoot, setsRoot, signature] = [reader.bytes(32), reader.bytes(32), reader.bytes(64)];
    const words = reader.words(count);
    const commitSets = reader.words(count);
    if (!equalBytes(positionRoot(words.map(keccak256)), receiptsRoot)) {
      throw new Malformed("batch data", `the receipts of bundle ${i} are not those of its root`);
    }
    if (!equalBytes(positionRoot(commitSets.map(keccak256)), setsRoot)) {
      throw new Malformed("batch data", `the commit sets of bundle ${i} are not those of their root`);
    }
    bundles.push({ payoutIndex, account, start, words, receiptsRoot, setsRoot, signature });
  }
  return checked(bundles, reader, root);
}

/** The same from a transaction's calldata, in which roots that can be computed are left out. */
export function parseCalldata(data: Bytes, root: Bytes): BatchBundle[] {
  const reader = new Reader(data);
  const bundles: BatchBundle[] = [];
  for (let start = 0; reader.left >= CALLDATA_FIXED_BYTES;) {
    const payoutIndex = reader.number();
    const account = toAddress(reader.bytes(20));
    const count = reader.number();
    const [setsRoot, signature] = [reader.bytes(32), reader.bytes(64)];
    const words = reader.words(count);
    const receiptsRoot = positionRoot(words.map(keccak256));
    bundles.push({ payoutIndex, account, start, words, receiptsRoot, setsRoot, signature });
    start += count;
  }
  return checked(bundles, reader, root);
}

/** The bundle's leaf in the batch's tree. */
export function bundleLeaf(bundle: BatchBundle): Bytes {
  const { payoutIndex, account, start, words, receiptsRoot, setsRoot, signature } = bundle;
  return keccak256(
    abiWords([
      ...[BigInt(payoutIndex), account, BigInt(start), BigInt(words.length), receiptsRoot, setsRoot],
      ...[signature.slice(0, 32), signature.slice(32)],
    ]),
  );
}

function checked(bundles: BatchBundle[], reader: Reader, root: Bytes): BatchBundle[] {
  if (reader.left) throw new Malformed("batch data", `${reader.left} bytes follow the last bundle`);
  if (!equalBytes(positionRoot(bundles.map(bundleLeaf)), root)) {
    throw new Malformed("batch data", "the bundles do not have the root that stands on chain");
  }
  return bundles;
}

class Reader {
  private at = 0;
  private total = 0;

  constructor(private readonly data: Bytes) {}

  get left(): number {
    return this.data.length - this.at;
  }

  bytes(length: number): Bytes {
    if (this.left < length) throw new Malformed("batch data", `cut short at byte ${this.data.length}`);
    return this.data.slice(this.at, (this.at += length));
  }

  number(): number {
    return new DataView(this.bytes(4).buffer).getUint32(0);
  }

  words(count: number): Bytes[] {
    this.total += count;
    if (this.total > 2 * MOST_RECEIPTS || this.left < 32 * count) {
      throw new Malformed("batch data", `${count} receipts, and ${this.left} bytes left`);
    }
    return Array.from({ length: count }, () => this.bytes(32));
  }
}
