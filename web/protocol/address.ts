import { equalBytes, fromHex, type Hex, toHex, utf8 } from "./bytes";
import { Malformed } from "./errors";
import { keccak256 } from "./hash";

/** 20 bytes as an address with the checksum of EIP-55. */
export function toAddress(bytes: Uint8Array): Hex {
  const plain = toHex(bytes).slice(2);
  const hash = toHex(keccak256(utf8(plain))).slice(2);
  const mixed = Array.from(plain, (digit, i) =>
    Number.parseInt(hash.charAt(i), 16) > 7 ? digit.toUpperCase() : digit,
  );
  return `0x${mixed.join("")}`;
}

/**
 * An address that somebody typed or pasted. All in one case it has no checksum, which is said by `checked`; in mixed
 * case the checksum must be right. Throws `Malformed`.
 */
export function parseAddress(text: string): { address: Hex; checked: boolean } {
  const trimmed = text.trim();
  if (!/^0x[0-9a-f]{40}$/i.test(trimmed)) throw new Malformed("address", "0x and 40 hexadecimal digits");
  const address = toAddress(fromHex(trimmed));
  if (equalBytes(fromHex(address), new Uint8Array(20))) throw new Malformed("address", "the zero address is nobody's");
  const digits = trimmed.slice(2);
  const checked = digits !== digits.toLowerCase() && digits !== digits.toUpperCase();
  if (checked && trimmed !== address) throw new Malformed("address", "its checksum is wrong: a character was mistyped");
  return { address, checked };
}
