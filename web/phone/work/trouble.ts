import { toHex } from "../../protocol/bytes";
import type { Refusal, Trouble } from "../shown";
import { say } from "../words";
import { LaneRefused, LaneUnavailable, TicketOver } from "./lane";
import type { Outvoted } from "./machine";

/** What went wrong, as the page shows it. */
export function troubleOf(error: unknown, task: number | null): Trouble {
  if (error instanceof LaneUnavailable)
    return { code: error.code as "unreachable" | "busy", detail: error.message, task };
  if (error instanceof TicketOver) return { code: "busy", detail: error.message, task };
  const code = error instanceof LaneRefused ? "refused" : "broken";
  return { code, detail: messageOf(error), task };
}

export function refusalOf({ job, task, ours, theirs, evidence }: Outvoted): Refusal {
  const reason = say("earned.outvoted", { task, job, ours: toHex(ours), theirs: toHex(theirs) });
  return { job, task, reason, evidence };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
