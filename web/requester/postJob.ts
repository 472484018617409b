import { encodeFunctionData } from "viem";

import type { MarketDocument } from "../api/documents";
import type { MarketChain } from "../chain/market";
import { BountyEscrow } from "../generated/abi";
import type { PlannedJob } from "../jobs/assemble";
import type { Policy, Price } from "../jobs/price";
import { type Hex, toHex } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";
import { reduceTasks } from "../protocol/manifest";
import { headerOf, permitArgs, readToken, signPermit } from "./permit";
import { uploadBlocks } from "./upload";
import { type Provider, sendTransaction } from "./wallet";

const PERMIT_SECONDS = 1800;
const TASK_SECONDS = 60;
const DEADLINE_SECONDS = 3600;
const STAKE_FACTOR = { direct: 2n, batch: 1n }; // in the batch lane nobody stakes; the escrow wants at least one price
const RECEIPT_POLLS = 240;
const RECEIPT_POLL_MS = 500;

export const POST_STEPS = ["permit", "upload", "send", "mined"] as const;
export type PostStep = (typeof POST_STEPS)[number];

/** What is being done: blocks uploaded of all, and how long a busy gateway makes it wait. */
export interface PostProgress {
  readonly step: PostStep;
  readonly done: number;
  readonly total: number;
  readonly waitSeconds: number;
}

export interface Posting {
  readonly market: MarketDocument;
  readonly api: string;
  readonly chain: MarketChain;
  readonly provider: Provider;
  readonly account: Hex;
  readonly planned: PlannedJob;
  readonly policy: Policy;
  readonly price: Price;
  readonly onProgress: (progress: PostProgress) => void;
}

/** The chain did not take it; `code` says which of these it is. Only `not_mined` leaves open whether money moved. */
export class PostingFailed extends EdgebountyError {
  constructor(
    code: "too_few_tokens" | "reverted" | "not_mined",
    detail: string,
    readonly amounts: readonly [has: bigint, needs: bigint] | null = null,
  ) {
    super(code, detail);
  }
}

export interface Posted {
  readonly jobId: bigint;
  readonly transaction: Hex;
}

/**
 * One signature, content first, money last: the permit opens the gateway for the content and is then part of the one
 * transaction. Throws `WalletRefused`, `UploadFailed`, `PostingFailed` and `ChainUnavailable`.
 */
export async function postJob(posting: Posting): Promise<Posted> {
  const { api, chain, provider, account, planned, price, onProgress } = posting;
  const total = planned.blocks.length;
  const say = (step: PostStep, done = 0, waitSeconds = 0) => onProgress({ step, done, total, waitSeconds });
  const balance = await readToken(chain, "balanceOf", account);
  if (balance < price.escrow) throw new PostingFailed("too_few_tokens", "too few tokens", [balance, price.escrow]);
  const now = await chain.blockTime(await chain.blockNumber());
  const terms = termsOf(posting, now);
  say("permit");
  const permit = await signPermit(chain, provider, {
    owner: account,
    value: price.escrow,
    deadline: now + PERMIT_SECONDS,
  });
  await uploadBlocks(planned.blocks, {
    gateway: api,
    permission: headerOf(permit),
    onProgress: (done, waitSeconds) => say("upload", done, waitSeconds),
  });
  say("send");
  const data = encodeFunctionData({
    abi: BountyEscrow,
    functionName: "postJobWithPermit",
    args: [terms, ...permitArgs(permit)],
  });
  const transaction = await sendTransaction(provider, account, chain.at.escrow, data);
  say("mined");
  return { jobId: await minedJob(chain, transaction), transaction };
}

function termsOf({ market, planned, policy, price }: Posting, now: number) {
  const lane = policy.lane === "batch" ? market.contracts.batch_lane : market.contracts.direct_lane;
  return {
    lane,
    orchestrator: market.orchestrator,
    deadline: now + DEADLINE_SECONDS,
    taskTime: TASK_SECONDS,
    mapTasks: planned.manifest.shards.length,
    reduceTasks: reduceTasks(planned.manifest),
    rounds: planned.manifest.rounds,
    quorum: policy.quorum,
    workSlots: policy.slots,
    auditSlots: 0,
    feeBps: market.fee_bps,
    slotPrice: price.slotPrice,
    stakePerClaim: price.slotPrice * STAKE_FACTOR[policy.lane],
    manifestDigest: toHex(planned.manifestDigest),
  };
}

async function minedJob(chain: MarketChain, hash: Hex): Promise<bigint> {
  for (let i = 0; i < RECEIPT_POLLS; i++) {
    const found = await chain.transaction(hash);
    if (found?.ok === false) throw new PostingFailed("reverted", "the transaction was reverted; no money has moved");
    const posted = found?.events.find(({ name }) => name === "JobPosted")?.args["jobId"];
    if (typeof posted === "bigint") return posted;
    await new Promise((resolve) => setTimeout(resolve, RECEIPT_POLL_MS));
  }
  throw new PostingFailed("not_mined", `the transaction ${hash} is not mined yet: look for it in the explorer`);
}
