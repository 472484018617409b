import { type Bytes, concatBytes } from "./bytes";
import { CHUNK_BYTES, Cid, DAG_PB, FANOUT, RAW } from "./cid";
import { Malformed } from "./errors";

/** A file cut into blocks. */
export interface BuiltFile {
  readonly cid: Cid;
  readonly blocks: readonly Block[];
}

export interface Block {
  readonly cid: Cid;
  readonly bytes: Bytes;
}

/** One child of an inner node, and how many bytes of the file lie below it. */
export interface Link {
  readonly cid: Cid;
  readonly bytes: number;
}

interface Node extends Link {
  readonly treeBytes: number; // of all blocks below: dag-pb's Tsize
}

/** All blocks of a file, leaves before the nodes that link to them; the last is the root. */
export async function buildFile(data: Bytes, chunkBytes = CHUNK_BYTES): Promise<BuiltFile> {
  const blocks: Block[] = [];
  let level: Node[] = [];
  for (let at = 0; at === 0 || at < data.length; at += chunkBytes) {
    const bytes = data.subarray(at, at + chunkBytes);
    const cid = await Cid.of(bytes);
    blocks.push({ cid, bytes });
    level.push({ cid, bytes: bytes.length, treeBytes: bytes.length });
  }
  while (level.length > 1) {
    const above: Node[] = [];
    for (let at = 0; at < level.length; at += FANOUT) {
      const children = level.slice(at, at + FANOUT);
      const bytes = encodeNode(children);
      const cid = await Cid.of(bytes, DAG_PB);
      blocks.push({ cid, bytes });
      above.push({ cid, bytes: sum(children, "bytes"), treeBytes: bytes.length + sum(children, "treeBytes") });
    }
    level = above;
  }
  const root = level[0];
  if (!root) throw new Malformed("file", "has no block"); // there is always a first chunk
  return { cid: root.cid, blocks };
}

/** The CID of content whose digest is on chain and whose length is known: up to one chunk it is a raw block. */
export function cidOfDigest(digest: Bytes, length: number): Cid {
  return new Cid(length <= CHUNK_BYTES ? RAW : DAG_PB, digest);
}

/** The children of an inner node. Throws `Malformed` unless it is a node of a file with raw leaves. */
export function parseLinks(block: Bytes): Link[] {
  const hashes: Cid[] = [];
  let sizes: number[] | undefined;
  for (const [number, value] of fieldsOf(block)) {
    if (number === 2 && typeof value !== "number" && !sizes) hashes.push(hashOf(value));
    else if (number === 1 && typeof value !== "number" && !sizes) sizes = sizesOf(value);
    else throw new Malformed("dag-pb", `unexpected or misplaced field ${number}`);
  }
  if (!sizes?.length || sizes.length !== hashes.length) {
    throw new Malformed("dag-pb", `${hashes.length} links but ${sizes?.length ?? 0} sizes: no file with raw leaves`);
  }
  const found = sizes;
  return hashes.map((cid, i) => ({ cid, bytes: found[i] ?? 0 }));
}

function encodeNode(children: readonly Node[]): Bytes {
  const links: Uint8Array[] = [];
  const sizes: Uint8Array[] = [];
  for (const child of children) {
    const body = concatBytes([
      Uint8Array.of(0x0a, 36),
      child.cid.bytes,
      Uint8Array.of(0x12, 0, 0x18),
      varint(child.treeBytes),
    ]);
    links.push(Uint8Array.of(0x12), varint(body.length), body);
    sizes.push(Uint8Array.of(0x20), varint(child.bytes));
  }
  const record = concatBytes([Uint8Array.of(8, 2, 0x18), varint(sum(children, "bytes")), ...sizes]);
  return concatBytes([...links, Uint8Array.of(0x0a), varint(record.length), record]);
}

function sum(nodes: readonly Node[], field: "bytes" | "treeBytes"): number {
  return nodes.reduce((total, node) => total + node[field], 0);
}

function varint(value: number): Bytes {
  const out: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) out.push((value % 128) | 0x80);
  return Uint8Array.of(...out, value);
}

function hashOf(link: Bytes): Cid {
  for (const [number, value] of fieldsOf(link))
    if (number === 1 && typeof value !== "number") return Cid.fromBytes(value);
  throw new Malformed("dag-pb", "a link without a hash");
}

function sizesOf(record: Bytes): number[] {
  let kind: number | undefined;
  let total: number | undefined;
  const sizes: number[] = [];
  for (const [number, value] of fieldsOf(record)) {
    if (typeof value !== "number") throw new Malformed("dag-pb", "file bytes inside a node: leaves must be raw");
    if (number === 1) kind = value;
    else if (number === 3) total = value;
    else if (number === 4) sizes.push(value);
    else throw new Malformed("dag-pb", `unexpected field ${number} in the file's record`);
  }
  if (kind !== 2) throw new Malformed("dag-pb", `UnixFS type ${kind} is not a file`);
  if (total !== sizes.reduce((a, b) => a + b, 0))
    throw new Malformed("dag-pb", "the node's size is not its children's");
  return sizes;
}

/** The fields of a protobuf message: whole numbers and byte strings only. */
function* fieldsOf(data: Bytes): Generator<[number, number | Bytes]> {
  let at = 0;
  const read = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = data[at++];
      if (byte === undefined || scale > 2 ** 49) throw new Malformed("dag-pb", "cut short");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < data.length) {
    const key = read();
    const value = read();
    if (key % 8 === 0) yield [key >> 3, value];
    else if (key % 8 === 2) {
      if (at + value > data.length) throw new Malformed("dag-pb", "a field runs past the end");
      yield [key >> 3, data.slice(at, at + value)];
      at += value;
    } else throw new Malformed("dag-pb", `protobuf wire type ${key % 8}`);
  }
}
