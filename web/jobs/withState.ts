import { type Bytes, concatBytes, utf8 } from "../protocol/bytes";
import { Malformed } from "../protocol/errors";
import { type Buffer, LAYOUT_SECTION, type Layout } from "../protocol/layout";
import { layoutOf } from "./assemble";

const CUSTOM = 0;
const MEMORY = 5;
const PAGE_BYTES = 65_536;
const ALIGNED_BYTES = 64;

/**
 * The module with further state buffers after its own, in memory behind the rest: byte for byte `with_state` of
 * edgebounty/programs/extend.py. The code is untouched. Throws `Malformed`.
 */
export function withState(module: Bytes, more: readonly Buffer[]): Bytes {
  const layout = layoutOf(module);
  const sections = [...sectionsOf(module)];
  const memory = sections.find(({ id }) => id === MEMORY);
  if (!memory) throw new Malformed("program", "it has no memory of its own");
  let at = numberAt(memory.body, 2).value * PAGE_BYTES; // after the count of memories and the flags
  const added = more.map((buffer) => {
    const placed = { ...buffer, role: "state" as const, offset: at };
    at += Math.ceil(buffer.bytes / ALIGNED_BYTES) * ALIGNED_BYTES;
    return placed;
  });
  const pages = encodeNumber(Math.ceil(at / PAGE_BYTES));
  const own = layout.buffers.filter(({ role }) => role === "state");
  const rest = layout.buffers.filter(({ role }) => role !== "state");
  const widened = encodeLayout({ ...layout, buffers: [...own, ...added, ...rest] });
  const parts: Uint8Array[] = [module.subarray(0, 8)];
  for (const section of sections) {
    let { body } = section;
    if (section.id === MEMORY) body = concatBytes([Uint8Array.of(1, 1), pages, pages]);
    if (section.id === CUSTOM && nameOf(body) === LAYOUT_SECTION) {
      const name = utf8(LAYOUT_SECTION);
      body = concatBytes([encodeNumber(name.length), name, widened]);
    }
    parts.push(Uint8Array.of(section.id), encodeNumber(body.length), body);
  }
  return concatBytes(parts);
}

interface Section {
  readonly id: number;
  readonly body: Bytes;
}

/** The module compiled before, so its sections are whole. */
function* sectionsOf(module: Bytes): Generator<Section> {
  for (let at = 8; at < module.length;) {
    const id = module[at] ?? 0;
    const size = numberAt(module, at + 1);
    yield { id, body: module.subarray(size.next, size.next + size.value) };
    at = size.next + size.value;
  }
}

function nameOf(body: Bytes): string {
  const length = numberAt(body, 0);
  return new TextDecoder().decode(body.subarray(length.next, length.next + length.value));
}

function numberAt(bytes: Bytes, start: number): { value: number; next: number } {
  let value = 0;
  for (let next = start, scale = 1; ; scale *= 128) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next };
  }
}

function encodeNumber(value: number): Bytes {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left]);
    bytes.push((left % 128) | 0x80);
  }
}

/** As Python writes it: keys sorted, no spaces, nothing but ASCII. */
function encodeLayout({ name, kind, simd, buffers }: Layout): Bytes {
  const listed = buffers.map(({ dtype, name, offset, role, shape }) => ({ dtype, name, offset, role, shape }));
  const text = JSON.stringify({ buffers: listed, kind, name, simd, version: 1 });
  return utf8(text.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`));
}
