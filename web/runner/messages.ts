import type { Execution, Work } from "./execute";

/** What crosses the border to the worker, and back. */
export interface Question {
  readonly id: number;
  readonly work: Work;
}

export type Answer =
  | { readonly id: number; readonly execution: Execution }
  | { readonly id: number; readonly problem: { readonly code: string; readonly message: string } };
