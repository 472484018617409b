import { Gateways } from "../content/gateway";
import { parseAddress } from "../protocol/account";
import { toHex } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";
import { buildFile } from "../protocol/unixfs";
import { runTask, Stopped } from "../runner/runTask";
import { formatTokens } from "../ui/format";
import { save } from "../ui/parts";
import { type Account, openAccount, restoreAccount } from "./keys";
import { becomeOnlyTab } from "./onlyTab";
import { gapBetween, type Tick } from "./rules/clock";
import {
  ANSWER_SECONDS,
  DEFAULT_LIMITS,
  FRESH,
  judge,
  type Limits,
  type Memory,
  type Question,
  restAfter,
} from "./rules/guards";
import { driftOf, forgetRecent, microTask, NO_PACE, notePace, type Pace } from "./rules/heat";
import { noteAccepted, noteTime, type Slot } from "./rules/pace";
import { ScreenLock, Sensors } from "./sensors";
import { NOTHING_EARNED, type Refusal, type Shown, type Trouble } from "./shown";
import { openStore, type Store } from "./store";
import { say } from "./words";
import { type Lane, LaneRefused, LaneUnavailable, TicketOver } from "./work/lane";
import {
  advance,
  bundleOf,
  type Fact,
  isIdle,
  nextLook,
  type Look,
  nextOrder,
  type Offer,
  type Order,
  type Outvoted,
  START,
  type State,
  type Task,
} from "./work/machine";
import { prepare } from "./work/prepare";

const HEAT_EVERY_SECONDS = 5;
const EARNED_EVERY_SECONDS = 10;
const RUN_SECONDS = 120;

interface Settings {
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

/** The worker behind the page: it looks, judges, works, remembers. Everything it decides is decided by rules/ and work/. */
export class Agent {
  shown: Shown = {
    mode: "stopped",
    step: null,
    task: null,
    holds: [],
    trouble: null,
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
  private readonly sensors = new Sensors();
  private readonly screen = new ScreenLock();
  private settings: Settings = { limits: DEFAULT_LIMITS, payout: null, answers: {}, kilowattHourPrice: 0.3 };
  private counted: Counted = { slots: [], day: "", dataBytes: 0 };
  private state: State = START;
  private memory: Memory = FRESH;
  private pace: Pace = NO_PACE;
  private tick: Tick = clocks();
  private lane: Lane | null = null;
  private gateways = new Gateways([]);
  private all = new AbortController(); // aborted by "stop now": everything ends
  private run: AbortController | null = null; // aborted when a limit no longer holds: a program or a download ends
  private working: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private lastHeat = 0;
  private lastEarned = 0;
  private busySince: number | null = null;

  private constructor(
    private readonly store: Store,
    private account: Account,
    private readonly makeLane: (account: Account) => Lane,
  ) {}

  /** Reads what the browser keeps and begins to look at the device; work begins with `start`. */
  static async open(makeLane: (account: Account) => Lane): Promise<Agent> {
    const store = await openStore();
    const agent = new Agent(store, await openAccount(store), makeLane);
    agent.settings = { ...agent.settings, ...(await store.get<Settings>("settings")) };
    agent.counted = { ...agent.counted, ...(await store.get<Counted>("counted")) };
    await agent.load();
    await agent.sensors.watch(() => agent.look());
    setInterval(() => agent.look(), 1000);
    await new Promise<void>((known) => {
      void becomeOnlyTab(() => {
        agent.show({ otherTab: true });
        known();
      }).then(async () => {
        if (agent.shown.otherTab) await agent.load(); // the other tab went further
        agent.show({ otherTab: false });
        known();
      });
    });
    return agent;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    if (this.shown.mode !== "stopped" || this.shown.otherTab) return;
    this.all = new AbortController();
    this.lane = this.makeLane(this.account);
    this.tick = clocks();
    this.show({ mode: "working", step: "joining", trouble: null });
    void navigator.storage?.persist?.();
    this.look();
    const { signal } = this.all;
    this.working = this.working.then(() => this.work(signal)); // never two at once: the last one may wait for an answer
  }

  finish(): void {
    if (this.shown.mode === "working") this.show({ mode: "finishing" });
    this.wake();
  }

  stop(): void {
    this.all.abort();
    this.run?.abort();
    this.show({ mode: "stopped", step: null, task: null, trouble: null });
    this.wake();
  }

  night(on: boolean): void {
    this.screen.want(on);
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
    const { limits, answers } = this.settings;
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
    return await this.account.backUp(password);
  }

  /** Throws `BackupError`. What was begun with the key before is left to it. */
  async restore(text: string, password: string): Promise<string> {
    const account = await restoreAccount(this.store, text, password);
    this.stop();
    this.account = account;
    await this.load();
    this.show({ earned: NOTHING_EARNED });
    return this.account.address;
  }

  async withdraw(): Promise<void> {
    const { payout } = this.settings;
    if (!payout) {
      document.querySelector<HTMLInputElement>("#payout input")?.focus();
      return;
    }
    try {
      const amount = await (this.lane ?? this.makeLane(this.account)).withdraw(payout.address);
      const values = { amount: formatTokens(amount), address: payout.address };
      this.show({ withdrawn: say("earned.withdraw_done", values) });
    } catch (error) {
      this.show({ trouble: troubleOf(error, null) });
    }
  }

  /** All that the orchestrator signed for this phone, to claim on chain with. */
  saveProof(): void {
    const text = JSON.stringify(
      { worker: this.account.address, bundles: this.state.bundles },
      (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value),
      1,
    );
    save("edgebounty-owed.json", "application/json", text);
  }

  private async load(): Promise<void> {
    this.state = { ...START, ...(await this.store.get<State>(this.stateName)) };
    this.show({ address: this.account.address, wrapped: this.account.wrapped, lasting: this.store.lasting });
    this.show({ ...this.settings, slots: this.counted.slots });
  }

  private get stateName(): string {
    return `state.${this.account.address}`;
  }

  private async change(change: Partial<Settings>): Promise<void> {
    this.settings = { ...this.settings, ...change };
    this.show({ ...this.settings });
    this.look();
    await this.store.put("settings", this.settings);
  }

  private show(change: Partial<Shown>): void {
    this.shown = { ...this.shown, ...change };
    for (const listener of this.listeners) listener();
  }

  /** Once a second, and whenever the device says that something changed: may it work? */
  private look(): void {
    const before = this.tick;
    this.tick = clocks();
    const gap = gapBetween(before, this.tick);
    const { mode } = this.shown;
    if (gap) this.afterGap(gap.seconds);
    else if (mode !== "stopped") this.count(this.tick.wall - before.wall);
    if (!this.run && mode !== "stopped" && this.tick.wall - this.lastHeat > HEAT_EVERY_SECONDS) this.feelHeat();
    const seen = {
      ...this.sensors.read(),
      dataBytesToday: this.dataBytesToday(),
      drift: driftOf(this.pace),
      answers: this.settings.answers,
    };
    const judged = judge(this.memory, seen, this.settings.limits);
    this.memory = judged.memory;
    this.show({ holds: judged.holds, slots: this.counted.slots, dataBytesToday: this.dataBytesToday() });
    const cuts = judged.holds.some(({ code }) => code !== "resting");
    if (cuts && mode !== "stopped") this.run?.abort();
    this.wake();
  }

  private afterGap(seconds: number): void {
    this.pace = forgetRecent(this.pace);
    this.lastEarned = 0;
    if (this.shown.mode === "stopped" || seconds < 0) return;
    this.show({ trouble: { code: "gap", detail: String(Math.round(seconds)), task: null } });
    void this.note({ is: "gap", now: Date.now() / 1000 });
  }

  private feelHeat(): void {
    this.lastHeat = this.tick.wall;
    const started = performance.now();
    microTask();
    this.pace = notePace(this.pace, performance.now() - started);
  }

  private count(seconds: number): void {
    const busy = this.busySince === null ? 0 : seconds;
    this.counted = { ...this.counted, slots: noteTime(this.counted.slots, this.tick.wall, seconds, busy) };
    if (Math.floor(this.tick.wall) % 10 === 0) void this.store.put("counted", this.counted);
  }

  private dataBytesToday(): number {
    return this.counted.day === today() ? this.counted.dataBytes : 0;
  }

  private addData(bytes: number): void {
    this.counted = { ...this.counted, day: today(), dataBytes: this.dataBytesToday() + bytes };
  }

  /** One order after the other until the owner stops it, or has it finish and nothing is left. */
  private async work(signal: AbortSignal): Promise<void> {
    let joined = false;
    while (!signal.aborted) {
      try {
        if (!joined) {
          const terms = await this.theLane.join(this.account);
          this.gateways = new Gateways(terms.gateways, ({ bytes }) => this.addData(bytes));
          joined = true;
        }
        await this.updateEarned();
        const now = Date.now() / 1000;
        const may = { run: this.shown.holds.length === 0, claim: this.shown.mode === "working" };
        const order = nextOrder(this.state, now, may);
        if (order) {
          await this.obey(order, signal);
          continue;
        }
        if (this.shown.mode === "finishing" && isIdle(this.state, now)) return this.stop();
        this.showRest(may.run);
        await this.pause(nextLook(this.state, now) - now);
      } catch (error) {
        if (signal.aborted) return;
        joined &&= !(error instanceof TicketOver);
        this.show({ trouble: troubleOf(error, null) });
        const waitSeconds = error instanceof LaneUnavailable ? error.waitSeconds : null;
        await this.note({ is: "unavailable", now: Date.now() / 1000, waitSeconds });
        await this.pauseUntil(Math.max(Date.now() / 1000 + 1, this.state.claimAfter), signal);
      }
    }
  }

  private get theLane(): Lane {
    if (!this.lane) throw new Error("not started");
    return this.lane;
  }

  private async obey(order: Order, signal: AbortSignal): Promise<void> {
    if (order.do === "look_for_work") return await this.findWork(signal);
    if (order.do === "claim") return await this.claim(order.offer, signal);
    const { task } = order;
    const about = { job: task.job, index: task.index, until: task.until };
    try {
      switch (order.do) {
        case "expire":
          this.show({ trouble: { code: "expired", detail: "", task: task.index } });
          return await this.note({ is: "given_up", task });
        case "run":
          this.show({ task: about });
          return await this.compute(task, signal);
        case "commit":
          this.show({ step: "committing", task: about });
          if (task.result) await this.heed(task, await this.theLane.commit(task, task.result), "committed");
          return;
        case "show":
          this.show({ step: "revealing", task: about });
          if (task.result) await this.heed(task, await this.theLane.show(task, task.result), "shown");
          return;
        case "ask":
          this.show({ step: "waiting", task: about });
          if (task.result) await this.heed(task, await this.theLane.look(task, task.result));
          return;
        case "hand_in": {
          this.show({ step: "revealing", task: about });
          if (!task.result) return;
          const bundle = await this.theLane.handIn(task, task.result, bundleOf(this.state, task));
          await this.note({ is: "accepted", task, bundle });
          this.counted = { ...this.counted, slots: noteAccepted(this.counted.slots, Date.now() / 1000, task.price) };
          await this.store.put("counted", this.counted);
          this.lastEarned = 0;
          this.show({ trouble: null });
        }
      }
    } catch (error) {
      if (!(error instanceof LaneRefused) || signal.aborted) throw error;
      this.show({ trouble: troubleOf(error, task.index) });
      await this.note({ is: "given_up", task });
    }
  }

  /** What the orchestrator said of a task; `done`: what was just done about it. */
  private async heed(task: Task, look: Look, done?: "committed" | "shown"): Promise<void> {
    if (done) await this.note({ is: done, task });
    await this.note({ is: "looked", task, now: Date.now() / 1000, look });
    if (look.stage === "given_up") this.show({ trouble: { code: "expired", detail: "", task: task.index } });
    this.lastEarned = 0;
  }

  private async findWork(signal: AbortSignal): Promise<void> {
    this.show({ step: "asking", task: null });
    const found = await this.theLane.findWork();
    if (signal.aborted) return;
    const now = Date.now() / 1000;
    if ("offer" in found) return await this.note({ is: "offered", offer: found.offer, now });
    this.show({ step: "no_task", trouble: { code: "no_task", detail: found.reason, task: null } });
    await this.note({ is: "nothing_free", now, waitSeconds: found.waitSeconds });
  }

  /** An answer that comes after *Stop now* is as one that was lost: the claim is asked again with the next start. */
  private async claim(offer: Offer, signal: AbortSignal): Promise<void> {
    this.show({ step: "asking", task: null });
    try {
      const task = await this.theLane.claim(offer);
      if (signal.aborted) return;
      this.show({ trouble: null });
      await this.note({ is: "assigned", tasks: [task] });
    } catch (error) {
      if (error instanceof LaneRefused && !signal.aborted) await this.note({ is: "not_assigned" });
      throw error;
    }
  }

  private async compute(task: Task, signal: AbortSignal): Promise<void> {
    const run = new AbortController();
    this.run = run;
    let phase: Trouble["code"] = "content";
    const started = performance.now();
    try {
      this.show({ step: "fetching" });
      const work = await prepare(task, this.gateways, run.signal);
      phase = "program";
      this.show({ step: "running" });
      this.busySince = started;
      const done = await runTask(work, Math.min(RUN_SECONDS, task.until - Date.now() / 1000), run.signal);
      const { cid } = await buildFile(done.output);
      const salt = crypto.getRandomValues(new Uint8Array(32));
      const result = { digest: cid.digest, salt, output: done.output, workUnits: done.workUnits };
      await this.note({ is: "computed", task, result }); // kept before anything is published
    } catch (error) {
      // Stopped by a limit or by the owner: the task stays, and is begun again once it may.
      if (signal.aborted || run.signal.aborted || error instanceof Stopped) return;
      this.show({ trouble: { code: phase, detail: messageOf(error), task: task.index } });
      await this.note({ is: "could_not_run", task, now: Date.now() / 1000 });
    } finally {
      this.run = null;
      this.busySince = null;
      this.memory = restAfter(
        this.memory,
        Date.now() / 1000,
        (performance.now() - started) / 1000,
        this.settings.limits,
      );
      this.look();
    }
  }

  private showRest(mayRun: boolean): void {
    const [open] = this.state.tasks;
    if (!mayRun) this.show({ step: "held", task: null });
    else if (open) this.show({ step: "waiting", task: { job: open.job, index: open.index, until: open.until } });
    else if (this.shown.step !== "no_task") this.show({ step: "asking", task: null });
  }

  private async updateEarned(): Promise<void> {
    const now = Date.now() / 1000;
    if (Math.abs(now - this.lastEarned) < EARNED_EVERY_SECONDS) return;
    this.lastEarned = now;
    const { outvoted } = this.state;
    const refused = outvoted.reduce((sum, { price }) => sum + price, 0n);
    this.show({ earned: { ...(await this.theLane.earned()), refused, refusals: outvoted.map(refusalOf) } });
  }

  private async note(fact: Fact): Promise<void> {
    this.state = advance(this.state, fact);
    await this.store.put(this.stateName, this.state);
  }

  /** Whatever wakes it meanwhile, unless the owner stops it: who does not answer is not asked every second. */
  private async pauseUntil(time: number, signal: AbortSignal): Promise<void> {
    for (let now = Date.now() / 1000; now < time && !signal.aborted; now = Date.now() / 1000) {
      await this.pause(Math.min(time - now, 60));
    }
  }

  private async pause(seconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000 * Math.max(0.05, seconds));
      this.wake = () => (clearTimeout(timer), resolve());
    });
  }
}

function refusalOf({ job, task, ours, theirs, evidence }: Outvoted): Refusal {
  const reason = say("earned.outvoted", { task, job, ours: toHex(ours), theirs: toHex(theirs) });
  return { job, task, reason, evidence };
}

function troubleOf(error: unknown, task: number | null): Trouble {
  if (error instanceof LaneUnavailable)
    return { code: error.code as "unreachable" | "busy", detail: error.message, task };
  if (error instanceof TicketOver) return { code: "busy", detail: error.message, task };
  const code = error instanceof LaneRefused ? "refused" : "broken";
  return { code, detail: messageOf(error), task };
}

function messageOf(error: unknown): string {
  return error instanceof EdgebountyError || error instanceof Error ? error.message : String(error);
}

function clocks(): Tick {
  return { wall: Date.now() / 1000, steady: performance.now() / 1000 };
}

function today(): string {
  return new Date().toDateString();
}
