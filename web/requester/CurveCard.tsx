import { useEffect, useRef, useState } from "preact/hooks";

import { API } from "../api/documents";
import { Gateways } from "../content/gateway";
import { layoutOf } from "../jobs/assemble";
import type { Network } from "../jobs/planTrain";
import type { Bytes } from "../protocol/bytes";
import type { Layout } from "../protocol/layout";
import { runTask } from "../runner/runTask";
import { formatNumber } from "../ui/format";
import { Card } from "../ui/parts";
import { accuracyOf, networkOf, type Probe, probeOf } from "./curve";
import { loadInfer, loadProgram } from "./programs";
import type { Results } from "./results";
import { say } from "./words";

const RUN_SECONDS = 30;
const WIDTH = 300;
const HEIGHT = 100;

interface CurveCardProps {
  readonly open: () => Promise<Results>;
  readonly roundsDone: number;
  readonly tasksPerRound: number;
}

interface Runner {
  readonly results: Results;
  readonly module: Bytes;
  readonly infer: Layout;
  readonly probe: Probe;
}

/** How a network learns: after every round its weights are fetched, hashed, and run on rows of the first shard, here. */
export function CurveCard({ open, roundsDone, tasksPerRound }: CurveCardProps) {
  const [curve, setCurve] = useState<readonly number[]>([]);
  const [problem, setProblem] = useState("");
  const runner = useRef<Promise<Runner | null> | null>(null);
  useEffect(() => {
    if (curve.length >= roundsDone) return;
    const gone = new AbortController();
    runner.current ??= prepare(open, (model) => setProblem(say("curve.none", { model })));
    runner.current
      .then(async (ready) => {
        if (!ready) return;
        const share = await accuracyAfter(ready, (curve.length + 1) * tasksPerRound - 1, gone.signal);
        if (!gone.signal.aborted) setCurve((old) => [...old, share]);
      })
      .catch((error: Error) => {
        runner.current = null;
        if (!gone.signal.aborted) setProblem(error.message);
      });
    return () => gone.abort();
  }, [curve.length, roundsDone > curve.length]);
  return (
    <Card title={say("curve")}>
      <p class="quiet">{say("curve.lead")}</p>
      {problem && <p class="notice">{problem}</p>}
      {!curve.length && !problem && <p>{say("curve.waiting")}</p>}
      {curve.length > 0 && <Curve curve={curve} />}
    </Card>
  );
}

function Curve({ curve }: { curve: readonly number[] }) {
  const points = curve.map((share, i) => [
    curve.length > 1 ? (WIDTH * i) / (curve.length - 1) : WIDTH / 2,
    HEIGHT * (1 - share),
  ]);
  return (
    <div class="columns">
      <svg class="curve" viewBox={`-6 -6 ${WIDTH + 12} ${HEIGHT + 12}`} aria-hidden="true">
        <path class="axis" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
        <polyline points={points.map((point) => point.join()).join(" ")} />
        {points.map(([x, y]) => (
          <circle cx={x} cy={y} r="4" />
        ))}
      </svg>
      <div class="scroll" role="group" aria-label={say("curve")} tabIndex={0}>
        <table>
          <caption class="hidden">{say("curve")}</caption>
          <thead>
            <tr>
              <th scope="col">{say("round")}</th>
              <th scope="col" class="number">
                {say("accuracy")}
              </th>
            </tr>
          </thead>
          <tbody>
            {curve.map((share, i) => (
              <tr>
                <th scope="row">{formatNumber(i + 1)}</th>
                <td class="number">{formatNumber(share, { style: "percent", maximumFractionDigits: 1 })}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** What runs the weights; null if this page has no program for the model. */
async function prepare(open: () => Promise<Results>, onUnknown: (model: string) => void): Promise<Runner | null> {
  const results = await open();
  const { about, shards } = results.manifest;
  const network: Network | null = networkOf(about);
  const [first] = shards;
  if (!network || !first) {
    onUnknown(String(about["model"] ?? "?").slice(0, 60));
    return null;
  }
  const [{ program }, module] = await Promise.all([loadProgram(network), loadInfer(network)]);
  const infer = layoutOf(module);
  const shard = await new Gateways([API]).getFile(first.cid, first.bytes);
  return { results, module, infer, probe: probeOf(layoutOf(program), infer, shard) };
}

async function accuracyAfter({ results, module, infer, probe }: Runner, task: number, signal: AbortSignal) {
  const { content: state } = await results.output(task, (await results.digests([task])).get(task));
  const { limits } = results.manifest;
  const work = { module, state, shard: probe.shard, inputs: [], params: {}, memoryBytes: limits.memoryBytes };
  const { output } = await runTask({ ...work, workLimit: limits.workUnits }, RUN_SECONDS, signal);
  return accuracyOf(infer, output, probe);
}
