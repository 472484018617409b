import { type Bytes, concatBytes } from "../protocol/bytes";
import { type Cid, RAW } from "../protocol/cid";
import { EdgebountyError } from "../protocol/errors";
import { type Link, parseLinks } from "../protocol/unixfs";

const BLOCK_BYTES_MAX = 2 << 20;
const DEEPEST = 4;
const SECONDS = 20;

/** No gateway gave bytes that hash to this CID; `message` says what each of them did instead. */
export class ContentUnavailable extends EdgebountyError {
  constructor(
    readonly cid: string,
    reasons: readonly string[],
  ) {
    super("content_unavailable", `${cid}: ${reasons.join("; ")}`);
  }
}

export interface FetchedBlock {
  readonly cid: Cid;
  readonly bytes: number;
}

/** Reads content by CID from gateways that nobody has to trust: every block is hashed, a wrong one is asked elsewhere. */
export class Gateways {
  constructor(
    private readonly urls: readonly string[],
    private readonly onBlock?: (block: FetchedBlock) => void,
  ) {}

  /** One block. Throws `ContentUnavailable`. */
  async getBlock(cid: Cid, signal?: AbortSignal): Promise<Bytes> {
    const reasons: string[] = [];
    for (const url of this.urls) {
      try {
        const bytes = await fetchBytes(`${url}/ipfs/${cid}?format=raw`, signal);
        if (await cid.matches(bytes)) {
          this.onBlock?.({ cid, bytes: bytes.length });
          return bytes;
        }
        reasons.push(`${url} sent other bytes`);
      } catch (error) {
        if (signal?.aborted) throw error;
        reasons.push(`${url}: ${(error as Error).message}`);
      }
    }
    throw new ContentUnavailable(String(cid), reasons);
  }

  /** A whole file of at most `limitBytes`. Throws `ContentUnavailable`, and `Malformed` for a tree that is no file. */
  async getFile(cid: Cid, limitBytes: number, signal?: AbortSignal): Promise<Bytes> {
    const parts: Bytes[] = [];
    let left = limitBytes;
    const read = async (at: Cid, depth: number): Promise<void> => {
      const block = await this.getBlock(at, signal);
      if (at.codec === RAW) {
        left -= block.length;
        if (left < 0) throw new ContentUnavailable(String(cid), [`longer than the ${limitBytes} bytes allowed`]);
        parts.push(block);
        return;
      }
      if (depth === 0) throw new ContentUnavailable(String(cid), ["nested too deep"]);
      const children: Link[] = parseLinks(block);
      if (children.reduce((sum, child) => sum + child.bytes, 0) > left) {
        throw new ContentUnavailable(String(cid), [`longer than the ${limitBytes} bytes allowed`]);
      }
      for (const child of children) await read(child.cid, depth - 1);
    };
    await read(cid, DEEPEST);
    return parts.length === 1 ? (parts[0] as Bytes) : concatBytes(parts);
  }
}

async function fetchBytes(url: string, signal?: AbortSignal): Promise<Bytes> {
  const timeout = AbortSignal.timeout(SECONDS * 1000);
  const response = await fetch(url, {
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    credentials: "omit",
  });
  if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length > BLOCK_BYTES_MAX) {
      await reader.cancel();
      throw new Error(`more than ${BLOCK_BYTES_MAX} bytes`);
    }
  }
  return concatBytes(parts);
}
