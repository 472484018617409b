import type { MarketChain } from "../chain/market";
import type { Bytes } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";

/** There is nothing to check, or what is on chain and in the manifest cannot be run. */
export class NotVerifiable extends EdgebountyError {
  constructor(
    code: "not_settled" | "not_posted" | "bad_receipt" | "batch_void" | "input_failed" | "content_wrong",
    detail: string,
  ) {
    super(code, detail);
  }
}

/** The digests of a job's results, and how the chain knows them. Both throw `NotVerifiable`, and what a node throws. */
export interface Results {
  /** What was paid: as many bytes of the digest as stand on chain. */
  paid(task: number): Promise<Bytes>;
  /** All 32 bytes of a result that another task reads. */
  whole(task: number): Promise<Bytes>;
}

/** The direct lane's: every digest is on chain in full. */
export class SettledResults implements Results {
  constructor(
    private readonly chain: MarketChain,
    private readonly jobId: bigint,
  ) {}

  async paid(task: number): Promise<Bytes> {
    const digest = await this.chain.resultOf(this.jobId, task);
    if (!digest) throw new NotVerifiable("not_settled", `task ${task} of job ${this.jobId} is not settled`);
    return digest;
  }

  async whole(task: number): Promise<Bytes> {
    return await this.paid(task);
  }
}
