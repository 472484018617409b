import type { Bytes } from "../protocol/bytes";
import { utf8 } from "../protocol/bytes";
import { Malformed } from "../protocol/errors";
import { sha256 } from "../protocol/hash";
import { type Buffer, buffersOf, type Layout, roleBytes } from "../protocol/layout";
import {
  assemble,
  describeBuffers,
  layoutOf,
  type PlannedJob,
  type ProgramPair,
  splitRows,
  WORK_UNITS,
} from "./assemble";
import type { Table } from "./readTable";

/** The networks that come with this page, by the widths of their layers: inputs first, classes last. */
export const NETWORKS = ["mlp:13-32-3", "mlp:64-128-10"] as const;
export type Network = (typeof NETWORKS)[number];

const LABEL = "label";
const UNITS_PER_WEIGHT = 64;
const SEED = 0;

export interface TrainWishes {
  readonly network: Network;
  readonly rounds: number;
  readonly shards: number;
  readonly epochs: number;
  readonly learningRate: number;
}

/** Rows of float32 features, and the class of each. */
interface Samples {
  readonly inputs: Float32Array;
  readonly labels: Int32Array;
  readonly rows: number;
  readonly width: number;
}

export function sizesOf(network: Network): [inputs: number, hidden: number, classes: number] {
  const [inputs = 0, hidden = 0, classes = 0] = network.slice(4).split("-").map(Number);
  return [inputs, hidden, classes];
}

/** The job that trains a network on a table: byte for byte what `plan_train` in Python plans. Throws `Malformed`. */
export async function planTrain(table: Table, pair: ProgramPair, wishes: TrainWishes): Promise<PlannedJob> {
  const { network, rounds, shards, epochs, learningRate } = wishes;
  if (!pair.reducer) throw new Malformed("reducer", "training needs one that averages");
  if (!(Number.isInteger(rounds) && rounds >= 1)) throw new Malformed("rounds", "at least one trains");
  if (!(Number.isInteger(epochs) && epochs >= 1)) throw new Malformed("epochs", "at least one pass trains");
  if (!(Number.isFinite(learningRate) && learningRate > 0)) throw new Malformed("learning rate", "a positive number");
  const layout = layoutOf(pair.program);
  const samples = samplesOf(table, network);
  const x = buffersOf(layout, "shard").find(({ name }) => name === "x");
  const capacity = x?.shape[0] ?? 0;
  const order = await shuffled(samples.rows);
  const cuts = splitRows(samples.rows, capacity, shards);
  const weights = buffersOf(layout, "state").reduce((sum, buffer) => sum + items(buffer), 0);
  return await assemble({
    kind: "train",
    pair,
    shards: cuts.map(([first, end]) => ({
      content: packShard(layout, samples, order.slice(first, end)),
      rows: end - first,
    })),
    state: await firstWeights(layout, network),
    rounds,
    params: { learning_rate: learningRate, epochs },
    about: { model: network, rows: samples.rows, seed: SEED, result: describeBuffers(layoutOf(pair.reducer)) },
    workUnits: Math.max(WORK_UNITS, UNITS_PER_WEIGHT * weights * capacity * epochs),
  });
}

function samplesOf(table: Table, network: Network): Samples {
  const [width, , classes] = sizesOf(network);
  const labelAt = table.columns.indexOf(LABEL);
  if (labelAt < 0) throw new Malformed("table", `it has no column named ${LABEL}`);
  if (table.columns.length - 1 !== width) {
    throw new Malformed("table", `${table.columns.length - 1} columns besides ${LABEL}; ${network} takes ${width}`);
  }
  const inputs = new Float32Array(table.rows * width);
  const labels = new Int32Array(table.rows);
  for (let row = 0; row < table.rows; row++) {
    const cells = table.values.subarray(row * (width + 1), (row + 1) * (width + 1));
    const label = cells[labelAt] ?? Number.NaN;
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      throw new Malformed(`row ${row + 1}`, `its label is ${label}; ${network} knows classes 0 to ${classes - 1}`);
    }
    labels[row] = label;
    inputs.set([...cells.subarray(0, labelAt), ...cells.subarray(labelAt + 1)], row * width);
  }
  const bad = inputs.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new Malformed(`row ${Math.floor(bad / width) + 1}`, "a number is too large for 32 bits");
  return { inputs, labels, rows: table.rows, width };
}

function packShard(layout: Layout, samples: Samples, rows: readonly number[]): Bytes {
  const shard = new Uint8Array(roleBytes(layout, "shard"));
  let at = 0;
  for (const buffer of buffersOf(layout, "shard")) {
    const view = new DataView(shard.buffer, at);
    if (buffer.name === "rows") view.setInt32(0, rows.length, true);
    else {
      rows.forEach((row, i) => {
        if (buffer.name === "y") view.setInt32(4 * i, samples.labels[row] ?? 0, true);
        else {
          for (let column = 0; column < samples.width; column++) {
            const value = samples.inputs[row * samples.width + column] ?? 0;
            view.setFloat32(4 * (i * samples.width + column), value, true);
          }
        }
      });
    }
    at += buffer.bytes;
  }
  return shard;
}

/** He's uniform bound sqrt(6 / inputs of the layer), biases zero (arXiv:1502.01852). */
async function firstWeights(layout: Layout, network: Network): Promise<Bytes> {
  const state = new Uint8Array(roleBytes(layout, "state"));
  const layers = [...sizesOf(network)];
  let at = 0;
  for (const buffer of buffersOf(layout, "state")) {
    if (buffer.shape.length > 1) {
      const bound = Math.sqrt(6 / (layers.shift() ?? 1));
      const view = new DataView(state.buffer, at);
      const drawn = await uniform(buffer.name, items(buffer));
      drawn.forEach((value, i) => view.setFloat32(4 * i, (value * 2 - 1) * bound, true));
    }
    at += buffer.bytes;
  }
  return state;
}

async function shuffled(rows: number): Promise<number[]> {
  const drawn = await uniform("shuffle", rows);
  return Array.from(drawn.keys()).sort((a, b) => (drawn[a] ?? 0) - (drawn[b] ?? 0));
}

/** Numbers in [0, 1): 53 bits each from SHA-256 in counter mode, as `uniform` of edgebounty/jobs/plan.py. */
async function uniform(label: string, count: number): Promise<Float64Array> {
  const found = new Float64Array(count);
  for (let block = 0; 4 * block < count; block++) {
    const view = new DataView((await sha256(utf8(`edgebounty:${SEED}:${label}:${block}`))).buffer);
    for (let word = 0; word < 4 && 4 * block + word < count; word++) {
      found[4 * block + word] = Number(view.getBigUint64(8 * word) >> 11n) / 2 ** 53;
    }
  }
  return found;
}

function items(buffer: Buffer): number {
  return buffer.shape.reduce((product, size) => product * size, 1);
}
