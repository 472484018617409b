import { type BatchResultsDocument, readDocument } from "../api/documents";
import type { MarketChain } from "../chain/market";
import type { Gateways } from "../content/gateway";
import { type Bytes, concatBytes, fromHex } from "../protocol/bytes";
import type { Cid } from "../protocol/cid";
import { EdgebountyError } from "../protocol/errors";
import { failureOfDigest } from "../protocol/failure";
import { type Manifest, totalTasks } from "../protocol/manifest";
import { outputBytes, outputCid } from "../protocol/shape";
import type { Lane } from "../jobs/price";

/** A result that is not there yet, or that says that the program failed. */
export class NoResult extends EdgebountyError {
  constructor(
    readonly task: number,
    readonly failure: string | null,
  ) {
    super("no_result", failure ? `task ${task} failed: ${failure}` : `there is no result of task ${task} yet`);
  }
}

/** A job's results. In the direct lane the chain names them, in the batch lane the job's orchestrator; bytes are hashed here. */
export class Results {
  constructor(
    private readonly chain: MarketChain,
    private readonly gateways: Gateways,
    private readonly job: number,
    private readonly lane: Lane,
    readonly manifest: Manifest,
  ) {}

  /** The digests of these tasks, as far as there are any. */
  async digests(tasks: readonly number[]): Promise<Map<number, Bytes>> {
    const found = new Map<number, Bytes>();
    if (this.lane === "direct") {
      for (const task of tasks) {
        const digest = await this.chain.resultOf(BigInt(this.job), task);
        if (digest) found.set(task, digest);
      }
      return found;
    }
    const wanted = new Set(tasks);
    for (let from: number | null = Math.min(...tasks); from !== null && from <= Math.max(...tasks);) {
      const page: BatchResultsDocument = await readDocument(`/v1/batch/jobs/${this.job}?from=${from}`);
      for (const [task, digest] of Object.entries(page.results)) {
        if (wanted.has(Number(task))) found.set(Number(task), fromHex(digest));
      }
      from = page.next !== null && page.next > from ? page.next : null;
    }
    return found;
  }

  /** A task's output. Throws `NoResult`, and `ContentUnavailable` when no gateway has bytes of that hash. */
  async output(task: number, digest: Bytes | undefined): Promise<{ cid: Cid; content: Bytes }> {
    if (!digest) throw new NoResult(task, null);
    const failure = await failureOfDigest(digest);
    if (failure) throw new NoResult(task, failure);
    const cid = await outputCid(this.manifest, task, digest);
    return { cid, content: await this.gateways.getFile(cid, outputBytes(this.manifest, task)) };
  }

  /** The last reduce's output, or without a reducer all outputs in the order of their tasks. Throws as `output`. */
  async all(): Promise<{ cid: Cid | null; count: number; content: Bytes }> {
    const total = totalTasks(this.manifest);
    if (this.manifest.reducer) {
      const last = total - 1;
      return { count: 1, ...(await this.output(last, (await this.digests([last])).get(last))) };
    }
    const tasks = Array.from({ length: total }, (_, i) => i);
    const digests = await this.digests(tasks);
    const parts: Bytes[] = [];
    for (const task of tasks) parts.push((await this.output(task, digests.get(task))).content);
    return { cid: null, count: total, content: concatBytes(parts) };
  }
}
