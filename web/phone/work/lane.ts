import type { Account } from "../keys";
import type { Earned } from "../shown";
import type { Lack } from "./backing";
import type { Bundle, Look, Offer, Result, Task } from "./machine";
import { EdgebountyError } from "../../protocol/errors";

/** What the orchestrator says of itself, and where content is. */
export interface Terms {
  readonly gateways: readonly string[];
}

/** It did not answer, or asked to wait: nothing is lost, the same is asked again. */
export class LaneUnavailable extends EdgebountyError {
  constructor(
    code: "unreachable" | "busy",
    detail: string,
    readonly waitSeconds: number | null = null,
  ) {
    super(code, detail);
  }
}

/** Another receipt of this batch was accepted than the ones that this one was signed over. */
export class ReceiptConflict extends LaneUnavailable {
  constructor(detail: string) {
    super("busy", detail, 1);
  }
}

/** The ticket is over: join again. */
export class TicketOver extends EdgebountyError {
  constructor(detail: string) {
    super("ticket", detail);
  }
}

/** It answered no, and would again; or what it signed is not what was asked for. */
export class LaneRefused extends EdgebountyError {
  constructor(
    detail: string,
    readonly evidence = "",
  ) {
    super("refused", detail);
  }
}

export type Found = { readonly offer: Offer } | { readonly reason: string; readonly waitSeconds: number };

/**
 * The batch lane as one worker sees it. Whatever an orchestrator signs is checked here, so what comes back holds.
 * All throw `LaneUnavailable` and `LaneRefused`.
 */
export interface Lane {
  /** Joins once; later the same. */
  join(account: Account): Promise<Terms>;
  findWork(): Promise<Found>;
  /** What the chain says is missing behind the job; null: its escrow and the orchestrator's stake are there. */
  lackOf(offer: Offer): Promise<Lack | null>;
  /** Takes a place in a task; asked again, the same place. */
  claim(offer: Offer): Promise<Task>;
  /** Publishes the salted commitment to a result. */
  commit(task: Task, result: Result): Promise<Look>;
  /** How far the task is. Once closed, its commit set is signed and holds our commitment exactly once. */
  look(task: Task, result: Result): Promise<Look>;
  /** Opens our commitment: digest, salt, and the output's blocks before that. */
  show(task: Task, result: Result): Promise<Look>;
  /** Signs the receipt of an agreed result: the roots over all of the batch, anew. Gives the accepted bundle. */
  handIn(task: Task, result: Result, before: Bundle | null): Promise<Bundle>;
  earned(): Promise<Omit<Earned, "refused" | "refusals">>;
  /** Asks for all that is available to be sent to `receiver`; gives the amount. */
  withdraw(receiver: string): Promise<bigint>;
}
