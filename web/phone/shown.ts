import type { Hex } from "../protocol/bytes";
import type { Hold, Limits } from "./rules/guards";
import type { Slot } from "./rules/pace";
import type { Lack } from "./work/backing";

export type Mode = "stopped" | "working" | "finishing";
export type Step =
  "joining" | "asking" | "no_task" | "fetching" | "running" | "committing" | "waiting" | "revealing" | "held";

/** Something that keeps the page from earning and is not one of the owner's own limits. */
export interface Trouble {
  readonly code: "unreachable" | "busy" | "refused" | "no_task" | "content" | "program" | "expired" | "gap" | "broken";
  readonly detail: string;
  readonly task: number | null;
}

/** A task that was not paid, and what shows why: what this phone signed beside what was accepted. */
export interface Refusal {
  readonly job: string;
  readonly task: number;
  readonly reason: string;
  readonly evidence: string;
}

/** Token base units, as the orchestrator tells them and signed for. */
export interface Earned {
  readonly available: bigint;
  readonly checking: bigint;
  readonly paidOut: bigint; // withdrawn before
  readonly refused: bigint;
  readonly accepted: number; // tasks
  readonly refusals: readonly Refusal[];
}

/** All that the page shows. */
export interface Shown {
  readonly mode: Mode;
  readonly step: Step | null;
  readonly task: { readonly job: string; readonly index: number; readonly until: number } | null;
  readonly holds: readonly Hold[];
  readonly trouble: Trouble | null;
  readonly lack: Lack | null; // behind the job on offer, on chain
  readonly earned: Earned;
  readonly slots: readonly Slot[];
  readonly dataBytesToday: number;
  readonly limits: Limits;
  readonly address: Hex | null;
  readonly wrapped: boolean;
  readonly lasting: boolean;
  readonly payout: { readonly address: Hex; readonly checked: boolean } | null;
  readonly otherTab: boolean;
  readonly kilowattHourPrice: number;
  readonly withdrawn: string | null;
}

export const NOTHING_EARNED: Earned = {
  available: 0n,
  checking: 0n,
  paidOut: 0n,
  refused: 0n,
  accepted: 0,
  refusals: [],
};

/** What every accepted task is worth, wherever it is by now. */
export function earnedInAll({ available, checking, paidOut }: Earned): bigint {
  return available + checking + paidOut;
}
