import { Gateways } from "../../content/gateway";
import type { Account } from "../keys";
import type { Kept } from "../kept";
import type { Screen } from "../screen";
import type { Lack } from "./backing";
import { type Lane, LaneRefused, LaneUnavailable, ReceiptConflict, TicketOver } from "./lane";
import { bundleOf, isIdle, nextLook, type Look, nextOrder, type Offer, type Order, type Task } from "./machine";
import { refusalOf, troubleOf } from "./trouble";

const EARNED_EVERY_SECONDS = 10;
const BACKED_SECONDS = 600;
const LACK_SECONDS = 15;
type Paid = Awaited<ReturnType<Lane["earned"]>>;
type Compute = (task: Task, gateways: Gateways, signal: AbortSignal) => Promise<void>;

/** The work between *Start* and the next stop: one order of `machine` after the other. */
export class Work {
  private gateways = new Gateways([]);
  private readonly backed = new Map<string, number>(); // jobs, and when the chain said that their pay is there
  private lastEarned = 0;
  private wakeUp: () => void = () => undefined;

  constructor(
    private readonly lane: Lane,
    private readonly account: Account,
    private readonly kept: Kept,
    private readonly screen: Screen,
    private readonly compute: Compute,
    private readonly onData: () => void,
  ) {}

  /** Until the owner stops it, or has it finish and nothing is left: then true. */
  async run(signal: AbortSignal): Promise<boolean> {
    let joined = false;
    while (!signal.aborted) {
      try {
        if (!joined) {
          const terms = await this.lane.join(this.account);
          this.gateways = new Gateways(terms.gateways, ({ bytes }) => (this.kept.countData(bytes), this.onData()));
          joined = true;
        }
        this.updateEarned(signal);
        const now = Date.now() / 1000;
        const { holds, mode } = this.screen.shown;
        const may = { run: holds.length === 0, claim: mode === "working" };
        const order = nextOrder(this.kept.state, now, may);
        if (order) {
          await this.obey(order, signal);
          continue;
        }
        if (mode === "finishing" && isIdle(this.kept.state, now)) return true;
        this.showRest(may.run);
        await this.pause(nextLook(this.kept.state, now) - now);
      } catch (error) {
        if (signal.aborted) return false;
        joined &&= !(error instanceof TicketOver);
        this.screen.show({ trouble: troubleOf(error, null) });
        const waitSeconds = error instanceof LaneUnavailable ? error.waitSeconds : null;
        await this.kept.note({ is: "unavailable", now: Date.now() / 1000, waitSeconds });
        await this.pauseUntil(Math.max(Date.now() / 1000 + 1, this.kept.state.claimAfter), signal);
      }
    }
    return false;
  }

  /** Something changed: look again. */
  wake(): void {
    this.wakeUp();
  }

  /** The page was away: what is known of the books is old. */
  afterGap(): void {
    this.lastEarned = 0;
    void this.kept.note({ is: "gap", now: Date.now() / 1000 });
  }

  private async obey(order: Order, signal: AbortSignal): Promise<void> {
    if (order.do === "look_for_work") return await this.findWork(signal);
    if (order.do === "claim") return await this.claim(order.offer, signal);
    const { task } = order;
    const about = aboutOf(task);
    try {
      switch (order.do) {
        case "expire":
          this.screen.show({ trouble: { code: "expired", detail: "", task: task.index } });
          return await this.kept.note({ is: "given_up", task });
        case "run":
          this.screen.show({ task: about });
          return await this.compute(task, this.gateways, signal);
        case "commit":
          this.screen.show({ step: "committing", task: about });
          if (task.result) await this.heed(task, await this.lane.commit(task, task.result), "committed");
          return;
        case "show":
          this.screen.show({ step: "revealing", task: about });
          if (task.result) await this.heed(task, await this.lane.show(task, task.result), "shown");
          return;
        case "ask":
          this.screen.show({ step: "waiting", task: about });
          if (task.result) await this.heed(task, await this.lane.look(task, task.result));
          return;
        case "hand_in": {
          this.screen.show({ step: "revealing", task: about });
          if (!task.result) return;
          const bundle = await this.lane.handIn(task, task.result, bundleOf(this.kept.state, task));
          await this.kept.note({ is: "accepted", task, bundle });
          await this.kept.countAccepted(Date.now() / 1000, task.price);
          this.lastEarned = 0;
          this.screen.show({ trouble: null });
        }
      }
    } catch (error) {
      if (error instanceof ReceiptConflict) await this.kept.note({ is: "conflict", task });
      if (!(error instanceof LaneRefused) || signal.aborted) throw error;
      this.screen.show({ trouble: troubleOf(error, task.index) });
      await this.kept.note({ is: "given_up", task });
    }
  }

  /** What the orchestrator said of a task; `done`: what was just done about it. */
  private async heed(task: Task, look: Look, done?: "committed" | "shown"): Promise<void> {
    if (done) await this.kept.note({ is: done, task });
    await this.kept.note({ is: "looked", task, now: Date.now() / 1000, look });
    if (look.stage === "given_up") this.screen.show({ trouble: { code: "expired", detail: "", task: task.index } });
    if (look.stage === "agreed") this.lastEarned = 0; // unequal: there is something to show
  }

  private async findWork(signal: AbortSignal): Promise<void> {
    this.screen.show({ step: "asking", task: null });
    const found = await this.lane.findWork();
    if (signal.aborted) return;
    const now = Date.now() / 1000;
    if ("offer" in found) {
      if (this.screen.shown.trouble?.code === "no_task") this.screen.show({ trouble: null });
      const lack = await this.lackOf(found.offer, now);
      if (signal.aborted) return;
      if (lack && lack.code !== "unchecked")
        return await this.kept.note({ is: "nothing_free", now, waitSeconds: LACK_SECONDS });
      return await this.kept.note({ is: "offered", offer: found.offer, now });
    }
    this.screen.show({ step: "no_task", trouble: { code: "no_task", detail: found.reason, task: null } });
    await this.kept.note({ is: "nothing_free", now, waitSeconds: found.waitSeconds });
  }

  /** Asked of the chain now and then. Where the chain cannot be asked the page says so and works all the same. */
  private async lackOf(offer: Offer, now: number): Promise<Lack | null> {
    if ((this.backed.get(offer.job) ?? 0) > now - BACKED_SECONDS) return null;
    const lack = await this.lane.lackOf(offer);
    if (!lack || lack.code === "unchecked") this.backed.set(offer.job, now);
    this.screen.show({ lack, step: lack && lack.code !== "unchecked" ? "no_task" : this.screen.shown.step });
    return lack;
  }

  /** An answer that comes after *Stop now* is as one that was lost: the claim is asked again with the next start. */
  private async claim(offer: Offer, signal: AbortSignal): Promise<void> {
    this.screen.show({ step: "asking", task: null });
    try {
      const task = await this.lane.claim(offer);
      if (signal.aborted) return;
      this.screen.show({ trouble: null });
      await this.kept.note({ is: "assigned", tasks: [task] });
    } catch (error) {
      if (error instanceof LaneRefused && !signal.aborted) await this.kept.note({ is: "not_assigned" });
      throw error;
    }
  }

  private showRest(mayRun: boolean): void {
    const [open] = this.kept.state.tasks;
    if (!mayRun) this.screen.show({ step: "held", task: null });
    else if (open) this.screen.show({ step: "waiting", task: aboutOf(open) });
    else if (this.screen.shown.step !== "no_task") this.screen.show({ step: "asking", task: null });
  }

  /** Beside the work: nothing waits for it, and what failed is asked again with the next time. */
  private updateEarned(signal: AbortSignal): void {
    const now = Date.now() / 1000;
    if (Math.abs(now - this.lastEarned) < EARNED_EVERY_SECONDS) return;
    this.lastEarned = now;
    const { outvoted } = this.kept.state;
    const refused = outvoted.reduce((sum, { price }) => sum + price, 0n);
    const show = (earned: Paid) =>
      this.screen.show({ earned: { ...earned, refused, refusals: outvoted.map(refusalOf) } });
    this.lane.earned().then(
      (earned) => signal.aborted || show(earned),
      () => undefined,
    );
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
      this.wakeUp = () => (clearTimeout(timer), resolve());
    });
  }
}

function aboutOf({ job, index, until }: Task): { job: string; index: number; until: number } {
  return { job, index, until };
}
