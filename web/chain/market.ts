import { type Abi, decodeEventLog, decodeFunctionResult, encodeFunctionData, numberToHex } from "viem";

import { BountyEscrow, DirectLane, StakeVault } from "../generated/abi";
import { type Bytes, fromHex, type Hex } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";
import type { Rpc } from "./rpc";

const LOG_SPAN_BLOCKS = 5_000;
const MOST_SPANS = 200;

/** Where a market's contracts are, as `/v1/market` tells it. */
export interface MarketAddress {
  readonly chainId: number;
  readonly firstBlock: number;
  readonly escrow: Hex;
  readonly lane: Hex;
  readonly vault: Hex;
  readonly token: Hex;
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

  /** The digest that was paid for; null while the task is not settled. */
  async resultOf(jobId: bigint, task: number): Promise<Bytes | null> {
    const data = encodeFunctionData({ abi: DirectLane, functionName: "resultOf", args: [jobId, task] });
    const answer = await this.read(this.at.lane, data);
    const digest = fromHex(decodeFunctionResult({ abi: DirectLane, functionName: "resultOf", data: answer }));
    return digest.some((byte) => byte !== 0) ? digest : null;
  }

  /** Every event of a job, oldest first. `fromBlock` is the block it was posted in. */
  async eventsOfJob(jobId: bigint, fromBlock: number): Promise<ChainEvent[]> {
    const last = await this.blockNumber();
    const found: ChainEvent[] = [];
    const lowest = Math.max(fromBlock, last - LOG_SPAN_BLOCKS * MOST_SPANS);
    for (let first = lowest; first <= last; first += LOG_SPAN_BLOCKS) {
      const logs = await this.rpc.call<RawLog[]>("eth_getLogs", [
        {
          address: [this.at.escrow, this.at.lane],
          topics: [null, numberToHex(jobId, { size: 32 })],
          fromBlock: numberToHex(first),
          toBlock: numberToHex(Math.min(last, first + LOG_SPAN_BLOCKS - 1)),
        },
      ]);
      found.push(...this.decode(logs));
    }
    // Other events of these contracts may carry the same word in the same place: an account's address never does.
    return found.filter((event) => event.args["jobId"] === jobId);
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

  private decode(logs: readonly RawLog[]): ChainEvent[] {
    const abis = new Map<string, Abi>([
      [this.at.escrow.toLowerCase(), BountyEscrow],
      [this.at.lane.toLowerCase(), DirectLane],
      [this.at.vault.toLowerCase(), StakeVault],
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
