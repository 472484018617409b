import { DEFAULT_LIMITS, type Limits, type Question } from "./rules/guards";
import { noteAccepted, noteTime, type Slot } from "./rules/pace";
import type { Shown } from "./shown";
import { openStore, type Store } from "./store";
import { advance, type Fact, START, type State } from "./work/machine";

export interface Settings {
  readonly limits: Limits;
  readonly payout: Shown["payout"];
  readonly answers: Readonly<Partial<Record<Question, number>>>;
  readonly kilowattHourPrice: number;
}

interface Counted {
  readonly slots: readonly Slot[];
  readonly day: string;
  readonly dataBytes: number;
}

/** All that a reload must not lose: what the owner chose, how far each task is, what was earned and downloaded. */
export class Kept {
  settings: Settings = { limits: DEFAULT_LIMITS, payout: null, answers: {}, kilowattHourPrice: 0.3 };
  state: State = START;
  private counted: Counted = { slots: [], day: "", dataBytes: 0 };
  private address = "";

  private constructor(readonly store: Store) {}

  static async open(): Promise<Kept> {
    const store = await openStore();
    const kept = new Kept(store);
    kept.settings = { ...kept.settings, ...(await store.get<Settings>("settings")) };
    kept.counted = { ...kept.counted, ...(await store.get<Counted>("counted")) };
    return kept;
  }

  /** The work begun by this account; what was begun by another one is left to that. */
  async load(address: string): Promise<void> {
    this.address = address;
    this.state = { ...START, ...(await this.store.get<State>(this.stateName)) };
  }

  async note(fact: Fact): Promise<void> {
    this.state = advance(this.state, fact);
    await this.store.put(this.stateName, this.state);
  }

  async change(change: Partial<Settings>): Promise<void> {
    this.settings = { ...this.settings, ...change };
    await this.store.put("settings", this.settings);
  }

  get slots(): readonly Slot[] {
    return this.counted.slots;
  }

  get dataBytesToday(): number {
    return this.counted.day === today() ? this.counted.dataBytes : 0;
  }

  countData(bytes: number): void {
    this.counted = { ...this.counted, day: today(), dataBytes: this.dataBytesToday + bytes };
  }

  countTime(now: number, seconds: number, busySeconds: number): void {
    this.counted = { ...this.counted, slots: noteTime(this.slots, now, seconds, busySeconds) };
    if (Math.floor(now) % 10 === 0) void this.store.put("counted", this.counted);
  }

  async countAccepted(now: number, amount: bigint): Promise<void> {
    this.counted = { ...this.counted, slots: noteAccepted(this.slots, now, amount) };
    await this.store.put("counted", this.counted);
  }

  private get stateName(): string {
    return `state.${this.address}`;
  }
}

function today(): string {
  return new Date().toDateString();
}
