import type { MarketChain, PostedBatch } from "../chain/market";
import type { Gateways } from "../content/gateway";
import { recoverAddress } from "../protocol/account";
import { TYPES } from "../protocol/batch";
import {
  type BatchBundle,
  bundleLeaf,
  dataFile,
  parseCalldata,
  parseFile,
  readReceipt,
  type Receipt,
} from "../protocol/batchData";
import { type Bytes, equalBytes, fromHex, type Hex } from "../protocol/bytes";
import { signingDigest } from "../protocol/eip712";
import { keccak256 } from "../protocol/hash";
import { proofOf, standsAt } from "../protocol/positionTree";
import { NotVerifiable, type Results } from "./results";

/** A receipt with its place under the root on chain, and with its worker's signature, both checked here. */
export interface Evidence {
  readonly orchestrator: Hex;
  readonly batch: number;
  readonly transaction: Hex;
  readonly worker: Hex;
  readonly slot: number;
  readonly bundle: number; // position in the batch
  readonly receipt: number; // position in the bundle
  readonly proofHashes: number; // on the way from the receipt to the root
  readonly copies: number; // receipts of the task, all with this digest
}

interface Loaded {
  readonly posted: PostedBatch;
  readonly bundles: readonly BatchBundle[];
  readonly struck: ReadonlySet<number>;
}

/**
 * The batch lane's results: receipts in batches whose roots are on chain. Their data come from the calldata or from the
 * CID that the header names, so nobody has to be believed. A receipt keeps 27 bytes of a digest: the rest of an input's
 * is told by `told`, and proves itself by the content that hashes to it.
 */
export class BatchResults implements Results {
  readonly evidence = new Map<number, Evidence>();
  private batches: Promise<PostedBatch[]> | null = null;
  private readonly loaded = new Map<number, Promise<Loaded>>();

  constructor(
    private readonly chain: MarketChain,
    private readonly gateways: Gateways,
    private readonly job: { readonly id: bigint; readonly postedBlock: number },
    private readonly told: (task: number) => Promise<Bytes | null>,
    private readonly signal?: AbortSignal,
  ) {}

  async paid(task: number): Promise<Bytes> {
    this.batches ??= this.chain.batchesOf(this.job.id, this.job.postedBlock);
    const posted = (await this.batches).find(({ header }) => header.firstTask <= task && task < header.endTask);
    if (!posted)
      throw new NotVerifiable("not_posted", `task ${task} of job ${this.job.id} is in no batch on chain yet`);
    const { number } = posted.header;
    const loading = this.loaded.get(number) ?? this.load(posted);
    this.loaded.set(number, loading);
    return this.check(task, await loading);
  }

  async whole(task: number): Promise<Bytes> {
    const [start, digest] = [await this.paid(task), await this.told(task)];
    if (!digest || !equalBytes(digest.slice(0, start.length), start)) {
      throw new NotVerifiable("bad_receipt", `the result of task ${task} that is told is not that of its receipts`);
    }
    return digest;
  }

  private async load(posted: PostedBatch): Promise<Loaded> {
    const struck = await this.chain.faultsOf(posted);
    if (struck === "all") throw new NotVerifiable("batch_void", `batch ${posted.header.number} was proven void`);
    const { header, transaction } = posted;
    const root = fromHex(header.bundlesRoot);
    const file = dataFile(header, fromHex(header.dataDigest));
    if (file) {
      const [cid, length] = file;
      const bundles = parseFile(await this.gateways.getFile(cid, length, this.signal), header, root);
      return { posted, bundles, struck };
    }
    const data = await this.chain.postedData(transaction);
    if (!data)
      throw new NotVerifiable("not_posted", `the data of transaction ${transaction} are not in its own calldata`);
    return { posted, bundles: parseCalldata(data, root), struck };
  }

  private check(task: number, { posted, bundles, struck }: Loaded): Bytes {
    const found: { receipt: Receipt; bundle: number; at: number }[] = [];
    bundles.forEach(({ words }, bundle) => {
      if (struck.has(bundle)) return;
      words.forEach((word, at) => {
        const receipt = readReceipt(word);
        if (receipt.task === task) found.push({ receipt, bundle, at });
      });
    });
    const [first] = found;
    if (!first) throw new NotVerifiable("not_posted", `no receipt of task ${task} is paid: it was given up, or struck`);
    if (found.some(({ receipt }) => !equalBytes(receipt.digest, first.receipt.digest))) {
      throw new NotVerifiable(
        "bad_receipt",
        `receipts of task ${task} have unequal digests: a fault that can be proven`,
      );
    }
    const proofs = found.map(({ bundle, at }) => this.prove(posted, bundles, bundle, at));
    const { header, transaction } = posted;
    this.evidence.set(task, {
      ...{ orchestrator: header.orchestrator, batch: header.number, transaction },
      worker: (bundles[first.bundle] as BatchBundle).account,
      slot: first.receipt.slot,
      ...{ bundle: first.bundle, receipt: first.at, proofHashes: proofs[0] ?? 0, copies: found.length },
    });
    return first.receipt.digest;
  }

  /** How many hashes lead from the receipt to the root. Throws unless they do, or if its worker did not sign it. */
  private prove({ header }: PostedBatch, bundles: readonly BatchBundle[], position: number, at: number): number {
    const bundle = bundles[position] as BatchBundle;
    const { account, words, receiptsRoot, setsRoot, signature } = bundle;
    const leaves = words.map(keccak256);
    const inBundle = proofOf(leaves, at);
    const tops = bundles.map(bundleLeaf);
    const inBatch = proofOf(tops, position);
    const stands =
      standsAt(receiptsRoot, leaves[at] as Bytes, at, words.length, inBundle) &&
      standsAt(fromHex(header.bundlesRoot), tops[position] as Bytes, position, header.bundleCount, inBatch);
    if (!stands)
      throw new NotVerifiable("bad_receipt", `the receipt does not stand under the root of batch ${header.number}`);
    const { chainId, batchLane } = this.chain.at;
    const { job, firstTask } = header;
    const signed = {
      worker: account,
      job,
      firstTask,
      count: words.length,
      receipts: receiptsRoot,
      commitSets: setsRoot,
    };
    const digest = signingDigest({ chainId: BigInt(chainId), verifyingContract: batchLane }, TYPES.Receipts, signed);
    if (recoverAddress(digest, signature)?.toLowerCase() !== account.toLowerCase()) {
      throw new NotVerifiable("bad_receipt", `${account} did not sign its receipts: a fault that can be proven`);
    }
    return inBundle.length + inBatch.length;
  }
}
