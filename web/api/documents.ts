import { useEffect, useState } from "preact/hooks";

import { EdgebountyError } from "../protocol/errors";
import type { Hex } from "../protocol/bytes";
import { MarketChain } from "../chain/market";
import { Rpc } from "../chain/rpc";

const SECONDS = 15;
const ASK_SECONDS = 10; // what a hundred visitors cost is mostly how often they ask (bench/explorer_visitors.py)
const LONGEST_WAIT_SECONDS = 60;

/** Which block a document shows. */
export interface Freshness {
  readonly number: number;
  readonly time: number;
  readonly final: number;
}

export interface MarketDocument {
  readonly chain_id: number;
  readonly rpc_url: string;
  readonly block: number;
  readonly contracts: Readonly<
    Record<"token" | "vault" | "escrow" | "direct_lane" | "batch_lane" | "batch_challenges" | "batch_payouts", Hex>
  >;
  readonly orchestrator: Hex;
  readonly fee_bps: number;
  readonly lanes?: readonly string[]; // those that the orchestrator serves
}

export interface Overview {
  readonly block: Freshness;
  readonly supply: Readonly<Record<"workers_known" | "workers_listening" | "workers_busy", number>>;
  readonly demand: Readonly<Record<"jobs_open" | "tasks_waiting" | "slots_free" | "tasks_revealing", number>>;
  readonly slot_price: Readonly<Record<"lowest" | "median" | "highest", string | null>>;
  readonly totals: {
    readonly tasks_settled: number;
    readonly paid: string;
    readonly refunded: string;
    readonly slashed: string;
  };
  readonly batch_lane: LaneTotals | null;
}

export interface LaneTotals {
  readonly tasks_agreed: number;
  readonly tasks_waiting: number;
  readonly receipts_posted: number;
  readonly batches: number;
  readonly batches_open: number;
  readonly disputes: number;
  readonly workers: number;
  readonly withdrawn: string;
}

export interface JobLine {
  readonly id: number;
  readonly lane: "direct" | "batch";
  readonly status: string;
  readonly kind: string;
  readonly requester: string;
  readonly orchestrator: string;
  readonly manifest_digest: Hex;
  readonly problem: string;
  readonly deadline: number;
  readonly tasks: number;
  readonly settled: number;
  readonly refunded: number;
  readonly paid: string;
  readonly refunded_amount: string;
}

export interface TaskLine {
  readonly task_index: number;
  readonly status: string;
  readonly wave: number;
  readonly taken?: number; // batch lane: places taken; by whom is told once the task is decided
  readonly batch?: number | null; // batch lane: the number of the batch on chain that pays it
  readonly result: Hex | null;
  readonly claims: readonly { readonly worker: string; readonly status: string; readonly digest: Hex | null }[];
}

export interface JobDocument extends JobLine {
  readonly block: Freshness;
  readonly posted_block: number;
  readonly terms: Readonly<
    Record<"map_tasks" | "reduce_tasks" | "rounds" | "quorum" | "work_slots" | "fee_bps" | "task_time", number>
  > & {
    readonly slot_price: string;
  };
  readonly task_list: readonly TaskLine[];
  readonly batch_list?: readonly BatchLine[];
}

/** A batch of receipts on chain. */
export interface BatchLine {
  readonly orchestrator: Hex;
  readonly number: number;
  readonly job_id: number;
  readonly first_task: number;
  readonly end_task: number;
  readonly bundles: number;
  readonly receipts: number;
  readonly struck: number;
  readonly state: string;
  readonly data_cid: string | null; // null: its data are calldata
  readonly bond: string;
  readonly bond_lost: string;
  readonly posted_block: number;
  readonly posted: number;
  readonly window_ends: number;
  readonly tx: Hex;
}

export interface BatchDocument extends BatchLine {
  readonly block: Freshness;
  readonly header: Readonly<Record<string, string | number>>;
  readonly header_hash: Hex;
  readonly bundle_list: readonly BundleLine[];
  readonly events: readonly BatchEvent[];
  readonly disputes: readonly Dispute[];
}

export interface BundleLine {
  readonly position: number;
  readonly worker: Hex;
  readonly receipts: number;
  readonly tasks: readonly number[];
  readonly amount: string;
  readonly struck_by: Hex | null;
}

export interface BatchEvent {
  readonly name: string;
  readonly by: string | null;
  readonly amount: string | null;
  readonly block: number;
  readonly time: number;
  readonly tx: Hex;
}

/** A proof of a fault, a demand for data, or a worker's claim of what was left out. */
export interface Dispute {
  readonly kind: string;
  readonly state: string;
  readonly by: string;
  readonly against: string;
  readonly batch: number | null;
  readonly job_id: number | null;
  readonly opened: number;
  readonly deadline: number | null;
  readonly amount: string;
  readonly tx: Hex;
  readonly ended_tx: Hex | null;
}

/** Every task of a batch-lane job in one letter, by number: docs/batch-api.md. */
export interface GridDocument {
  readonly tasks: number;
  readonly closes: number;
  readonly now: number;
  readonly cells: string;
}

/** Accepted results of a batch-lane job, by task; `next` is where the following page begins. */
export interface BatchResultsDocument {
  readonly results: Readonly<Record<string, Hex>>;
  readonly next: number | null;
}

export interface WorkerDocument {
  readonly address: string;
  readonly claims: number;
  readonly commits: number;
  readonly reveals: number;
  readonly tasks_paid: number;
  readonly earned: string;
  readonly slashed: string;
  readonly no_show_fees: string;
  readonly reasons: readonly Loss[];
  readonly batch_lane: BatchRecord | null;
}

/** A worker's record in the batch lane. */
export interface BatchRecord {
  readonly tasks_accepted: number;
  readonly accepted: string;
  readonly withdrawn: string;
  readonly why_out: string | null;
  readonly bundles: readonly WorkerBundle[];
}

export interface WorkerBundle {
  readonly job_id: number;
  readonly first_task: number;
  readonly receipts: number;
  readonly amount: string;
  readonly orchestrator: Hex;
  readonly batch: number | null;
  readonly state: string;
  readonly tx: Hex | null;
}

export interface Loss {
  readonly job_id: number;
  readonly task_index: number;
  readonly reason: string;
  readonly amount: string;
  readonly revealed: Hex | null;
  readonly accepted: Hex | null;
  readonly tx: Hex;
}

export interface WorkerLine {
  readonly address: string;
  readonly claims: number;
  readonly reveals: number;
  readonly tasks_paid: number;
  readonly earned: string;
  readonly slashed: string;
  readonly losses: number;
  readonly tasks_accepted: number;
  readonly accepted: string;
}

export type LedgerDocument = { readonly block: Freshness; readonly block_number: number } & Readonly<
  Record<
    "deposited" | "escrow" | "stake" | "credits" | "withdrawn" | "fees" | "burned" | "surplus" | "difference",
    string
  >
>;

export interface Found {
  readonly kind: "job" | "worker" | "requester" | "manifest" | "shard" | "result" | "reveal" | "batch" | "orchestrator";
  readonly job_id?: number;
  readonly task_index?: number;
  readonly address?: string;
  readonly orchestrator?: string;
  readonly number?: number;
}

/** The orchestrator's answer cannot be used now; `status` is that of HTTP, 0 when there was none. */
export class ServiceUnavailable extends EdgebountyError {
  constructor(
    readonly status: number,
    detail: string,
    readonly retrySeconds = 0,
    options?: { cause?: unknown },
  ) {
    super("service_unavailable", detail, options);
  }
}

/** The service this page asks: its own origin, or `?api=` when it was opened from a static host. */
export const API = apiUrl(location.search, location.origin);

export function apiUrl(search: string, origin: string): string {
  const asked = new URLSearchParams(search).get("api");
  return asked && /^https?:\/\//.test(asked) ? asked.replace(/\/+$/, "") : origin;
}

/** One document. Throws `ServiceUnavailable`. */
export async function readDocument<T>(path: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(API + path, { signal: AbortSignal.timeout(SECONDS * 1000), credentials: "omit" });
  } catch (cause) {
    throw new ServiceUnavailable(0, (cause as Error).message, 0, { cause });
  }
  const said = (await response.json().catch(() => null)) as (T & { error?: string }) | null;
  if (!response.ok || said === null) {
    const detail = said?.error ?? `HTTP ${response.status}`;
    throw new ServiceUnavailable(response.status, detail, Number(response.headers.get("retry-after")) || 0);
  }
  return said;
}

export interface Shown<T> {
  readonly document: T | null;
  readonly problem: ServiceUnavailable | null;
}

/** A document, asked for again every `seconds` while the page is seen; what was read stays when asking fails. */
export function useDocument<T>(path: string, seconds = ASK_SECONDS): Shown<T> {
  const [shown, setShown] = useState<Shown<T> & { path: string }>({ path, document: null, problem: null });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let failures = 0;
    let gone = false;
    const ask = async () => {
      try {
        const document = await readDocument<T>(path);
        failures = 0;
        if (!gone) setShown({ path, document, problem: null });
      } catch (error) {
        failures++;
        const problem = error as ServiceUnavailable;
        if (!gone) setShown((old) => ({ path, document: old.path === path ? old.document : null, problem }));
      }
      if (gone) return;
      const wait = Math.min(LONGEST_WAIT_SECONDS, seconds * 2 ** failures);
      timer = setTimeout(
        () => (document.hidden ? document.addEventListener("visibilitychange", ask, { once: true }) : ask()),
        wait * 1000,
      );
    };
    void ask();
    return () => {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", ask);
    };
  }, [path, seconds]);
  return shown.path === path ? shown : { document: null, problem: null };
}

let market: Promise<MarketDocument> | null = null;

/** Where the market stands; asked once. */
export async function readMarket(): Promise<MarketDocument> {
  market ??= readDocument<MarketDocument>("/v1/market").catch((error: unknown) => {
    market = null;
    throw error;
  });
  return await market;
}

export async function openChain(): Promise<MarketChain> {
  const { rpc_url, chain_id, block, contracts } = await readMarket();
  return new MarketChain(new Rpc(rpc_url), {
    chainId: chain_id,
    firstBlock: block,
    escrow: contracts.escrow,
    lane: contracts.direct_lane,
    batchLane: contracts.batch_lane,
    batchChallenges: contracts.batch_challenges,
    batchPayouts: contracts.batch_payouts,
    vault: contracts.vault,
    token: contracts.token,
  });
}
