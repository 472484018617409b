import { decodeFunctionResult, encodeFunctionData } from "viem";

import type { MarketChain } from "../chain/market";
import { BountyEscrow } from "../generated/abi";
import type { Hex } from "../protocol/bytes";
import { PostingFailed } from "./postJob";
import { type Provider, sendTransaction } from "./wallet";

const POLLS = 240;
const POLL_MS = 500;

/** What comes back of a job, in base units: what the escrow would credit now, and what an account is credited in all. */
export interface Money {
  readonly refundable: bigint;
  readonly credit: bigint;
  readonly requester: Hex;
  readonly isStopped: boolean;
}

export async function readMoney(chain: MarketChain, job: bigint, account: Hex): Promise<Money> {
  const ask = async (data: Hex) => await chain.read(chain.at.escrow, data);
  const abi = BountyEscrow;
  const [refundable, credit, requester, isStopped] = await Promise.all([
    ask(encodeFunctionData({ abi, functionName: "refundable", args: [job] })),
    ask(encodeFunctionData({ abi, functionName: "creditOf", args: [account] })),
    ask(encodeFunctionData({ abi, functionName: "requesterOf", args: [job] })),
    ask(encodeFunctionData({ abi, functionName: "isStopped", args: [job] })),
  ]);
  return {
    refundable: decodeFunctionResult({ abi, functionName: "refundable", data: refundable }),
    credit: decodeFunctionResult({ abi, functionName: "creditOf", data: credit }),
    requester: decodeFunctionResult({ abi, functionName: "requesterOf", data: requester }),
    isStopped: decodeFunctionResult({ abi, functionName: "isStopped", data: isStopped }),
  };
}

export type MoneyAct = "stop" | "collect" | "withdraw";

/** One transaction of the requester's wallet, mined. Throws `WalletRefused`, `PostingFailed` and `ChainUnavailable`. */
export async function doMoney(
  chain: MarketChain,
  provider: Provider,
  account: Hex,
  act: MoneyAct,
  about: { readonly job: bigint; readonly receiver: Hex },
): Promise<Hex> {
  const hash = await sendTransaction(provider, account, chain.at.escrow, callOf(act, about.job, about.receiver));
  for (let i = 0; i < POLLS; i++) {
    const found = await chain.transaction(hash);
    if (found?.ok === false) throw new PostingFailed("reverted", "the transaction was reverted; no money has moved");
    if (found?.ok) return hash;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new PostingFailed("not_mined", `the transaction ${hash} is not mined yet: look for it in the explorer`);
}

function callOf(act: MoneyAct, job: bigint, receiver: Hex): Hex {
  const abi = BountyEscrow;
  if (act === "withdraw") return encodeFunctionData({ abi, functionName: "withdraw", args: [receiver] });
  return encodeFunctionData({ abi, functionName: act === "stop" ? "stop" : "refund", args: [job] });
}
