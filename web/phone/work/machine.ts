// How far each task is and what to do next: pure, so that a reload in the middle of anything just goes on.
import { type Bytes, equalBytes } from "../../protocol/bytes";

/**
 * A task that this phone was given. Its stages: assigned → computed → committed → closed (the commit set is) → shown (our
 * result is) → agreed (it is the quorum's) → gone, with its receipt accepted.
 */
export interface Task {
  readonly job: string;
  readonly index: number;
  readonly firstTask: number; // where the batch begins that will hold its receipt
  readonly slot: number;
  readonly until: number; // Unix seconds by this device's clock: the next step must be there before
  readonly price: bigint;
  readonly manifest: string;
  readonly inputs: Readonly<Record<number, string>>; // results of earlier tasks that it reads, digests as hex
  readonly assigned: Assigned;
  readonly stage: "assigned" | "computed" | "committed" | "closed" | "shown" | "agreed";
  readonly result: Result | null;
  readonly commitSet: Bytes | null; // the digest of the closed commit set, as its signature was checked
  readonly tries: number; // failed attempts to fetch or run it
  readonly after: number; // do not touch it before
}

/** A task that may be claimed. */
export type Offer = Pick<Task, "job" | "index" | "firstTask" | "price" | "manifest" | "inputs">;

/** A claim that is on its way. Kept before it is sent: its answer may be lost, and asked again it is the same place. */
export interface Claiming {
  readonly offer: Offer;
  readonly until: number; // who wants to finish does not wait longer for the answer
}

/** The assignment as the orchestrator signed it. */
export interface Assigned {
  readonly tasks: readonly number[];
  readonly until: number; // by the chain's clock
  readonly signature: string;
}

/** What the orchestrator says of a task; what it signed has been checked. */
export interface Look {
  readonly stage: "open" | "closed" | "agreed" | "given_up";
  readonly until: number; // by this device's clock
  readonly waitSeconds: number;
  readonly commitSet: Bytes | null;
  readonly digest: Bytes | null; // the quorum's
  readonly evidence: string;
}

/** A result that the quorum did not have: nothing is owed for it, and this is why. */
export interface Outvoted {
  readonly job: string;
  readonly task: number;
  readonly price: bigint;
  readonly ours: Bytes;
  readonly theirs: Bytes;
  readonly evidence: string; // the orchestrator's answer, with its signature under the commit set
}

export interface Result {
  readonly digest: Bytes;
  readonly salt: Bytes;
  readonly output: Bytes;
  readonly workUnits: number;
}

/** What this phone has signed for one batch, in order: it signs the roots over all of it again with every receipt. */
export interface Bundle {
  readonly job: string;
  readonly firstTask: number;
  readonly words: readonly Bytes[];
  readonly commitSets: readonly Bytes[];
  readonly signature: Bytes; // ours over these roots, r and vs
  readonly acceptance: Bytes; // the orchestrator's over the same
  readonly assignments: readonly (Assigned & Pick<Task, "slot">)[];
}

export interface State {
  readonly claiming: Claiming | null;
  readonly tasks: readonly Task[];
  readonly bundles: readonly Bundle[];
  readonly outvoted: readonly Outvoted[];
  readonly claimAfter: number;
  readonly failures: number; // of the orchestrator, in a row
}

export type Fact =
  | { readonly is: "offered"; readonly offer: Offer; readonly now: number }
  | { readonly is: "assigned"; readonly tasks: readonly Task[] }
  | { readonly is: "not_assigned" }
  | { readonly is: "nothing_free"; readonly now: number; readonly waitSeconds: number }
  | { readonly is: "computed"; readonly task: TaskKey; readonly result: Result }
  | { readonly is: "could_not_run"; readonly task: TaskKey; readonly now: number }
  | { readonly is: "committed" | "shown"; readonly task: TaskKey }
  | { readonly is: "looked"; readonly task: TaskKey; readonly now: number; readonly look: Look }
  | { readonly is: "gap"; readonly now: number } // the page was away: frozen, closed or stopped
  | { readonly is: "conflict"; readonly task: TaskKey } // another receipt of this batch was accepted: that one first
  | { readonly is: "accepted"; readonly task: TaskKey; readonly bundle: Bundle }
  | { readonly is: "given_up"; readonly task: TaskKey }
  | { readonly is: "unavailable"; readonly now: number; readonly waitSeconds: number | null };

export type TaskKey = Pick<Task, "job" | "index">;

export type Order =
  | { readonly do: "look_for_work" }
  | { readonly do: "claim"; readonly offer: Offer }
  | { readonly do: "run" | "commit" | "ask" | "show" | "hand_in" | "expire"; readonly task: Task };

export const START: State = { claiming: null, tasks: [], bundles: [], outvoted: [], claimAfter: 0, failures: 0 };
export const MOST_OPEN = 4; // tasks that wait for others while this phone goes on
const MOST_TRIES = 3;
const RETRY_SECONDS = 2;
const LONGEST_WAIT = 60;
const CLAIM_SECONDS = 120;
const ASK_SECONDS = 20;
const KEPT_OUTVOTED = 50;

/** The state after a fact. A fact about a task that is gone changes nothing: its time ran out meanwhile. */
export function advance(state: State, fact: Fact): State {
  const answered = fact.is === "unavailable" ? state : { ...state, failures: 0 };
  switch (fact.is) {
    case "offered":
      return { ...answered, claiming: { offer: fact.offer, until: fact.now + CLAIM_SECONDS } };
    case "assigned": {
      const fresh = fact.tasks.filter((task) => !state.tasks.some((other) => sameTask(other, task)));
      return { ...answered, claiming: null, tasks: [...state.tasks, ...fresh] };
    }
    case "not_assigned":
      return { ...answered, claiming: null };
    case "nothing_free":
      return { ...answered, claimAfter: fact.now + fact.waitSeconds };
    case "computed":
      return change(state, fact.task, "assigned", { stage: "computed", result: fact.result });
    case "could_not_run": {
      const task = state.tasks.find((it) => sameTask(it, fact.task));
      if (task && task.tries + 1 >= MOST_TRIES) return drop(state, task);
      const tries = (task?.tries ?? 0) + 1;
      return change(state, fact.task, "assigned", { tries, after: fact.now + RETRY_SECONDS * 2 ** tries });
    }
    case "committed":
      return change(answered, fact.task, "computed", { stage: "committed", after: 0 });
    case "shown":
      return change(answered, fact.task, "closed", { stage: "shown", after: 0 });
    case "looked":
      return look(answered, fact.task, fact.now, fact.look);
    case "gap": {
      // Whatever was to be waited for may be over. What was handed in may have more time since: who does it is asked.
      const again = (task: Task) => {
        const until = task.stage === "assigned" ? task.until : Math.max(task.until, fact.now + ASK_SECONDS);
        return { ...task, after: 0, until };
      };
      return { ...state, claimAfter: 0, tasks: state.tasks.map(again) };
    }
    case "conflict": {
      const others = state.tasks.filter((task) => !sameTask(task, fact.task));
      return { ...state, tasks: [...others, ...state.tasks.filter((task) => sameTask(task, fact.task))] };
    }
    case "accepted": {
      const others = answered.bundles.filter((other) => !sameBundle(other, fact.bundle));
      return drop({ ...answered, bundles: [...others, fact.bundle] }, fact.task);
    }
    case "given_up":
      return drop(answered, fact.task);
    case "unavailable": {
      const wait = fact.waitSeconds ?? Math.min(LONGEST_WAIT, RETRY_SECONDS * 2 ** state.failures);
      const after = fact.now + wait;
      const later = (task: Task) =>
        task.stage === "assigned" ? task : { ...task, after: Math.max(task.after, after) };
      return { ...state, failures: state.failures + 1, claimAfter: after, tasks: state.tasks.map(later) };
    }
  }
}

const NEAREST_FIRST = [
  ["agreed", "hand_in"],
  ["closed", "show"],
  ["computed", "commit"],
  ["shown", "ask"],
  ["committed", "ask"],
] as const;

function look(state: State, key: TaskKey, now: number, seen: Look): State {
  const task = state.tasks.find((it) => sameTask(it, key));
  if (!task?.result || task.stage === "assigned" || task.stage === "computed") return state;
  const { until, commitSet } = seen;
  const later = { until, after: now + seen.waitSeconds };
  if (seen.stage === "given_up") return drop(state, key);
  if (task.stage === "committed") {
    return change(
      state,
      key,
      "committed",
      seen.stage === "open" ? later : { stage: "closed", commitSet, until, after: 0 },
    );
  }
  if (task.stage !== "shown") return state;
  if (seen.stage !== "agreed" || !seen.digest) return change(state, key, "shown", later);
  if (equalBytes(seen.digest, task.result.digest)) {
    return change(state, key, "shown", { stage: "agreed", commitSet, until, after: 0 });
  }
  const { job, index, price, result } = task;
  const lost = { job, task: index, price, ours: result.digest, theirs: seen.digest, evidence: seen.evidence };
  return drop({ ...state, outvoted: [...state.outvoted, lost].slice(-KEPT_OUTVOTED) }, key);
}

/**
 * What to do next; null: nothing now. What is nearest to money comes first. `mayRun` is what the guards say, and
 * `mayClaim` is false once the owner wants to finish: then only what was begun is brought to its end.
 */
export function nextOrder(state: State, now: number, may: { run: boolean; claim: boolean }): Order | null {
  const due = state.tasks.filter((task) => task.after <= now);
  const late = state.tasks.find((task) => task.until <= now);
  if (late) return { do: "expire", task: late };
  const find = (stage: Task["stage"]) => due.find((task) => task.stage === stage);
  for (const [stage, order] of NEAREST_FIRST) {
    const task = find(stage);
    if (task) return { do: order, task };
  }
  const assigned = find("assigned");
  if (assigned && may.run) return { do: "run", task: assigned };
  if (!may.run || state.claimAfter > now) return null;
  if (state.claiming) return { do: "claim", offer: state.claiming.offer };
  const waitsToRun = state.tasks.some((task) => task.stage === "assigned");
  return may.claim && !waitsToRun && countOpen(state) < MOST_OPEN ? { do: "look_for_work" } : null;
}

/** Those that still want something of this phone. A result that was shown only waits, perhaps for a hold. */
export function countOpen({ tasks }: State): number {
  return tasks.filter((task) => task.stage !== "shown").length;
}

/** Nothing that was begun waits for anything. */
export function isIdle({ tasks, claiming }: State, now: number): boolean {
  return tasks.length === 0 && (claiming === null || claiming.until <= now);
}

/** When to look again at the latest. */
export function nextLook(state: State, now: number): number {
  const times = [state.claimAfter, ...state.tasks.flatMap((task) => [task.after, task.until])].filter((at) => at > now);
  return Math.min(now + 1, ...times);
}

export function bundleOf(state: State, task: Pick<Task, "job" | "firstTask">): Bundle | null {
  return state.bundles.find((bundle) => sameBundle(bundle, task)) ?? null;
}

function change(state: State, key: TaskKey, from: Task["stage"], to: Partial<Task>): State {
  const tasks = state.tasks.map((task) => (sameTask(task, key) && task.stage === from ? { ...task, ...to } : task));
  return { ...state, tasks };
}

function drop(state: State, key: TaskKey): State {
  return { ...state, tasks: state.tasks.filter((task) => !sameTask(task, key)) };
}

function sameTask(a: TaskKey, b: TaskKey): boolean {
  return a.job === b.job && a.index === b.index;
}

function sameBundle(a: Pick<Task, "job" | "firstTask">, b: Pick<Task, "job" | "firstTask">): boolean {
  return a.job === b.job && a.firstTask === b.firstTask;
}
