import {
  type Abi,
  decodeEventLog,
  decodeFunctionData,
  decodeFunctionResult,
  encodeEventTopics,
  encodeFunctionData,
  numberToHex,
  pad,
} from "viem";

import { BatchChallenges, BatchLane, BatchPayouts, BountyEscrow, DirectLane, StakeVault } from "../generated/abi";
import type { BatchHeader } from "../protocol/batchData";
import { type Bytes, fromHex, type Hex } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";
import type { Rpc } from "./rpc";

const LOG_SPAN_BLOCKS = 5_000;
const MOST_SPANS = 200;
const BATCH_POSTED = topicOf(BatchLane, "BatchPosted");

/** Where a market's contracts are, as `/v1/market` tells it. */
export interface MarketAddress {
  readonly chainId: number;
  readonly firstBlock: number;
  readonly escrow: Hex;
  readonly lane: Hex;
  readonly vault: Hex;
  readonly token: Hex;
  readonly batchLane: Hex;
  readonly batchChallenges: Hex;
  readonly batchPayouts: Hex;
}

/** What a job pays for, and what is left for it. */
export interface ChainJob {
  readonly lane: Hex;
  readonly orchestrator: Hex;
  readonly rounds: number;
  readonly tasksPerRound: number;
  readonly slots: number;
  readonly slotPrice: bigint;
  readonly feeBps: number;
  readonly escrowLeft: bigint;
}

/** Something that happened to a job, with the transaction that says so. */
export interface ChainEvent {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly contract: Hex;
  readonly transaction: Hex;
  readonly block: number;
  readonly logIndex: number;
}

/** A batch on chain, as it was posted. */
export interface PostedBatch {
  readonly header: BatchHeader;
  readonly transaction: Hex;
  readonly block: number;
}

export interface ChainTransaction {
  readonly hash: Hex;
  readonly from: Hex;
  readonly to: Hex | null;
  readonly block: number | null;
  readonly ok: boolean | null;
  readonly gasUsed: bigint | null;
  readonly events: readonly ChainEvent[];
}

interface RawLog {
  readonly address: Hex;
  readonly topics: [Hex, ...Hex[]];
  readonly data: Hex;
  readonly transactionHash: Hex;
  readonly blockNumber: Hex;
  readonly logIndex: Hex;
}

/** The node speaks for another chain than the market stands on. */
export class WrongChain extends EdgebountyError {
  constructor(expected: number, found: number) {
    super("wrong_chain", `the market is on chain ${expected}, the node is on ${found}`);
  }
}

/** The contracts, read straight from a node: nothing here comes from the orchestrator. */
export class MarketChain {
  constructor(
    readonly rpc: Rpc,
    readonly at: MarketAddress,
  ) {}

  /** Throws `WrongChain`. */
  async check(): Promise<void> {
    const found = Number(await this.rpc.call<Hex>("eth_chainId", []));
    if (found !== this.at.chainId) throw new WrongChain(this.at.chainId, found);
  }

  async blockNumber(): Promise<number> {
    return Number(await this.rpc.call<Hex>("eth_blockNumber", []));
  }

  /** Unix seconds. */
  async blockTime(number: number): Promise<number> {
    const block = await this.rpc.call<{ timestamp: Hex }>("eth_getBlockByNumber", [numberToHex(number), false]);
    return Number(block.timestamp);
  }

  /** The SHA-256 inside the manifest's CID, as the requester signed it. */
  async manifestDigest(jobId: bigint): Promise<Bytes> {
    const data = encodeFunctionData({ abi: BountyEscrow, functionName: "terms", args: [jobId] });
    const answer = await this.read(this.at.escrow, data);
    return fromHex(decodeFunctionResult({ abi: BountyEscrow, functionName: "terms", data: answer }).manifestDigest);
  }

  /** A job's terms as its requester signed them, and what is left of its escrow in base units. */
  async job(jobId: bigint): Promise<ChainJob> {
    const args = [jobId] as const;
    const [told, left] = await Promise.all([
      this.read(this.at.escrow, encodeFunctionData({ abi: BountyEscrow, functionName: "terms", args })),
      this.read(this.at.escrow, encodeFunctionData({ abi: BountyEscrow, functionName: "escrowOf", args })),
    ]);
    const terms = decodeFunctionResult({ abi: BountyEscrow, functionName: "terms", data: told });
    return {
      lane: terms.lane,
      orchestrator: terms.orchestrator,
      rounds: terms.rounds,
      tasksPerRound: terms.mapTasks + terms.reduceTasks,
      slots: terms.workSlots + terms.auditSlots,
      slotPrice: terms.slotPrice,
      feeBps: terms.feeBps,
      escrowLeft: decodeFunctionResult({ abi: BountyEscrow, functionName: "escrowOf", data: left }),
    };
  }

  /** How many tasks are over, by either lane: in the batch lane those that batches cover, from the first on. */
  async finishedTasks(jobId: bigint, lane: Hex): Promise<number> {
    const data = encodeFunctionData({ abi: DirectLane, functionName: "progress", args: [jobId] });
    const [finished] = decodeFunctionResult({
      abi: DirectLane,
      functionName: "progress",
      data: await this.read(lane, data),
    });
    return Number(finished);
  }

  /** The digest that was paid for; null while the task is not settled. */
  async resultOf(jobId: bigint, task: number): Promise<Bytes | null> {
    const data = encodeFunctionData({ abi: DirectLane, functionName: "resultOf", args: [jobId, task] });
    const answer = await this.read(this.at.lane, data);
    const digest = fromHex(decodeFunctionResult({ abi: DirectLane, functionName: "resultOf", data: answer }));
    return digest.some((byte) => byte !== 0) ? digest : null;
  }

  /** Every event of a job, oldest first. `fromBlock` is the block it was posted in. */
  async eventsOfJob(jobId: bigint, fromBlock: number): Promise<ChainEvent[]> {
    const [{ escrow, lane, batchLane }, job] = [this.at, numberToHex(jobId, { size: 32 })];
    const found = await this.logs(fromBlock, [
      { address: [escrow, lane, batchLane], topics: [null, job] },
      { address: [batchLane], topics: [BATCH_POSTED, null, job] }, // there the job is the second word
    ]);
    // Other events of these contracts may carry the same word in the same place: an account's address never does.
    return found.filter((event) => event.args["jobId"] === jobId);
  }

  /** The batches that were posted for a job, oldest first. */
  async batchesOf(jobId: bigint, fromBlock: number): Promise<PostedBatch[]> {
    const topics = [BATCH_POSTED, null, numberToHex(jobId, { size: 32 })];
    const found = await this.logs(fromBlock, [{ address: [this.at.batchLane], topics }]);
    return found.map(({ args, transaction, block }) => {
      const header = args["header"] as Omit<BatchHeader, "number"> & { number: number | bigint };
      return { header: { ...header, number: Number(header.number) }, transaction, block };
    });
  }

  /** Which bundles of a batch were proven wrong, by position; "all" once it is void. */
  async faultsOf({ header, block }: PostedBatch): Promise<ReadonlySet<number> | "all"> {
    const names = ["BundleStruck", "BatchVoided"] as const;
    const topics = [
      names.map((eventName) => topicOf(BatchLane, eventName)),
      pad(header.orchestrator, { size: 32 }),
      numberToHex(header.number, { size: 32 }),
    ];
    const found = await this.logs(block, [{ address: [this.at.batchLane], topics }]);
    if (found.some(({ name }) => name === "BatchVoided")) return "all";
    return new Set(found.map(({ args }) => Number(args["position"])));
  }

  /** The bundles that a transaction posted as calldata; null if it did so by way of another contract. */
  async postedData(hash: Hex): Promise<Bytes | null> {
    const sent = await this.rpc.call<{ input: Hex } | null>("eth_getTransactionByHash", [hash]);
    if (!sent) return null;
    try {
      const { args } = decodeFunctionData({ abi: BatchLane, data: sent.input });
      return fromHex(args[1]);
    } catch {
      return null;
    }
  }

  /** A transaction and what it did to the market; null if the node does not know it. */
  async transaction(hash: Hex): Promise<ChainTransaction | null> {
    interface Raw {
      from: Hex;
      to: Hex | null;
      blockNumber: Hex | null;
    }
    const sent = await this.rpc.call<Raw | null>("eth_getTransactionByHash", [hash]);
    if (!sent) return null;
    const receipt = await this.rpc.call<{ status: Hex; gasUsed: Hex; logs: RawLog[] } | null>(
      "eth_getTransactionReceipt",
      [hash],
    );
    return {
      hash,
      from: sent.from,
      to: sent.to,
      block: sent.blockNumber && Number(sent.blockNumber),
      ok: receipt && Number(receipt.status) === 1,
      gasUsed: receipt && BigInt(receipt.gasUsed),
      events: this.decode(receipt?.logs ?? []),
    };
  }

  /** One call of a view, at the newest block. */
  async read(to: Hex, data: Hex): Promise<Hex> {
    return await this.rpc.call<Hex>("eth_call", [{ to, data }, "latest"]);
  }

  /** What these filters find, in chain order. */
  private async logs(
    fromBlock: number,
    filters: readonly { readonly address: readonly Hex[]; readonly topics: readonly unknown[] }[],
  ): Promise<ChainEvent[]> {
    const last = await this.blockNumber();
    const found: ChainEvent[] = [];
    for (
      let first = Math.max(fromBlock, last - LOG_SPAN_BLOCKS * MOST_SPANS);
      first <= last;
      first += LOG_SPAN_BLOCKS
    ) {
      const span = {
        fromBlock: numberToHex(first),
        toBlock: numberToHex(Math.min(last, first + LOG_SPAN_BLOCKS - 1)),
      };
      for (const filter of filters) {
        found.push(...this.decode(await this.rpc.call<RawLog[]>("eth_getLogs", [{ ...filter, ...span }])));
      }
    }
    return found.sort((a, b) => a.block - b.block || a.logIndex - b.logIndex);
  }

  private decode(logs: readonly RawLog[]): ChainEvent[] {
    const abis = new Map<string, Abi>([
      [this.at.escrow.toLowerCase(), BountyEscrow],
      [this.at.lane.toLowerCase(), DirectLane],
      [this.at.vault.toLowerCase(), StakeVault],
      [this.at.batchLane.toLowerCase(), BatchLane],
      [this.at.batchChallenges.toLowerCase(), BatchChallenges],
      [this.at.batchPayouts.toLowerCase(), BatchPayouts],
    ]);
    return logs.flatMap((log) => {
      const abi = abis.get(log.address.toLowerCase());
      if (!abi) return [];
      try {
        const { eventName, args } = decodeEventLog({ abi, topics: log.topics, data: log.data }) as unknown as {
          eventName: string;
          args: Record<string, unknown>;
        };
        const { address: contract, transactionHash: transaction } = log;
        return [
          {
            name: eventName,
            args,
            contract,
            transaction,
            block: Number(log.blockNumber),
            logIndex: Number(log.logIndex),
          },
        ];
      } catch {
        return []; // an event of a newer release
      }
    });
  }
}

function topicOf(abi: Abi, eventName: string): Hex {
  const [topic] = encodeEventTopics({ abi, eventName });
  return topic as Hex;
}
