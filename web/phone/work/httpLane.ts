import { recoverAddress } from "../../protocol/account";
import { holdsOnce, receiptWord, runningRoots, TYPES } from "../../protocol/batch";
import { type Bytes, fromHex, type Hex, toHex } from "../../protocol/bytes";
import { Cid } from "../../protocol/cid";
import { commitmentOf } from "../../protocol/commitment";
import { type Domain, type Message, signingDigest } from "../../protocol/eip712";
import { buildFile } from "../../protocol/unixfs";
import type { Account } from "../keys";
import type { Earned } from "../shown";
import { ask, putBlock } from "./ask";
import { type Lack, lackOf } from "./backing";
import { type Found, type Lane, LaneRefused, type Terms } from "./lane";
import type { Bundle, Look, Offer, Result, Task } from "./machine";
import { amountOf, evidenceOf, jobOf, listOf, numberOf, textOf, waitOf, wrong } from "./said";

const MESSAGE_SECONDS = 120;
const UPLOAD_SECONDS = 600;
const WITHDRAWAL_SECONDS = 86_400; // it may wait for cheaper gas; it can be used once, and for this receiver only
const STAGES = ["open", "closed", "agreed", "given_up"] as const;
const UPLOAD = "Upload(address account,string gateway,uint64 until)";

interface MarketSaid {
  readonly now?: number;
  readonly chain_id: number;
  readonly orchestrator: string;
  readonly gateway_url?: string;
  readonly gateways?: readonly string[];
  readonly rpc_url?: string;
  readonly contracts: { readonly batch_lane?: string; readonly escrow: string; readonly vault?: string };
}

interface TaskSaid {
  readonly now: number;
  readonly stage: string;
  readonly until: number;
  readonly wait_seconds: number;
  readonly commitments: readonly string[] | null;
  readonly commit_set: string | null;
  readonly signature: string | null;
  readonly digest: string | null;
}

interface WorkSaid {
  readonly tasks: readonly {
    readonly job: string;
    readonly task: number;
    readonly first_task: number;
    readonly price: string;
    readonly manifest: string;
    readonly inputs: Readonly<Record<string, string>>;
  }[];
  readonly reason?: string;
  readonly wait_seconds?: number;
  readonly now: number;
}

interface ClaimSaid {
  readonly assignment: {
    readonly first_task: number;
    readonly tasks: readonly number[];
    readonly slot: number;
    readonly until: number;
  };
  readonly signature: string;
}

interface WorkerSaid {
  readonly payout_index: number | null;
  readonly accepted: string;
  readonly earned: string;
  readonly withdrawn: string;
  readonly bundles: readonly { readonly count: number }[];
}

interface Known {
  readonly lane: Domain;
  readonly escrow: Domain;
  readonly vault: Hex;
  readonly orchestrator: Hex;
  readonly rpcUrl: string;
}

/** docs/batch-api.md. What the orchestrator signed is checked before anything rests on it. */
export class HttpLane implements Lane {
  private market: Known | null = null;
  private ticket = "";
  private ahead = 0; // seconds that the chain's clock is ahead of this device's

  constructor(
    private readonly base: string,
    private readonly account: Account,
  ) {}

  async join(): Promise<Terms> {
    const said = await ask<MarketSaid>(this.base, "/v1/market");
    this.learn(said);
    this.heed(said);
    const { orchestrator } = this.known;
    const join = { worker: this.me, orchestrator, payout: this.me, until: this.chainTime() + MESSAGE_SECONDS };
    const answer = await ask<{ ticket: string; now: number }>(this.base, "/v1/batch/join", {
      join,
      signature: this.sign("Join", join),
    });
    this.heed(answer);
    this.ticket = textOf(answer.ticket);
    const others = listOf(said.gateways ?? [], "gateways").map(textOf);
    return { gateways: [...new Set([this.base, textOf(said.gateway_url), ...others])].filter(Boolean) };
  }

  async findWork(): Promise<Found> {
    const said = await ask<WorkSaid>(this.base, `/v1/batch/work?${this.who()}`);
    this.heed(said);
    const [free] = listOf(said.tasks, "tasks");
    if (!free) return { reason: textOf(said.reason), waitSeconds: waitOf(said.wait_seconds) };
    const offer: Offer = {
      job: String(jobOf(free.job)),
      index: numberOf(free.task),
      firstTask: numberOf(free.first_task),
      price: amountOf(free.price),
      manifest: String(Cid.parse(textOf(free.manifest))),
      inputs: free.inputs,
    };
    return { offer };
  }

  async lackOf({ job, price }: Offer): Promise<Lack | null> {
    const { lane, escrow, vault, orchestrator, rpcUrl } = this.known;
    const at = { chainId: lane.chainId, lane: lane.verifyingContract, escrow: escrow.verifyingContract };
    return await lackOf({ ...at, vault, orchestrator, rpcUrl }, BigInt(job), price);
  }

  async claim(offer: Offer): Promise<Task> {
    const { orchestrator } = this.known;
    const [job, task] = [Number(offer.job), offer.index];
    const claim = { worker: this.me, orchestrator, job, task, until: this.chainTime() + MESSAGE_SECONDS };
    const given = await ask<ClaimSaid>(this.base, "/v1/batch/claims", { claim, signature: this.sign("Claim", claim) });
    const { first_task: firstTask, slot, until } = given.assignment;
    const tasks = listOf(given.assignment.tasks, "tasks").map(numberOf);
    const signature = textOf(given.signature);
    this.check("Assignment", { orchestrator, worker: this.me, job, firstTask, tasks, slot, until }, signature);
    if (!tasks.includes(task))
      throw new LaneRefused("it assigned another task than the one claimed", evidenceOf(given));
    return {
      ...offer,
      firstTask,
      slot,
      until: until - this.ahead,
      assigned: { tasks, until, signature },
      stage: "assigned",
      result: null,
      commitSet: null,
      tries: 0,
      after: 0,
    };
  }

  async commit(task: Task, result: Result): Promise<Look> {
    const commitment = toHex(this.commitment(task, result));
    const said = await ask<TaskSaid>(this.base, "/v1/batch/commitments", { ...this.place(task), commitment });
    return this.seen(task, result, said);
  }

  async look(task: Task, result: Result): Promise<Look> {
    const said = await ask<TaskSaid>(this.base, `/v1/batch/tasks/${task.job}/${task.index}?${this.who()}`);
    return this.seen(task, result, said);
  }

  async show(task: Task, result: Result): Promise<Look> {
    const permission = this.uploadPermission();
    for (const { cid, bytes } of (await buildFile(result.output)).blocks)
      await putBlock(this.base, cid, bytes, permission);
    const [digest, salt] = [toHex(result.digest), toHex(result.salt)];
    const said = await ask<TaskSaid>(this.base, "/v1/batch/results", { ...this.place(task), digest, salt });
    return this.seen(task, result, said);
  }

  async handIn(task: Task, result: Result, before: Bundle | null): Promise<Bundle> {
    const { job, index, slot, firstTask, commitSet } = task;
    if (!commitSet) throw new LaneRefused(`task ${index} has no closed commit set`);
    const words = [...(before?.words ?? []), receiptWord(index, slot, result.digest)];
    const commitSets = [...(before?.commitSets ?? []), commitSet];
    const roots = runningRoots(words, commitSets);
    const receipts = { worker: this.me, job: Number(job), firstTask, count: words.length, ...roots };
    const signature = this.account.signCompact(this.known.lane, TYPES.Receipts, receipts);
    const said = await ask<{ signature: string }>(this.base, "/v1/batch/receipts", {
      ...{ worker: this.me, job: Number(job), first_task: firstTask, task: index, count: words.length },
      ...{ receipts: toHex(roots.receipts), commit_sets: toHex(roots.commitSets), signature: toHex(signature) },
    });
    const { orchestrator } = this.known;
    this.check("Acceptance", { orchestrator, ...receipts }, textOf(said.signature));
    const assignments = [...(before?.assignments ?? []), { ...task.assigned, slot }];
    return { job, firstTask, words, commitSets, signature, acceptance: fromHex(said.signature), assignments };
  }

  async earned(): Promise<Omit<Earned, "refused" | "refusals">> {
    const said = await this.books();
    const [earned, paidOut] = [amountOf(said.earned), amountOf(said.withdrawn)];
    const counts = listOf(said.bundles, "bundles").map(({ count }) => numberOf(count));
    return {
      available: earned - paidOut,
      checking: amountOf(said.accepted) - earned,
      paidOut,
      accepted: counts.reduce((sum, count) => sum + count, 0),
    };
  }

  async withdraw(receiver: string): Promise<bigint> {
    if (!this.market) await this.join();
    const said = await this.books();
    if (said.payout_index === null) throw new LaneRefused("nothing has been paid to this phone yet");
    const [earned, payoutIndex] = [amountOf(said.earned), numberOf(said.payout_index)];
    const until = this.chainTime() + WITHDRAWAL_SECONDS;
    const { orchestrator } = this.known;
    const message = { account: this.me, orchestrator, payoutIndex, cumulative: earned, receiver, until };
    await ask(this.base, "/v1/batch/withdrawals", {
      withdrawal: {
        account: this.me,
        orchestrator,
        payout_index: payoutIndex,
        cumulative: String(earned),
        receiver,
        until,
      },
      signature: this.sign("Withdrawal", message),
    });
    return earned - amountOf(said.withdrawn);
  }

  private get me(): Hex {
    return this.account.address;
  }

  private get known(): Known {
    return this.market ?? wrong("its terms are not known yet");
  }

  private async books(): Promise<WorkerSaid> {
    return await ask<WorkerSaid>(this.base, `/v1/batch/workers/${this.me}`);
  }

  /** Whom it signs for must not change under a running task. */
  private learn(said: MarketSaid): void {
    const [chainId, orchestrator] = [BigInt(numberOf(said.chain_id)), textOf(said.orchestrator) as Hex];
    const lane = textOf(said.contracts.batch_lane) as Hex;
    if (!lane) throw new LaneRefused("this market has no batch lane");
    const domain = (verifyingContract: Hex): Domain => ({ chainId, verifyingContract });
    const { escrow, vault } = said.contracts;
    const market: Known = {
      lane: domain(lane),
      escrow: domain(textOf(escrow) as Hex),
      vault: textOf(vault) as Hex,
      orchestrator,
      rpcUrl: textOf(said.rpc_url),
    };
    const name = ({ lane: at, orchestrator: by }: Known) => `${at.chainId} ${at.verifyingContract} ${by}`;
    if (this.market && name(this.market) !== name(market)) {
      throw new LaneRefused("the orchestrator speaks for another market than before", evidenceOf(said));
    }
    this.market = market;
  }

  /** Deadlines are the chain's, and a device's clock may be anywhere. */
  private heed(said: { readonly now?: number }): void {
    if (said.now !== undefined) this.ahead = numberOf(said.now) - Date.now() / 1000;
  }

  private chainTime(): number {
    return Math.floor(Date.now() / 1000 + this.ahead);
  }

  private who(): string {
    return `worker=${this.me}&ticket=${encodeURIComponent(this.ticket)}`;
  }

  private place({ job, index }: Task): { worker: Hex; ticket: string; job: number; task: number } {
    return { worker: this.me, ticket: this.ticket, job: Number(job), task: index };
  }

  private seen(task: Task, result: Result, said: TaskSaid): Look {
    this.heed(said);
    const stage = STAGES.find((known) => known === said.stage) ?? wrong(`stage ${textOf(said.stage)}`);
    const isClosed = stage === "closed" || stage === "agreed";
    return {
      stage,
      until: said.until ? numberOf(said.until) - this.ahead : task.until,
      waitSeconds: waitOf(said.wait_seconds),
      commitSet: isClosed ? this.closedSet(task, result, said) : null,
      digest: stage === "agreed" ? fromHex(textOf(said.digest ?? "")) : null,
      evidence: evidenceOf(said),
    };
  }

  /** The digest of the signed set, in which our commitment stands exactly once. */
  private closedSet(task: Task, result: Result, said: TaskSaid): Bytes {
    const commitments = listOf(said.commitments ?? undefined, "commitments").map(textOf);
    const { orchestrator, lane } = this.known;
    const set = { orchestrator, job: BigInt(task.job), task: task.index, commitments };
    this.check("CommitSet", set, textOf(said.signature ?? ""));
    if (!holdsOnce(commitments.map(fromHex), this.commitment(task, result))) {
      throw new LaneRefused("the signed commit set does not hold this phone's commitment once", evidenceOf(said));
    }
    return signingDigest(lane, TYPES.CommitSet, set);
  }

  private sign(name: keyof typeof TYPES, message: Message): Hex {
    return toHex(this.account.sign(this.known.lane, TYPES[name], message));
  }

  /** Throws `LaneRefused` unless the orchestrator signed exactly this. */
  private check(name: keyof typeof TYPES, message: Message, signature: string): void {
    const { lane, orchestrator } = this.known;
    let signer: Hex | null = null;
    try {
      signer = recoverAddress(signingDigest(lane, TYPES[name], message), fromHex(signature));
    } catch {
      // a value that does not fit its type, or no hex at all: signed by nobody
    }
    if (signer?.toLowerCase() === orchestrator.toLowerCase()) return;
    throw new LaneRefused(`the orchestrator's signature under ${name} is wrong`, evidenceOf({ message, signature }));
  }

  private uploadPermission(): string {
    const until = this.chainTime() + UPLOAD_SECONDS; // gateways take the chain's time, and a device's may be anything
    const signature = this.account.sign(this.known.escrow, UPLOAD, {
      account: this.me,
      gateway: new URL(this.base).origin,
      until,
    });
    return `Edgebounty ${this.me}:${until}:${toHex(signature).slice(2)}`;
  }

  private commitment(task: Task, { digest, salt }: Result): Bytes {
    const { chainId, verifyingContract: lane } = this.known.lane;
    return commitmentOf({
      chainId,
      lane,
      jobId: BigInt(task.job),
      taskIndex: task.index,
      worker: this.me,
      digest,
      salt,
    });
  }
}
