import type { MarketChain } from "../chain/market";
import type { Gateways } from "../content/gateway";
import { type Bytes, EMPTY, equalBytes, toHex } from "../protocol/bytes";
import { Cid, RAW } from "../protocol/cid";
import { type FailureCode, failureOfDigest } from "../protocol/failure";
import { type Manifest, parseManifest } from "../protocol/manifest";
import { describeTask, moduleOf, outputBytes, outputCid, type TaskSpec } from "../protocol/shape";
import { buildFile } from "../protocol/unixfs";
import type { Work } from "../runner/execute";
import { runTask } from "../runner/runTask";
import { NotVerifiable, type Results } from "./results";

const MODULE_BYTES_MAX = 4 << 20;
const MANIFEST_BYTES_MAX = 1 << 20;
const RUN_SECONDS = 120;

export const STEPS = ["chain", "manifest", "program", "inputs", "run", "compare"] as const;
export type Step = (typeof STEPS)[number];

/** What one re-run found. `right` is whether the digest paid on chain is the one computed here. */
export interface Verdict {
  readonly jobId: bigint;
  readonly task: number;
  readonly right: boolean;
  readonly paid: string;
  readonly computed: string;
  readonly workUnits: number;
  readonly seconds: number;
  readonly failure: FailureCode | null;
  readonly manifest: Manifest;
}

export interface Verifier {
  readonly chain: MarketChain;
  readonly gateways: Gateways;
  readonly results: Results;
  readonly onStep: (step: Step) => void;
  readonly signal?: AbortSignal;
}

/**
 * Re-runs one task from public content alone: the digests come from the chain, every byte is hashed against its CID, the
 * program runs here. Throws `NotVerifiable`, and what chain, gateways and runner throw.
 */
export async function verifyTask(verifier: Verifier, jobId: bigint, task: number): Promise<Verdict> {
  const { chain, results, onStep, signal } = verifier;
  onStep("chain");
  await chain.check();
  const paid = await results.paid(task);
  const digest = await chain.manifestDigest(jobId);
  onStep("manifest");
  const manifest = await readManifest(verifier.gateways, digest, signal);
  const work = await gather(verifier, manifest, describeTask(manifest, task));
  onStep("run");
  const done = await runTask(work, RUN_SECONDS, signal);
  onStep("compare");
  const { cid } = await buildFile(done.output);
  return {
    jobId,
    task,
    right: equalBytes(cid.digest.slice(0, paid.length), paid),
    paid: toHex(paid),
    computed: toHex(cid.digest),
    workUnits: done.workUnits,
    seconds: done.seconds,
    failure: done.failure,
    manifest,
  };
}

/** The manifest that a digest on chain names. Throws `ContentUnavailable` or `Malformed`. */
export async function readManifest(gateways: Gateways, digest: Bytes, signal?: AbortSignal): Promise<Manifest> {
  return parseManifest(await gateways.getFile(new Cid(RAW, digest), MANIFEST_BYTES_MAX, signal));
}

async function gather(verifier: Verifier, manifest: Manifest, spec: TaskSpec): Promise<Work> {
  const { gateways, onStep, signal } = verifier;
  onStep("program");
  const module = await gateways.getFile(moduleOf(manifest, spec), MODULE_BYTES_MAX, signal);
  onStep("inputs");
  const inputs: Bytes[] = [];
  for (const input of spec.inputTasks) inputs.push(await readOutput(verifier, manifest, input));
  return {
    module,
    state: await readState(verifier, manifest, spec),
    shard:
      spec.shard && sized(await gateways.getFile(spec.shard.cid, spec.shard.bytes, signal), spec.shard.bytes, "shard"),
    inputs,
    params: manifest.params,
    workLimit: manifest.limits.workUnits,
    memoryBytes: manifest.limits.memoryBytes,
  };
}

async function readState(verifier: Verifier, manifest: Manifest, spec: TaskSpec): Promise<Bytes> {
  if (spec.stateTask !== null) return await readOutput(verifier, manifest, spec.stateTask);
  if (!manifest.state) return manifest.stateBytes ? new Uint8Array(manifest.stateBytes) : EMPTY;
  return sized(
    await verifier.gateways.getFile(manifest.state, manifest.stateBytes, verifier.signal),
    manifest.stateBytes,
    "state",
  );
}

/** The output of an earlier task, by the digest that was paid for it. */
async function readOutput({ results, gateways, signal }: Verifier, manifest: Manifest, task: number): Promise<Bytes> {
  const digest = await results.whole(task);
  const failure = await failureOfDigest(digest);
  if (failure) throw new NotVerifiable("input_failed", `task ${task}, an input, failed: ${failure}`);
  const expected = outputBytes(manifest, task);
  return sized(
    await gateways.getFile(await outputCid(manifest, task, digest), expected, signal),
    expected,
    `output of task ${task}`,
  );
}

function sized(content: Bytes, expected: number, what: string): Bytes {
  if (content.length !== expected) {
    throw new NotVerifiable("content_wrong", `${what} has ${content.length} bytes, the manifest says ${expected}`);
  }
  return content;
}
