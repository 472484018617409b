import { decodeFunctionResult, encodeFunctionData, parseSignature } from "viem";

import type { MarketDocument } from "../api/documents";
import type { MarketChain } from "../chain/market";
import { BountyEscrow, EdgeToken } from "../generated/abi";
import type { PlannedJob } from "../jobs/planAnalyze";
import type { Policy, Price } from "../jobs/price";
import { type Hex, toHex } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";
import { reduceTasks } from "../protocol/manifest";
import type { Block } from "../protocol/unixfs";
import { type Provider, sendTransaction, signTypedData } from "./wallet";

const UPLOAD_SECONDS = 1800;
const PERMIT_SECONDS = 1800;
const STAKE_FACTOR = 2n;
const RECEIPT_POLLS = 240;
const RECEIPT_POLL_MS = 500;

export const POST_STEPS = ["upload_permission", "upload", "permit", "send", "mined"] as const;
export type PostStep = (typeof POST_STEPS)[number];

export interface Posting {
  readonly market: MarketDocument;
  readonly api: string;
  readonly chain: MarketChain;
  readonly provider: Provider;
  readonly account: Hex;
  readonly planned: PlannedJob;
  readonly policy: Policy;
  readonly price: Price;
  readonly taskSeconds: number;
  readonly deadlineSeconds: number;
  readonly onStep: (step: PostStep, done: number, total: number) => void;
}

/** The gateway or the chain did not take it. Before the step `send` no money has moved. */
export class PostingFailed extends EdgebountyError {
  constructor(detail: string) {
    super("posting_failed", detail);
  }
}

export interface Posted {
  readonly jobId: bigint;
  readonly transaction: Hex;
}

/** Content first, money last. Throws `WalletRefused`, `PostingFailed` and `ChainUnavailable`. */
export async function postJob(posting: Posting): Promise<Posted> {
  const { chain, provider, account, planned, price, onStep } = posting;
  const balance = await readToken(chain, "balanceOf", [account]);
  if (balance < price.escrow)
    throw new PostingFailed(`the account has ${balance} base units, ${price.escrow} are needed`);
  const now = await chain.blockTime(await chain.blockNumber());
  onStep("upload_permission", 0, 1);
  const permission = await signUpload(posting, now + UPLOAD_SECONDS);
  for (const [i, block] of planned.blocks.entries()) {
    onStep("upload", i, planned.blocks.length);
    await upload(posting.api, block, permission);
  }
  onStep("permit", 0, 1);
  const permit = await signPermit(posting, now + PERMIT_SECONDS);
  const terms = termsOf(posting, now);
  const data = encodeFunctionData({
    abi: BountyEscrow,
    functionName: "postJobWithPermit",
    args: [terms, BigInt(now + PERMIT_SECONDS), permit.v, permit.r, permit.s],
  });
  onStep("send", 0, 1);
  const transaction = await sendTransaction(provider, account, chain.at.escrow, data);
  onStep("mined", 0, 1);
  return { jobId: await minedJob(chain, transaction), transaction };
}

function termsOf({ market, planned, policy, price, taskSeconds, deadlineSeconds }: Posting, now: number) {
  return {
    lane: market.contracts.direct_lane,
    orchestrator: market.orchestrator,
    deadline: now + deadlineSeconds,
    taskTime: taskSeconds,
    mapTasks: planned.manifest.shards.length,
    reduceTasks: reduceTasks(planned.manifest),
    rounds: planned.manifest.rounds,
    quorum: policy.quorum,
    workSlots: policy.slots,
    auditSlots: 0,
    feeBps: market.fee_bps,
    slotPrice: price.slotPrice,
    stakePerClaim: price.slotPrice * STAKE_FACTOR,
    manifestDigest: toHex(planned.manifestDigest),
  };
}

const DOMAIN_TYPE = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];

/** The Authorization header that lets this account upload to this gateway for a while. */
async function signUpload({ chain, provider, account, api }: Posting, until: number): Promise<string> {
  const signature = await signTypedData(provider, account, {
    types: {
      EIP712Domain: DOMAIN_TYPE,
      Upload: [
        { name: "account", type: "address" },
        { name: "gateway", type: "string" },
        { name: "until", type: "uint64" },
      ],
    },
    primaryType: "Upload",
    domain: { name: "Edgebounty", version: "1", chainId: chain.at.chainId, verifyingContract: chain.at.escrow },
    message: { account, gateway: new URL(api).origin, until },
  });
  return `Edgebounty ${account}:${until}:${signature.slice(2)}`;
}

/** EIP-2612: an allowance of exactly the escrow, so that posting is one transaction. */
async function signPermit(
  { chain, provider, account, price }: Posting,
  deadline: number,
): Promise<{ v: number; r: Hex; s: Hex }> {
  const data = encodeFunctionData({ abi: EdgeToken, functionName: "eip712Domain" });
  const answer = await chain.read(chain.at.token, data);
  const [, name, version] = decodeFunctionResult({ abi: EdgeToken, functionName: "eip712Domain", data: answer });
  const signature = await signTypedData(provider, account, {
    types: {
      EIP712Domain: DOMAIN_TYPE,
      Permit: [
        { name: "owner", type: "address" },
        { name: "spender", type: "address" },
        { name: "value", type: "uint256" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    },
    primaryType: "Permit",
    domain: { name, version, chainId: chain.at.chainId, verifyingContract: chain.at.token },
    message: {
      owner: account,
      spender: chain.at.escrow,
      value: String(price.escrow),
      nonce: String(await readToken(chain, "nonces", [account])),
      deadline: String(deadline),
    },
  });
  const { r, s, v, yParity } = parseSignature(signature);
  return { r, s, v: Number(v ?? BigInt(27 + yParity)) };
}

async function readToken(
  chain: MarketChain,
  functionName: "balanceOf" | "nonces",
  args: readonly [Hex],
): Promise<bigint> {
  const data = encodeFunctionData({ abi: EdgeToken, functionName, args });
  return decodeFunctionResult({ abi: EdgeToken, functionName, data: await chain.read(chain.at.token, data) });
}

async function upload(api: string, block: Block, permission: string): Promise<void> {
  const url = `${api}/ipfs/${block.cid}`;
  const known = await fetch(`${url}?format=raw`, { method: "HEAD" }).catch(() => null);
  if (known?.ok) return;
  const answer = await fetch(url, { method: "PUT", headers: { Authorization: permission }, body: block.bytes });
  if (!answer.ok) throw new PostingFailed(`the gateway did not take a block: ${(await answer.text()).slice(0, 300)}`);
}

async function minedJob(chain: MarketChain, hash: Hex): Promise<bigint> {
  for (let i = 0; i < RECEIPT_POLLS; i++) {
    const found = await chain.transaction(hash);
    if (found?.ok === false) throw new PostingFailed("the transaction was reverted; no money has moved");
    const posted = found?.events.find(({ name }) => name === "JobPosted")?.args["jobId"];
    if (typeof posted === "bigint") return posted;
    await new Promise((resolve) => setTimeout(resolve, RECEIPT_POLL_MS));
  }
  throw new PostingFailed(`the transaction ${hash} is not mined yet: look for it in the explorer`);
}
