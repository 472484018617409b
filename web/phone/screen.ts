import { DEFAULT_LIMITS } from "./rules/guards";
import { NOTHING_EARNED, type Shown } from "./shown";

/** What is shown, and who has to be told when it changes. */
export class Screen {
  shown: Shown = {
    mode: "stopped",
    step: null,
    task: null,
    holds: [],
    trouble: null,
    lack: null,
    earned: NOTHING_EARNED,
    slots: [],
    dataBytesToday: 0,
    limits: DEFAULT_LIMITS,
    address: null,
    wrapped: true,
    lasting: true,
    payout: null,
    otherTab: false,
    kilowattHourPrice: 0.3,
    withdrawn: null,
  };
  private readonly listeners = new Set<() => void>();

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  show(change: Partial<Shown>): void {
    this.shown = { ...this.shown, ...change };
    for (const listener of this.listeners) listener();
  }
}
