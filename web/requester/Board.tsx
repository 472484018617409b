import { useState } from "preact/hooks";

import { API, type JobDocument, openChain, type TaskLine, useDocument } from "../api/documents";
import { Gateways } from "../content/gateway";
import { outputBytes, outputCid } from "../protocol/shape";
import { totalTasks } from "../protocol/manifest";
import { formatNumber, formatTokens } from "../ui/format";
import { Card, Facts, PartsBar, save } from "../ui/parts";
import { t, tData } from "../ui/words";
import { readManifest } from "../verify/verifyTask";

const STATES = ["open", "claimed", "committed", "revealing", "disputed", "paid", "refunded"] as const;
type CellState = (typeof STATES)[number];

/** A job while it is being done: every task, what was spent of the escrow, who keeps it waiting, and the result. */
export function Board({ job }: { job: number }) {
  const { document, problem } = useDocument<JobDocument>(`/v1/jobs/${job}`, 1);
  return (
    <>
      <h1>{t("job.title", { id: job })}</h1>
      {problem && (
        <p class="notice" role="alert">
          {problem.status === 404 ? t("job.unknown", { id: job }) : t("app.offline", { reason: problem.message })}
        </p>
      )}
      {!document && !problem && <p role="status">{t("app.loading")}</p>}
      {document && <Job job={document} />}
    </>
  );
}

function Job({ job }: { job: JobDocument }) {
  const cells = job.task_list.map((task) => ({ task, state: stateOf(task) }));
  const parts = STATES.map((state) => ({
    label: t(`cell.${state}`),
    swatch: `cell ${state}`,
    value: cells.filter((cell) => cell.state === state).length,
  }));
  parts.push({ label: t("task.later"), swatch: "cell later", value: job.tasks - cells.length });
  const waiting = cells
    .filter(({ state }) => state === "open" || state === "claimed")
    .map(({ task }) => task.task_index);
  return (
    <>
      <div class="columns">
        <Card title={tData("status", job.status)}>
          <Facts
            facts={[
              [t("job.progress"), `${formatNumber(job.settled + job.refunded)} / ${formatNumber(job.tasks)}`],
              [t("req.spent"), `${formatTokens(job.paid)} / ${formatTokens(escrowOf(job))}`],
              [t("job.refunded"), formatTokens(job.refunded_amount)],
              [
                t("req.stragglers"),
                waiting.length
                  ? waiting
                      .slice(0, 8)
                      .map((index) => formatNumber(index))
                      .join(" · ")
                  : "–",
              ],
            ]}
          />
          {job.problem && <p class="notice">{job.problem}</p>}
          <a href={`../explorer/#/jobs/${job.id}`}>{t("app.explorer")}</a>
        </Card>
        <Card title={t("req.grid")}>
          <div class="grid" aria-hidden="true">
            {cells.slice(0, 2000).map(({ task, state }) => (
              <span class={`cell ${state}`} title={`${task.task_index}`} />
            ))}
          </div>
          <PartsBar
            caption={t("req.grid")}
            names={[t("task.status"), t("job.tasks")]}
            parts={parts.map((part) => ({ ...part, shown: formatNumber(part.value) }))}
          />
        </Card>
      </div>
      <ResultCard job={job} />
    </>
  );
}

/** The last reduce's bytes, by the digest that stands on chain; what does not hash to it is not taken. */
function ResultCard({ job }: { job: JobDocument }) {
  const [said, setSaid] = useState<{ right: boolean; text: string } | null>(null);
  const download = async () => {
    try {
      const chain = await openChain();
      const gateways = new Gateways([API]);
      const manifest = await readManifest(gateways, await chain.manifestDigest(BigInt(job.id)));
      const last = totalTasks(manifest) - 1;
      const digest = await chain.resultOf(BigInt(job.id), last);
      if (!digest) throw new Error(t("req.no_result"));
      const cid = await outputCid(manifest, last, digest);
      const bytes = await gateways.getFile(cid, outputBytes(manifest, last));
      save(`job-${job.id}.bin`, "application/octet-stream", bytes);
      setSaid({ right: true, text: t("req.result_right", { cid: String(cid) }) });
    } catch (error) {
      setSaid({ right: false, text: (error as Error).message });
    }
  };
  return (
    <Card title={t("req.result")}>
      <p class="quiet">{t("req.result_lead")}</p>
      <div class="row">
        <button type="button" class="primary" disabled={job.status !== "finished"} onClick={() => void download()}>
          {t("req.download")}
        </button>
      </div>
      <div role="status">{said && <p class={said.right ? "good" : "bad"}>{said.text}</p>}</div>
    </Card>
  );
}

/** A task's colour in the grid; `disputed` is one that revealed unequal results and was opened again. */
function stateOf(task: TaskLine): CellState {
  if (task.status === "settled") return "paid";
  if (task.status === "refunded") return "refunded";
  if (task.status === "revealing") return "revealing";
  if (task.wave > 0) return "disputed";
  if (task.claims.some(({ status }) => status === "committed")) return "committed";
  return task.claims.some(({ status }) => status === "claimed") ? "claimed" : "open";
}

function escrowOf({ terms, tasks }: JobDocument): bigint {
  const price = BigInt(terms.slot_price);
  const fee = (price * BigInt(terms.fee_bps) + 9_999n) / 10_000n;
  return (price + fee) * BigInt(terms.work_slots) * BigInt(tasks);
}
