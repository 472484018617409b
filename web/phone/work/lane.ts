import type { Account } from "../keys";
import type { Earned } from "../shown";
import type { Bundle, Result, Task } from "./machine";
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

/** It answered no, and would again; or what it signed is not what was asked for. */
export class LaneRefused extends EdgebountyError {
  constructor(
    detail: string,
    readonly evidence = "",
  ) {
    super("refused", detail);
  }
}

export type Claimed = { readonly tasks: readonly Task[] } | { readonly reason: string; readonly waitSeconds: number };

/**
 * The batch lane as one worker sees it. Whatever an orchestrator signs is checked here, so what comes back holds.
 * All throw `LaneUnavailable` and `LaneRefused`.
 */
export interface Lane {
  /** Joins once; later the same. */
  join(account: Account): Promise<Terms>;
  claim(): Promise<Claimed>;
  /** Publishes the salted commitment to a result. */
  commit(task: Task, result: Result): Promise<void>;
  /** The signed hash of the closed commit set, in which ours stands exactly once; null while others are missing. */
  closedSet(task: Task, result: Result): Promise<Task["commitSet"] | { readonly waitSeconds: number }>;
  /** Hands the result in, with the roots over all receipts of the batch signed again. Gives the accepted bundle. */
  handIn(task: Task, result: Result, before: Bundle | null): Promise<Bundle>;
  earned(): Promise<Earned>;
  /** Asks for all that is available to be sent to `receiver`; gives the amount. */
  withdraw(receiver: string): Promise<bigint>;
}
