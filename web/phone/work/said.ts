// What an orchestrator says, before anything in it is believed. What is not as documented is as good as no answer: it is
// asked again, and nothing rests on it.
import { LaneUnavailable } from "./lane";

const WAIT_SECONDS = 2;
const LONGEST_WAIT = 60;
const LONGEST_TEXT = 2000;

/** Throws `LaneUnavailable`. */
export function wrong(what: string): never {
  throw new LaneUnavailable("unreachable", `its answer is not as documented: ${what}`);
}

/** Empty for what was left out. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, LONGEST_TEXT) : value === undefined ? "" : wrong("text");
}

export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : wrong("a number");
}

/** A job's number: a decimal string, or a number. */
export function jobOf(value: unknown): number {
  return numberOf(typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value);
}

export function amountOf(value: unknown): bigint {
  return typeof value === "string" && /^\d{1,30}$/.test(value) ? BigInt(value) : wrong("an amount");
}

export function listOf<T>(value: readonly T[] | undefined, what: string): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : wrong(what);
}

export function waitOf(seconds: unknown): number {
  return typeof seconds === "number" && seconds > 0 ? Math.min(seconds, LONGEST_WAIT) : WAIT_SECONDS;
}

/** Anything as text, cut where it is too long to show. */
export function evidenceOf(said: unknown): string {
  return JSON.stringify(said, (_, it: unknown) => (typeof it === "bigint" ? String(it) : it)).slice(0, LONGEST_TEXT);
}
