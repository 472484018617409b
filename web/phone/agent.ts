import { parseAddress } from "../protocol/account";
import { toHex } from "../protocol/bytes";
import { formatTokens } from "../ui/format";
import { save } from "../ui/parts";
import { Device } from "./device";
import { Kept, type Settings } from "./kept";
import { type Account, openAccount, restoreAccount } from "./keys";
import { becomeOnlyTab } from "./onlyTab";
import { ANSWER_SECONDS, type Limits, type Question } from "./rules/guards";
import { Screen } from "./screen";
import { ScreenLock } from "./sensors";
import { NOTHING_EARNED, type Shown } from "./shown";
import { say } from "./words";
import type { Lane } from "./work/lane";
import { Runner } from "./work/runner";
import { troubleOf } from "./work/trouble";
import { Work } from "./work/work";

/** The worker behind the page, and all that its owner can tell it. What it decides is decided by rules/ and work/. */
export class Agent {
  private readonly screen = new Screen();
  private readonly lock = new ScreenLock();
  private readonly device: Device;
  private readonly runner: Runner;
  private account: Account | null = null;
  private all = new AbortController(); // aborted by "stop now": everything ends
  private lane: Lane | null = null;
  private work: Work | null = null;
  private working: Promise<void> = Promise.resolve();

  private constructor(
    private readonly kept: Kept,
    private readonly makeLane: (account: Account) => Lane,
  ) {
    this.device = new Device(kept);
    this.runner = new Runner(kept, this.device, this.screen, () => this.look());
    this.screen.show({ ...kept.settings, slots: kept.slots, lasting: kept.store.lasting });
  }

  /** Knows what the browser keeps and what the device tells: enough to be shown. */
  static async open(makeLane: (account: Account) => Lane): Promise<Agent> {
    const agent = new Agent(await Kept.open(), makeLane);
    await agent.device.watch(() => agent.look());
    return agent;
  }

  /** Takes its key, and the place of the only tab; work begins with `start`. */
  async wakeUp(): Promise<void> {
    this.account = await openAccount(this.kept.store);
    await new Promise<void>((known) => {
      void becomeOnlyTab(() => {
        this.screen.show({ otherTab: true });
        known();
      }).then(async () => {
        if (this.shown.otherTab) await this.load(); // the other tab went further
        this.screen.show({ otherTab: false });
        known();
      });
    });
    await this.load();
  }

  get shown(): Shown {
    return this.screen.shown;
  }

  subscribe(listener: () => void): () => void {
    return this.screen.subscribe(listener);
  }

  start(): void {
    if (this.shown.mode !== "stopped" || this.shown.otherTab || !this.shown.address) return;
    this.all = new AbortController();
    this.lane = this.makeLane(this.me);
    const compute = this.runner.compute.bind(this.runner);
    const work = (this.work = new Work(this.lane, this.me, this.kept, this.screen, compute, () => this.look()));
    this.device.start();
    this.screen.show({ mode: "working", step: "joining", trouble: null });
    void navigator.storage?.persist?.();
    this.look();
    const { signal } = this.all;
    // Never two at once: the last one may wait for an answer.
    this.working = this.working.then(async () => {
      await this.kept.note({ is: "gap", now: Date.now() / 1000 });
      if (await work.run(signal)) this.stop();
    });
  }

  finish(): void {
    if (this.shown.mode === "working") this.screen.show({ mode: "finishing" });
    this.work?.wake();
  }

  stop(): void {
    this.all.abort();
    this.runner.cut();
    this.screen.show({ mode: "stopped", step: null, task: null, trouble: null, lack: null });
    this.work?.wake();
  }

  night(on: boolean): void {
    this.lock.want(on);
    if (on) document.documentElement.requestFullscreen?.().catch(() => undefined);
    else if (document.fullscreenElement) void document.exitFullscreen();
  }

  setLimits(limits: Limits): void {
    void this.change({ limits });
  }

  setPrice(kilowattHourPrice: number): void {
    void this.change({ kilowattHourPrice });
  }

  answer(question: Question, ignore: boolean): void {
    const { limits, answers } = this.kept.settings;
    if (!ignore) void this.change({ answers: { ...answers, [question]: Date.now() / 1000 + ANSWER_SECONDS } });
    else if (question === "charging") this.setLimits({ ...limits, onlyCharging: false });
    else this.setLimits({ ...limits, noMobileData: false });
  }

  /** Throws `Malformed`. */
  async setPayout(text: string): Promise<NonNullable<Shown["payout"]>> {
    const payout = parseAddress(text);
    await this.change({ payout });
    return payout;
  }

  async backUp(password: string): Promise<string> {
    return await this.me.backUp(password);
  }

  /** Throws `BackupError`. What was begun with the key before is left to it. */
  async restore(text: string, password: string): Promise<string> {
    const account = await restoreAccount(this.kept.store, text, password);
    this.stop();
    await this.working; // an answer that is on its way belongs to the key before
    this.account = account;
    await this.load();
    this.screen.show({ earned: NOTHING_EARNED });
    return account.address;
  }

  async withdraw(): Promise<void> {
    const { payout } = this.kept.settings;
    if (!payout) {
      document.querySelector<HTMLInputElement>("#payout input")?.focus();
      return;
    }
    try {
      const amount = await (this.lane ?? this.makeLane(this.me)).withdraw(payout.address);
      const values = { amount: formatTokens(amount), address: payout.address };
      this.screen.show({ withdrawn: say("earned.withdraw_done", values) });
    } catch (error) {
      this.screen.show({ trouble: troubleOf(error, null) });
    }
  }

  /** All that the orchestrator signed for this phone, to claim on chain with. */
  saveProof(): void {
    const text = JSON.stringify(
      { worker: this.me.address, bundles: this.kept.state.bundles },
      (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value),
      1,
    );
    save("edgebounty-owed.json", "application/json", text);
  }

  private get me(): Account {
    if (!this.account) throw new Error("the page is still opening");
    return this.account;
  }

  private async load(): Promise<void> {
    const { address, wrapped } = this.me;
    await this.kept.load(address);
    this.screen.show({ address, wrapped });
  }

  private async change(change: Partial<Settings>): Promise<void> {
    const kept = this.kept.change(change);
    this.screen.show({ ...this.kept.settings });
    this.look();
    await kept;
  }

  /** Once a second, and whenever the device says that something changed: may it work? */
  private look(): void {
    const { runner, kept } = this;
    const isOn = this.shown.mode !== "stopped";
    const { holds, gap } = this.device.look(isOn, runner);
    if (gap && isOn && gap.seconds >= 0) {
      this.screen.show({ trouble: { code: "gap", detail: String(Math.round(gap.seconds)), task: null } });
      this.work?.afterGap();
    }
    this.screen.show({ holds, slots: kept.slots, dataBytesToday: kept.dataBytesToday });
    if (isOn && holds.some(({ code }) => code !== "resting")) runner.cut();
    this.work?.wake();
  }
}
