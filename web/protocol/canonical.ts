import { type Bytes, equalBytes, utf8 } from "./bytes";
import { Malformed } from "./errors";

const MAX_DEPTH = 32;

/** Canonical JSON (RFC 8785): keys sorted, no spaces, numbers as this language prints them. Throws `Malformed`. */
export function encodeCanonical(value: unknown): Bytes {
  return utf8(write(value, 0));
}

/** The value of canonical JSON. Throws `Malformed` unless the bytes are exactly what `encodeCanonical` would write. */
export function decodeCanonical(bytes: Bytes): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new Malformed("JSON", String(cause), { cause });
  }
  // A key that stands twice, an unsafe number or a space is lost in parsing, so it shows here.
  if (!equalBytes(encodeCanonical(value), bytes)) throw new Malformed("JSON", "not canonical");
  return value;
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new Malformed("JSON", `nested deeper than ${MAX_DEPTH}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return writeText(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Malformed("JSON", `${value} has no JSON form`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${writeText(key)}:${write(item, depth + 1)}`).join(",")}}`;
  }
  throw new Malformed("JSON", `${typeof value} has no JSON form`);
}

function writeText(text: string): string {
  if (!text.isWellFormed()) throw new Malformed("JSON", "text holds half of a surrogate pair");
  return JSON.stringify(text);
}
