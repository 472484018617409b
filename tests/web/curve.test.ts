import { expect, test } from "vitest";

import { layoutOf, type PlannedJob } from "../../web/jobs/assemble";
import { planTrain } from "../../web/jobs/planTrain";
import { concatBytes } from "../../web/protocol/bytes";
import { buffersOf, roleBytes } from "../../web/protocol/layout";
import { accuracyOf, networkOf, probeOf } from "../../web/requester/curve";
import { execute } from "../../web/runner/execute";
import { readProgram } from "./vectors";

const ROWS = 90;
const INPUTS = 13;
const train = readProgram("mlp-13-32-3.train");
const mean = readProgram("mean.mlp-13-32-3");
const infer = readProgram("mlp-13-32-3.infer");
const layout = layoutOf(infer);

/** Three classes that one column each tells apart. */
const table = {
  columns: [...Array.from({ length: INPUTS }, (_, i) => `c${i}`), "label"],
  rows: ROWS,
  values: Float64Array.from({ length: ROWS * (INPUTS + 1) }, (_, i) => {
    const [row, column] = [Math.floor(i / (INPUTS + 1)), i % (INPUTS + 1)];
    if (column === INPUTS) return row % 3;
    return (column === row % 3 ? 1 : 0) + Math.sin(i) / 10;
  }),
};
const planned = await planTrain(
  table,
  { program: train, reducer: mean },
  { network: "mlp:13-32-3", rounds: 4, shards: 2, epochs: 5, learningRate: 0.5 },
);

/** A file of the plan, from its blocks: one each, as all are short. */
function contentOf({ blocks }: PlannedJob, cid: unknown) {
  const found = blocks.find((block) => String(block.cid) === String(cid));
  if (!found) throw new Error(`no block ${String(cid)}`);
  return found.bytes;
}

test("the share of right rows rises as rounds go by, from what workers would compute", () => {
  const { manifest } = planned;
  const limits = { workLimit: manifest.limits.workUnits, memoryBytes: manifest.limits.memoryBytes };
  const shards = manifest.shards.map(({ cid }) => contentOf(planned, cid));
  const [first] = shards;
  if (!first) throw new Error("there are two shards");
  const probe = probeOf(layoutOf(train), layout, first);
  expect([probe.labels.length, new Set(probe.labels).size]).toEqual([45, 3]);

  let state = contentOf(planned, manifest.state);
  const shares = [];
  for (let round = 0; round <= manifest.rounds; round++) {
    const told = execute({ module: infer, state, shard: probe.shard, inputs: [], params: {}, ...limits });
    shares.push(accuracyOf(layout, told.output, probe));
    const { params } = manifest;
    const inputs = shards.map(
      (shard) => execute({ module: train, state, shard, inputs: [], params, ...limits }).output,
    );
    state = execute({ module: mean, state, shard: null, inputs, params, ...limits }).output;
  }
  expect(shares[0]).toBeLessThan(0.8);
  expect(shares.at(-1)).toBe(1);
});

test("the class of a row is the one with the highest probability", () => {
  const labels = [0, 1, 2, 2];
  const probabilities = buffersOf(layout, "output").find(({ name }) => name === "probabilities");
  if (!probabilities) throw new Error("it gives probabilities");
  const values = new Float32Array(probabilities.bytes / 4);
  values.set([0.9, 0.1, 0, 0.2, 0.5, 0.3, 0, 0.1, 0.9, 0.6, 0.3, 0.1]);
  const head = new Uint8Array(roleBytes(layout, "output") - probabilities.bytes);
  const output = concatBytes([head, new Uint8Array(values.buffer)]);
  expect(accuracyOf(layout, output, { shard: head, labels })).toBe(0.75);
});

test("models of elsewhere and shards of another form have no curve", () => {
  expect([networkOf({ model: "mlp:13-32-3" }), networkOf({ model: "lenet" }), networkOf({})]).toEqual([
    ...["mlp:13-32-3", null, null],
  ]);
  expect(() => probeOf(layoutOf(train), layout, new Uint8Array(5))).toThrow("5 bytes");
});
