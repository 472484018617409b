import type { Gateways } from "../../content/gateway";
import { type Bytes, EMPTY, fromHex } from "../../protocol/bytes";
import { Cid } from "../../protocol/cid";
import { Malformed } from "../../protocol/errors";
import { failureOfDigest } from "../../protocol/failure";
import { type Manifest, parseManifest } from "../../protocol/manifest";
import { describeTask, moduleOf, outputBytes, outputCid } from "../../protocol/shape";
import type { Work } from "../../runner/execute";
import type { Task } from "./machine";
import type { SharedFiles } from "./sharedFiles";

const MODULE_BYTES_MAX = 4 << 20;
const MANIFEST_BYTES_MAX = 1 << 20;

/**
 * All bytes that a task needs, each checked against its CID. Throws `ContentUnavailable`, `Malformed`, and what `signal`
 * aborts with.
 */
export async function prepare(task: Task, gateways: Gateways, shared: SharedFiles, signal: AbortSignal): Promise<Work> {
  const common = async (cid: Cid, limitBytes: number) => await shared.get(cid, limitBytes, gateways, signal);
  const manifest = parseManifest(await common(Cid.parse(task.manifest), MANIFEST_BYTES_MAX));
  const spec = describeTask(manifest, task.index);
  const module = await common(moduleOf(manifest, spec), MODULE_BYTES_MAX);
  const output = async (index: number) => await readOutput(task, manifest, index, gateways, signal);
  const inputs: Bytes[] = [];
  for (const index of spec.inputTasks) inputs.push(await output(index));
  let state: Bytes = manifest.stateBytes ? new Uint8Array(manifest.stateBytes) : EMPTY;
  if (spec.stateTask !== null) state = await output(spec.stateTask);
  else if (manifest.state)
    state = sized(await common(manifest.state, manifest.stateBytes), manifest.stateBytes, "state");
  return {
    module,
    state,
    shard: spec.shard && (await read(spec.shard.cid, spec.shard.bytes, "shard", gateways, signal)),
    inputs,
    params: manifest.params,
    workLimit: manifest.limits.workUnits,
    memoryBytes: manifest.limits.memoryBytes,
  };
}

async function readOutput(
  task: Task,
  manifest: Manifest,
  index: number,
  gateways: Gateways,
  signal: AbortSignal,
): Promise<Bytes> {
  const known = task.inputs[index];
  if (known === undefined) throw new Malformed("inputs", `the result of task ${index} is not told`);
  const digest = fromHex(known);
  const failure = await failureOfDigest(digest);
  if (failure) throw new Malformed("inputs", `task ${index} failed: ${failure}`);
  const cid = await outputCid(manifest, index, digest);
  return await read(cid, outputBytes(manifest, index), `output of task ${index}`, gateways, signal);
}

async function read(cid: Cid, bytes: number, what: string, gateways: Gateways, signal: AbortSignal): Promise<Bytes> {
  return sized(await gateways.getFile(cid, bytes, signal), bytes, what);
}

function sized(content: Bytes, bytes: number, what: string): Bytes {
  if (content.length !== bytes) throw new Malformed(what, `${content.length} bytes, the manifest says ${bytes}`);
  return content;
}
