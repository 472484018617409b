/** Byte strings whose buffer is a plain ArrayBuffer, as the platform's interfaces want them. */
export type Bytes = Uint8Array<ArrayBuffer>;
export type Hex = `0x${string}`;

export const EMPTY: Bytes = new Uint8Array(0);
const encoder = new TextEncoder();

export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function toHex(bytes: Uint8Array): Hex {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Throws `RangeError` unless the text is 0x and whole bytes. */
export function fromHex(text: string): Bytes {
  if (!/^0x([0-9a-f]{2})*$/i.test(text)) throw new RangeError(`${text.slice(0, 80)} is not hex`);
  return Uint8Array.from({ length: text.length / 2 - 1 }, (_, i) =>
    Number.parseInt(text.slice(2 * i + 2, 2 * i + 4), 16),
  );
}

export function utf8(text: string): Bytes {
  return encoder.encode(text);
}
