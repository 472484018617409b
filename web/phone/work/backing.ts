// What stands behind a job, asked of the chain itself: a job whose pay is not there is not begun.
import { concatBytes, type Hex, toHex, utf8 } from "../../protocol/bytes";
import { abiWords, keccak256 } from "../../protocol/hash";
import { messageOf } from "./trouble";

const SECONDS = 10;

/** Where to ask, as the orchestrator tells it; both contracts and the orchestrator as addresses. */
export interface Market {
  readonly rpcUrl: string;
  readonly chainId: bigint;
  readonly orchestrator: Hex;
  readonly lane: Hex;
  readonly escrow: Hex;
  readonly vault: Hex;
}

/** What is wrong. `unchecked`: the chain could not be asked; then it is not known. */
export interface Lack {
  readonly code: "no_escrow" | "no_bond" | "unchecked";
  readonly detail: string;
}

interface Answer {
  readonly id: number;
  readonly result?: string;
  readonly error?: { readonly message?: string };
}

/** null: escrow and stake are there. Never throws: whether to work unchecked is the caller's choice. */
export async function lackOf(market: Market, job: bigint, price: bigint): Promise<Lack | null> {
  const { lane, escrow, vault, orchestrator } = market;
  if (!market.rpcUrl) return { code: "unchecked", detail: "the orchestrator names no node" };
  const asked = [
    { method: "eth_chainId", params: [] },
    call(lane, "jobOf(uint256)", job),
    call(escrow, "escrowOf(uint256)", job),
    call(vault, "freeStakeOf(address)", orchestrator),
    call(vault, "allotmentOf(address,address)", orchestrator, orchestrator),
    call(lane, "LEAST_BOND()"),
  ];
  try {
    const response = await fetch(market.rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      credentials: "omit",
      signal: AbortSignal.timeout(SECONDS * 1000),
      body: JSON.stringify(asked.map((each, id) => ({ jsonrpc: "2.0", id, ...each }))),
    });
    const answers = (await response.json()) as Answer[];
    const words = asked.map((_, id) => wordsOf(answers.find((answer) => answer.id === id)));
    return judge(words, market, price);
  } catch (error) {
    return { code: "unchecked", detail: `${market.rpcUrl}: ${messageOf(error)}` };
  }
}

/** The answers as 32-byte words; null where the contract refused. Exported for its test. */
export function judge(
  [chain, job, escrow, free, allotted, least]: readonly (readonly bigint[] | null)[],
  { chainId, orchestrator }: Pick<Market, "chainId" | "orchestrator">,
  price: bigint,
): Lack | null {
  if (chain?.[0] !== chainId) throw new Error(`it is on chain ${chain?.[0]}, not ${chainId}`);
  const [by = 0n, , next = 0n, tasks = 0n, slots = 0n, paid = 0n] = job ?? [];
  if (by !== BigInt(orchestrator) || paid !== price) return { code: "no_escrow", detail: "" };
  // Every receipt that can still be posted has its pay: the lane takes no more of them than this.
  if ((escrow?.[0] ?? 0n) < (tasks - next) * slots * price) return { code: "no_escrow", detail: "" };
  if (!free || !allotted || !least) throw new Error("no answer about the stake");
  return (free[0] ?? 0n) + (allotted[0] ?? 0n) < (least[0] ?? 0n) ? { code: "no_bond", detail: "" } : null;
}

function call(to: Hex, signature: string, ...values: (bigint | Hex)[]): { method: string; params: unknown[] } {
  const data = toHex(concatBytes([keccak256(utf8(signature)).subarray(0, 4), abiWords(values)]));
  return { method: "eth_call", params: [{ to, data }, "latest"] };
}

function wordsOf(answer: Answer | undefined): readonly bigint[] | null {
  if (answer?.error && /revert/i.test(answer.error.message ?? "")) return null;
  const hex = answer?.result;
  if (typeof hex !== "string") throw new Error(answer?.error?.message ?? "no result");
  if (hex.length < 66) return [BigInt(hex)]; // a quantity
  return (hex.slice(2).match(/.{64}/g) ?? []).map((word) => BigInt(`0x${word}`));
}
