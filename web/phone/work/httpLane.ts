import { recoverAddress } from "../../protocol/account";
import { holdsOnce, receiptWord, runningRoots, TYPES } from "../../protocol/batch";
import { type Bytes, fromHex, type Hex, toHex } from "../../protocol/bytes";
import { Cid } from "../../protocol/cid";
import { commitmentOf } from "../../protocol/commitment";
import { type Domain, type Message, signingDigest, structHash, type Value } from "../../protocol/eip712";
import type { Account } from "../keys";
import type { Earned, Refusal } from "../shown";
import { ask, send } from "./ask";
import { type Claimed, type Lane, LaneRefused, LaneUnavailable, type Terms } from "./lane";
import type { Bundle, Result, Task } from "./machine";

const MESSAGE_SECONDS = 120;
const WAIT_SECONDS = 2;
const LONGEST_WAIT = 60;

/** docs/phone-page.md: the documents as they come, before anything in them is believed. */
interface TermsSaid {
  readonly chain_id: number;
  readonly lane: Hex;
  readonly orchestrator: Hex;
  readonly gateways: readonly string[];
}

interface Given {
  readonly assignment: {
    readonly first_task: number;
    readonly tasks: readonly number[];
    readonly slot: number;
    readonly until: number;
  };
  readonly signature: Hex;
  readonly manifest: string;
  readonly price: string;
  readonly inputs: Readonly<Record<string, Hex>>;
}

interface Books {
  readonly payout_index: number | null;
  readonly final: string;
  readonly withdrawn: string;
  readonly checking: string;
  readonly refused: string;
  readonly accepted: number;
  readonly refusals: readonly { job: string; task: number; reason: string; evidence: string }[];
}

/** The batch lane over HTTP. What the orchestrator signed is checked before anything rests on it. */
export class HttpLane implements Lane {
  private domain: Domain | null = null;
  private orchestrator: Hex = "0x";

  constructor(
    private readonly base: string,
    private readonly account: Account,
  ) {}

  async join(): Promise<Terms> {
    const said = await this.terms();
    const { address: worker } = this.account;
    await ask(
      this.base,
      "/v1/batch/join",
      this.signed("Join", { worker, payout: worker, until: inSeconds(MESSAGE_SECONDS) }),
    );
    return { gateways: [this.base, ...said.gateways.filter((url) => url !== this.base)] };
  }

  async claim(): Promise<Claimed> {
    const { address: worker } = this.account;
    const said = await ask<{
      offers: readonly { job: string; task: number }[];
      reason?: string;
      wait_seconds?: number;
    }>(this.base, `/v1/batch/offers?worker=${worker}`);
    const [offer] = listOf(said.offers, "offers");
    if (!offer) return { reason: textOf(said.reason), waitSeconds: waitOf(said.wait_seconds) };
    const claim = { worker, job: BigInt(offer.job), task: offer.task, until: inSeconds(MESSAGE_SECONDS) };
    const given = await ask<Given>(this.base, "/v1/batch/claims", this.signed("Claim", claim));
    return { tasks: this.tasksOf(offer.job, given) };
  }

  async commit(task: Task, result: Result): Promise<void> {
    await ask(this.base, "/v1/batch/commits", {
      ...placeOf(task),
      worker: this.account.address,
      commitment: toHex(await this.commitment(task, result)),
    });
  }

  async closedSet(task: Task, result: Result): Promise<Bytes | { readonly waitSeconds: number }> {
    const said = await ask<{ commitments: readonly Hex[] | null; signature: Hex; wait_seconds?: number }>(
      this.base,
      `/v1/batch/commit-sets/${task.job}/${task.index}`,
    );
    if (!said.commitments) return { waitSeconds: waitOf(said.wait_seconds) };
    const { orchestrator } = this;
    const set = { orchestrator, job: BigInt(task.job), task: task.index, commitments: [...said.commitments] };
    this.check("CommitSet", set, said.signature);
    if (!holdsOnce(said.commitments.map(fromHex), await this.commitment(task, result))) {
      throw new LaneRefused("the signed commit set does not hold this phone's commitment once", evidenceOf(said));
    }
    return structHash(TYPES.CommitSet, set);
  }

  async handIn(task: Task, result: Result, before: Bundle | null): Promise<Bundle> {
    const { job, index, slot, firstTask, commitSet } = task;
    if (!commitSet) throw new LaneRefused(`task ${index} has no closed commit set`);
    await this.terms();
    await send(this.base, `/v1/batch/outputs/${job}/${index}?worker=${this.account.address}`, result.output);
    const words = [...(before?.words ?? []), receiptWord(index, slot, result.digest)];
    const commitSets = [...(before?.commitSets ?? []), commitSet];
    const roots = runningRoots(words, commitSets);
    const receipts = { job: BigInt(job), firstTask, count: words.length, ...roots };
    const signed = this.signed("Receipts", { worker: this.account.address, ...receipts });
    const said = await ask<{ signature: Hex }>(this.base, "/v1/batch/receipts", {
      ...signed,
      ...placeOf(task),
      digest: toHex(result.digest),
      salt: toHex(result.salt),
      work_units: result.workUnits,
    });
    const { orchestrator } = this;
    this.check("Acceptance", { orchestrator, worker: this.account.address, ...receipts }, said.signature);
    const [signature, acceptance] = [fromHex(signed.signature), fromHex(said.signature)];
    const assignments = [...(before?.assignments ?? []), { ...task.assigned, slot, until: task.until }];
    return { job, firstTask, words, commitSets, signature, acceptance, assignments };
  }

  async earned(): Promise<Earned> {
    const said = await this.books();
    return {
      available: amountOf(said.final) - amountOf(said.withdrawn),
      checking: amountOf(said.checking),
      refused: amountOf(said.refused),
      accepted: numberOf(said.accepted),
      refusals: listOf(said.refusals, "refusals").map(refusalOf),
    };
  }

  async withdraw(receiver: string): Promise<bigint> {
    await this.terms();
    const { payout_index: payoutIndex, final, withdrawn } = await this.books();
    if (payoutIndex === null) throw new LaneRefused("nothing has been paid to this phone yet");
    const message = {
      account: this.account.address,
      payoutIndex,
      cumulative: amountOf(final),
      receiver,
      until: inSeconds(3600),
    };
    await ask(this.base, "/v1/batch/withdrawals", this.signed("Withdrawal", message));
    return amountOf(final) - amountOf(withdrawn);
  }

  private async books(): Promise<Books> {
    return await ask<Books>(this.base, `/v1/batch/workers/${this.account.address}`);
  }

  /** Asked for at each start: whom it signs for must not change under a running task. */
  private async terms(): Promise<TermsSaid> {
    const said = await ask<TermsSaid>(this.base, "/v1/batch");
    const domain = { chainId: BigInt(numberOf(said.chain_id)), verifyingContract: textOf(said.lane) as Hex };
    const isOther = this.domain && signedFor(this.domain, this.orchestrator) !== signedFor(domain, said.orchestrator);
    if (isOther) throw new LaneRefused("the orchestrator speaks for another market than before", evidenceOf(said));
    this.domain = domain;
    this.orchestrator = textOf(said.orchestrator) as Hex;
    return { ...said, gateways: listOf(said.gateways, "gateways").map(textOf) };
  }

  private signed(name: keyof typeof TYPES, message: Message): { message: unknown; signature: Hex } {
    const whole: Message = name === "Receipts" ? message : { ...message, orchestrator: this.orchestrator };
    return { message: plainOf(whole), signature: toHex(this.account.sign(this.theDomain, TYPES[name], whole)) };
  }

  /** Throws `LaneRefused` unless the orchestrator signed exactly this. */
  private check(name: keyof typeof TYPES, message: Message, signature: Hex): void {
    let signer: Hex | null = null;
    try {
      signer = recoverAddress(signingDigest(this.theDomain, TYPES[name], message), fromHex(textOf(signature)));
    } catch {
      // a value that does not fit its type, or no hex at all: signed by nobody
    }
    if (signer?.toLowerCase() === this.orchestrator.toLowerCase()) return;
    throw new LaneRefused(
      `the orchestrator's signature under ${name} is wrong`,
      evidenceOf({ message: plainOf(message), signature }),
    );
  }

  private tasksOf(job: string, given: Given): Task[] {
    const { first_task: firstTask, slot, until } = given.assignment;
    const tasks = listOf(given.assignment.tasks, "tasks").map(numberOf);
    const { orchestrator } = this;
    const message = { orchestrator, worker: this.account.address, job: BigInt(job), firstTask, tasks, slot, until };
    this.check("Assignment", message, given.signature);
    const manifest = String(Cid.parse(textOf(given.manifest)));
    const shared = { job, firstTask, slot, until, price: amountOf(given.price), manifest, inputs: given.inputs };
    const assigned = { tasks, signature: given.signature };
    return tasks.map((index) => ({
      ...shared,
      assigned,
      index,
      stage: "assigned",
      result: null,
      commitSet: null,
      tries: 0,
      after: 0,
    }));
  }

  private async commitment(task: Task, { digest, salt }: Result): Promise<Bytes> {
    await (this.domain ? undefined : this.terms());
    const { chainId, verifyingContract: lane } = this.theDomain;
    const place = { jobId: BigInt(task.job), taskIndex: task.index, worker: this.account.address };
    return commitmentOf({ chainId, lane, ...place, digest, salt });
  }

  private get theDomain(): Domain {
    if (!this.domain) throw new LaneUnavailable("unreachable", "its terms are not known yet");
    return this.domain;
  }
}

function placeOf({ job, index, slot }: Task): { job: string; task: number; slot: number } {
  return { job, task: index, slot };
}

function signedFor({ chainId, verifyingContract }: Domain, orchestrator: Hex): string {
  return `${chainId} ${verifyingContract} ${orchestrator}`.toLowerCase();
}

/** A message as JSON: bytes as hex, numbers that JSON cannot hold as text. */
function plainOf(message: Message): unknown {
  const plain = (value: Value): unknown =>
    value instanceof Uint8Array ? toHex(value) : typeof value === "bigint" ? String(value) : value;
  return Object.fromEntries(Object.entries(message).map(([name, value]) => [name, plain(value)]));
}

function refusalOf(it: { job: unknown; task: unknown; reason: unknown; evidence: unknown }): Refusal {
  return { job: textOf(it.job), task: numberOf(it.task), reason: textOf(it.reason), evidence: textOf(it.evidence) };
}

function evidenceOf(said: unknown): string {
  return JSON.stringify(said).slice(0, 2000);
}

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function waitOf(seconds: unknown): number {
  return typeof seconds === "number" && seconds > 0 ? Math.min(seconds, LONGEST_WAIT) : WAIT_SECONDS;
}

// What is not as documented is as good as no answer: it is asked again, and nothing is believed.
function wrong(what: string): never {
  throw new LaneUnavailable("unreachable", `its answer is not as documented: ${what}`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 2000) : value === undefined ? "" : wrong("text");
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : wrong("a number");
}

function amountOf(value: unknown): bigint {
  return typeof value === "string" && /^\d{1,30}$/.test(value) ? BigInt(value) : wrong("an amount");
}

function listOf<T>(value: readonly T[] | undefined, what: string): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : wrong(what);
}
