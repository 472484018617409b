import { NETWORKS, type Network } from "../jobs/planTrain";
import type { Bytes } from "../protocol/bytes";
import { Malformed } from "../protocol/errors";
import { buffersOf, type Layout, roleBytes } from "../protocol/layout";

/** Rows with their classes, cut out of a shard that trains the network, in the form that its infer program reads. */
export interface Probe {
  readonly shard: Bytes;
  readonly labels: readonly number[];
}

export function networkOf(about: Readonly<Record<string, unknown>>): Network | null {
  return NETWORKS.find((network) => network === about["model"]) ?? null;
}

/** As many rows of a training shard as one inference takes. `train` and `infer` are the layouts of a network's programs. */
export function probeOf(train: Layout, infer: Layout, shard: Bytes): Probe {
  if (shard.length !== roleBytes(train, "shard")) throw new Malformed("shard", `it has ${shard.length} bytes`);
  const parts = new Map<string, Bytes>();
  let at = 0;
  for (const { name, bytes } of buffersOf(train, "shard")) {
    parts.set(name, shard.subarray(at, at + bytes));
    at += bytes;
  }
  const wanted = buffersOf(infer, "shard").find(({ name }) => name === "x");
  const count = parts.get("rows");
  const [x, y] = [parts.get("x"), parts.get("y")];
  if (!wanted || !count || !x || !y) throw new Malformed("shard", "it is none of labelled rows");
  const rows = Math.min(viewOf(count).getInt32(0, true), wanted.shape[0] ?? 0);
  const probe = new Uint8Array(4 + wanted.bytes);
  viewOf(probe).setInt32(0, rows, true);
  probe.set(x.subarray(0, (wanted.bytes / (wanted.shape[0] ?? 1)) * rows), 4);
  return { shard: probe, labels: Array.from({ length: rows }, (_, i) => viewOf(y).getInt32(4 * i, true)) };
}

/** The share of the probe's rows whose class the output finds. */
export function accuracyOf(infer: Layout, output: Bytes, { labels }: Probe): number {
  const found = buffersOf(infer, "output").find(({ name }) => name === "probabilities");
  const classes = found?.shape[1];
  if (!found || !classes || output.length !== roleBytes(infer, "output")) throw new Malformed("output", "unknown form");
  const view = viewOf(output);
  const start = output.length - found.bytes; // it is the last buffer
  const right = labels.filter((label, row) => {
    const scores = Array.from({ length: classes }, (_, i) => view.getFloat32(start + 4 * (row * classes + i), true));
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return labels.length ? right.length / labels.length : 0;
}

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
