import type { Gateways } from "../../content/gateway";
import type { Bytes } from "../../protocol/bytes";
import type { Cid } from "../../protocol/cid";

const MOST_BYTES = 16 << 20;

/**
 * Files that many tasks of a job read: manifest, program, first state. They are fetched and hashed once; under a CID
 * there are never other bytes. Of more than `mostBytes` those longest unread are let go.
 */
export class SharedFiles {
  private readonly files = new Map<string, Bytes>();
  private bytes = 0;

  constructor(private readonly mostBytes = MOST_BYTES) {}

  /** Throws what `Gateways.getFile` throws. Whoever gets the bytes must not change them. */
  async get(cid: Cid, limitBytes: number, gateways: Gateways, signal: AbortSignal): Promise<Bytes> {
    const name = String(cid);
    const known = this.files.get(name);
    // A file that is longer than this reader allows is asked for again, so that it is refused as any other would be.
    if (known && known.length <= limitBytes) {
      this.files.delete(name);
      this.files.set(name, known);
      return known;
    }
    const file = await gateways.getFile(cid, limitBytes, signal);
    if (!this.files.has(name)) this.keep(name, file);
    return file;
  }

  private keep(name: string, file: Bytes): void {
    if (file.length > this.mostBytes) return;
    this.files.set(name, file);
    this.bytes += file.length;
    for (const [oldest, { length }] of this.files) {
      if (this.bytes <= this.mostBytes) return;
      this.files.delete(oldest);
      this.bytes -= length;
    }
  }
}
