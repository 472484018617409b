import { type Bytes, concatBytes, equalBytes } from "./bytes";
import { Malformed } from "./errors";
import { sha256 } from "./hash";

export const RAW = 0x55;
export const DAG_PB = 0x70;
/** Files are cut into leaves of this many bytes. */
export const CHUNK_BYTES = 1 << 20;
/** Links of one dag-pb node. */
export const FANOUT = 174;

export type Codec = typeof RAW | typeof DAG_PB;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const TEXT_LENGTH = 59;

/** A CIDv1 with SHA-256: what a block is called. `digest` is what the contracts hold. */
export class Cid {
  constructor(
    readonly codec: Codec,
    readonly digest: Bytes,
  ) {
    if (digest.length !== 32) throw new Malformed("CID", `the digest is 32 bytes long, this is ${digest.length}`);
  }

  /** Throws `Malformed` unless `text` is a canonical CIDv1 (base32, SHA-256, raw or dag-pb). */
  static parse(text: string): Cid {
    if (text.length !== TEXT_LENGTH || !text.startsWith("b")) {
      throw new Malformed("CID", `${JSON.stringify(text.slice(0, 80))} is no CIDv1 in base32`);
    }
    const cid = Cid.fromBytes(decodeBase32(text.slice(1)));
    if (cid.toString() !== text) throw new Malformed("CID", "not written in canonical base32");
    return cid;
  }

  /** The CID in its binary form (36 bytes), as dag-pb links hold it. Throws `Malformed`. */
  static fromBytes(raw: Bytes): Cid {
    const codec = raw[1];
    const known = codec === RAW || codec === DAG_PB;
    if (raw.length !== 36 || raw[0] !== 1 || !known || raw[2] !== 0x12 || raw[3] !== 0x20) {
      throw new Malformed("CID", `${raw.length} bytes that are no CIDv1 with SHA-256, raw or dag-pb`);
    }
    return new Cid(codec, raw.slice(4));
  }

  /** The CID of one block. */
  static async of(block: Bytes, codec: Codec = RAW): Promise<Cid> {
    return new Cid(codec, await sha256(block));
  }

  get bytes(): Bytes {
    return concatBytes([Uint8Array.of(1, this.codec, 0x12, 0x20), this.digest]);
  }

  toString(): string {
    return `b${encodeBase32(this.bytes)}`;
  }

  /** Whether `block` is what this CID names. */
  async matches(block: Bytes): Promise<boolean> {
    return equalBytes(await sha256(block), this.digest);
  }
}

function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((value >> bits) & 31);
    }
  }
  return bits ? text + ALPHABET.charAt((value << (5 - bits)) & 31) : text;
}

function decodeBase32(text: string): Bytes {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) throw new Malformed("CID", `${JSON.stringify(character)} is not of base32`);
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
    }
  }
  return Uint8Array.from(bytes);
}
