import { useEffect, useId, useRef, useState } from "preact/hooks";

import { Gateways } from "../content/gateway";
import { fromHex } from "../protocol/bytes";
import { Stopped } from "../runner/runTask";
import { formatBytes, formatNumber, formatSeconds } from "../ui/format";
import { Card, Facts, Name, save } from "../ui/parts";
import { t } from "../ui/words";
import { BatchResults, type Evidence } from "../verify/batchResults";
import { SettledResults } from "../verify/results";
import { STEPS, type Step, type Verdict, verifyTask } from "../verify/verifyTask";
import { API, type JobDocument, openChain } from "../api/documents";
import { EnergyTable } from "./EnergyTable";
import { link } from "./routes";

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly step: Step }
  | {
      readonly kind: "done";
      readonly verdict: Verdict;
      readonly evidence: Evidence | null;
      readonly blocks: number;
      readonly bytes: number;
    }
  | { readonly kind: "failed"; readonly step: Step; readonly reason: string }
  | { readonly kind: "stopped" };

/** Runs a paid task again in the visitor's browser, and says whether it gives what was paid for. */
export function VerifyCard({ job, task }: { job: JobDocument; task: number }) {
  const [chosen, setChosen] = useState(task);
  const [state, setState] = useState<State>({ kind: "idle" });
  const [verdicts, setVerdicts] = useState<readonly Verdict[]>([]);
  const stop = useRef<AbortController | null>(null);
  const id = useId();
  useEffect(() => setChosen(task), [task]);
  useEffect(() => () => stop.current?.abort(), []);

  const start = async () => {
    const controller = new AbortController();
    stop.current = controller;
    let blocks = 0;
    let bytes = 0;
    let step: Step = "chain";
    const onStep = (next: Step) => setState({ kind: "running", step: (step = next) });
    try {
      const gateways = new Gateways([API], (block) => {
        blocks++;
        bytes += block.bytes;
      });
      const { signal } = controller;
      const [chain, id] = [await openChain(), BigInt(job.id)];
      const batches = job.lane === "batch" ? new BatchResults(chain, gateways, places(job), told(job), signal) : null;
      const results = batches ?? new SettledResults(chain, id);
      const verdict = await verifyTask({ chain, gateways, results, onStep, signal }, id, chosen);
      setState({ kind: "done", verdict, evidence: batches?.evidence.get(chosen) ?? null, blocks, bytes });
      setVerdicts((old) => [...old.filter((it) => it.task !== verdict.task), verdict]);
    } catch (error) {
      if (error instanceof Stopped || controller.signal.aborted) setState({ kind: "stopped" });
      else setState({ kind: "failed", step, reason: (error as Error).message });
    }
  };

  return (
    <Card title={t("verify.title")}>
      <p class="quiet">{t(job.lane === "batch" ? "verify.lead_batch" : "verify.lead")}</p>
      <div class="row">
        <label for={id}>{t("verify.task")}</label>
        <input
          id={id}
          type="number"
          class="short"
          min={0}
          max={job.tasks - 1}
          value={chosen}
          onInput={(event) => setChosen(Math.max(0, Math.trunc(Number(event.currentTarget.value)) || 0))}
        />
        {state.kind === "running" ? (
          <button type="button" onClick={() => stop.current?.abort()}>
            {t("verify.stop")}
          </button>
        ) : (
          <button type="button" class="primary" onClick={() => void start()}>
            {t("verify.start", { task: chosen })}
          </button>
        )}
      </div>
      <div role="status" data-verify={state.kind === "done" ? (state.verdict.right ? "right" : "wrong") : state.kind}>
        <Outcome state={state} lane={job.lane} />
      </div>
      {state.kind === "done" && (
        <>
          {state.evidence && <Proof evidence={state.evidence} />}
          <Details verdict={state.verdict} evidence={state.evidence} blocks={state.blocks} bytes={state.bytes} />
        </>
      )}
      <EnergyTable job={job} verdicts={verdicts} />
    </Card>
  );
}

function places(job: JobDocument) {
  return { id: BigInt(job.id), postedBlock: job.posted_block };
}

/** The digests that the orchestrator tells: a receipt has 27 bytes of one, and an input's content is named by all 32. */
function told(job: JobDocument) {
  const results = new Map(job.task_list.map((task) => [task.task_index, task.result]));
  return async (task: number) => {
    const result = results.get(task);
    return await Promise.resolve(result ? fromHex(result) : null);
  };
}

/** Where the receipt stands; each of it was checked before the program ran. */
function Proof({ evidence }: { evidence: Evidence }) {
  const { orchestrator, batch, worker, slot, proofHashes, copies } = evidence;
  return (
    <Facts
      facts={[
        [t("verify.batch"), <a href={link.batch(orchestrator, batch)}>{t("batch.title", { number: batch })}</a>],
        [t("verify.signed_by"), <Name text={worker} href={link.worker(worker)} />],
        [t("verify.slot"), formatNumber(slot)],
        [t("verify.proof"), formatNumber(proofHashes)],
        [t("verify.copies"), formatNumber(copies)],
      ]}
    />
  );
}

function Outcome({ state, lane }: { state: State; lane: JobDocument["lane"] }) {
  switch (state.kind) {
    case "idle":
      return null;
    case "stopped":
      return <p class="wait">{t("verify.stopped")}</p>;
    case "running":
      return <StepList lane={lane} at={STEPS.indexOf(state.step)} />;
    case "failed":
      return (
        <>
          <StepList lane={lane} at={STEPS.indexOf(state.step)} />
          <p class="bad">{t("verify.failed", { reason: state.reason })}</p>
        </>
      );
    case "done":
      return (
        <>
          <StepList lane={lane} at={STEPS.length} />
          <p class={state.verdict.right ? "verdict good" : "verdict bad"}>
            {t(state.verdict.right ? "verify.right" : "verify.wrong")}
          </p>
        </>
      );
  }
}

function StepList({ lane, at }: { lane: JobDocument["lane"]; at: number }) {
  return (
    <ol class="steps">
      {STEPS.map((step, i) => (
        <li class={i < at ? "done" : i === at ? "now" : ""}>
          {t(step === "chain" && lane === "batch" ? "verify.step.receipt" : `verify.step.${step}`)}
        </li>
      ))}
    </ol>
  );
}

function Details({
  verdict,
  evidence,
  blocks,
  bytes,
}: {
  verdict: Verdict;
  evidence: Evidence | null;
  blocks: number;
  bytes: number;
}) {
  const { manifest: _, jobId, ...plain } = verdict;
  return (
    <>
      <Facts
        facts={[
          [t("verify.paid"), <Name text={verdict.paid} />],
          [t("verify.computed"), <Name text={verdict.computed} />],
          [t("verify.work"), formatNumber(verdict.workUnits)],
          [t("verify.seconds"), formatSeconds(verdict.seconds)],
          [t("verify.blocks"), formatNumber(blocks)],
          [t("verify.bytes"), formatBytes(bytes)],
          ...(verdict.failure ? ([[t("verify.failure"), <code>{verdict.failure}</code>]] as const) : []),
        ]}
      />
      <div class="row">
        <button
          type="button"
          onClick={() =>
            save(
              "verdict.json",
              "application/json",
              JSON.stringify({ job: String(jobId), ...plain, evidence }, null, 1),
            )
          }
        >
          {t("table.json")}
        </button>
      </div>
    </>
  );
}
