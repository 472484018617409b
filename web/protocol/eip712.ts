import { type Bytes, concatBytes, fromHex, type Hex, utf8 } from "./bytes";
import { abiWords, keccak256 } from "./hash";

/** One deployment on one chain: a message signed for it means nothing elsewhere. */
export interface Domain {
  readonly chainId: bigint;
  readonly verifyingContract: Hex;
}

export type Value = bigint | number | string | Uint8Array | readonly Value[];
export type Message = Readonly<Record<string, Value>>;

const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

/** The 32 bytes that are signed. `type` is the message's EIP-712 type in full; its words name the message's fields. */
export function signingDigest(domain: Domain, type: string, message: Message): Bytes {
  const separator = structHash(DOMAIN_TYPE, { name: "Edgebounty", version: "1", ...domain });
  return keccak256(concatBytes([Uint8Array.of(0x19, 1), separator, structHash(type, message)]));
}

/** keccak256(typeHash, fields). Throws `RangeError` for a field that is missing or that its word cannot hold. */
export function structHash(type: string, message: Message): Bytes {
  const words = type
    .slice(type.indexOf("(") + 1, -1)
    .split(",")
    .map((word) => word.split(" "));
  const fields = words.map(([kind = "", name = ""]) => {
    const value = message[name];
    if (value === undefined) throw new RangeError(`${name} is missing`);
    return wordOf(kind, value);
  });
  return keccak256(concatBytes([keccak256(utf8(type)), ...fields]));
}

/** One value as EIP-712 encodes it: arrays and texts by their hash. */
function wordOf(kind: string, value: Value): Bytes {
  if (kind.endsWith("[]") && Array.isArray(value)) {
    return keccak256(concatBytes(value.map((item) => wordOf(kind.slice(0, -2), item as Value))));
  }
  if (kind === "string" && typeof value === "string") return keccak256(utf8(value));
  if (kind.startsWith("uint") && (typeof value === "number" || typeof value === "bigint")) {
    const number = BigInt(value);
    if (number < 0n || number >> BigInt(kind.slice(4))) throw new RangeError(`${number} is no ${kind}`);
    return abiWords([number]);
  }
  if (kind === "address" && typeof value === "string") return abiWords([value as Hex]);
  if (kind === "bytes32") {
    const bytes = typeof value === "string" ? fromHex(value) : value;
    if (bytes instanceof Uint8Array && bytes.length === 32) return abiWords([bytes]);
  }
  throw new RangeError(`${String(value).slice(0, 40)} is no ${kind}`);
}
