import { type Bytes, toHex, utf8 } from "./bytes";
import { sha256 } from "./hash";

/** `nan`, `trap`, `work_limit` or `status_N`: a failure that every device finds alike is a result too. */
export type FailureCode = "nan" | "trap" | "work_limit" | `status_${number}`;

const MAX_STATUS = 255;
let byDigest: Map<string, FailureCode> | undefined;

/** The failure that a program's return value stands for; null when it is 0. */
export function codeOfStatus(status: number): FailureCode | null {
  if (status === 0) return null;
  if (status === 1) return "nan";
  return `status_${status > 1 && status < MAX_STATUS ? status : MAX_STATUS}`;
}

/** The result bytes of a failure. */
export function failureBytes(code: FailureCode): Bytes {
  return utf8(`{"failure":"${code}"}`);
}

/** The code if `digest` is that of a failure, else null: no fetch is needed to know. */
export async function failureOfDigest(digest: Bytes): Promise<FailureCode | null> {
  byDigest ??= new Map(
    await Promise.all(allCodes().map(async (code) => [toHex(await sha256(failureBytes(code))), code] as const)),
  );
  return byDigest.get(toHex(digest)) ?? null;
}

function allCodes(): FailureCode[] {
  const statuses = Array.from({ length: MAX_STATUS - 1 }, (_, i) => `status_${i + 2}` as const);
  return ["nan", "trap", "work_limit", ...statuses];
}
