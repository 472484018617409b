import type { Bytes } from "../protocol/bytes";
import { ProgramRefused } from "./errors";

const IMPORT = 2;
const MEMORY = 5;
const START = 8;
const PAGE_BYTES = 65_536;
const MODULE_BYTES = 4 << 20;

/**
 * What has to hold before a stranger's module is even compiled: a bounded size, no imports, no start function, and one
 * memory of a fixed size within the job's limit. The orchestrator and the workers check the remaining rules; a module
 * that breaks those gives other bytes here, which shows. Throws `ProgramRefused`.
 */
export function checkModule(module: Bytes, memoryBytes: number): void {
  if (module.length > MODULE_BYTES)
    throw new ProgramRefused(`the module has ${module.length} bytes, at most ${MODULE_BYTES}`);
  let pages: number | undefined;
  for (const { id, body } of sectionsOf(module)) {
    if (id === IMPORT && body.number() !== 0) throw new ProgramRefused("the module has imports");
    if (id === START) throw new ProgramRefused("the module has a start function");
    if (id === MEMORY) pages = fixedPages(body);
  }
  if (pages === undefined) throw new ProgramRefused("the module has no memory of its own");
  if (pages * PAGE_BYTES > memoryBytes) {
    throw new ProgramRefused(`the module asks for ${pages * PAGE_BYTES} bytes of memory, ${memoryBytes} are allowed`);
  }
}

function fixedPages(body: Reader): number {
  const count = body.number();
  const flags = body.number();
  const least = body.number();
  if (count !== 1 || flags !== 1 || body.number() !== least)
    throw new ProgramRefused("one memory of a fixed size is needed");
  return least;
}

function* sectionsOf(module: Bytes): Generator<{ id: number; body: Reader }> {
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (!magic.every((byte, i) => module[i] === byte)) throw new ProgramRefused("not a WebAssembly module");
  const reader = new Reader(module, 8);
  while (reader.at < module.length) {
    const id = module[reader.at++] ?? 0;
    const size = reader.number();
    if (reader.at + size > module.length) throw new ProgramRefused("the module is cut short");
    yield { id, body: new Reader(module, reader.at) };
    reader.at += size;
  }
}

/** LEB128 numbers of at most 32 bits. */
class Reader {
  constructor(
    private readonly bytes: Bytes,
    public at: number,
  ) {}

  number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new ProgramRefused("the module is cut short");
  }
}
