import { formatNumber, formatTokens } from "../ui/format";
import { Card, type Column, DataTable, Facts, Name } from "../ui/parts";
import { t, tData } from "../ui/words";
import {
  type BatchRecord,
  type Freshness,
  type Loss,
  useDocument,
  type WorkerBundle,
  type WorkerDocument,
  type WorkerLine,
} from "../api/documents";
import { link } from "./routes";
import { ShownDocument } from "./Shown";

export function WorkersPage() {
  const shown = useDocument<{ workers: readonly WorkerLine[]; block: Freshness }>("/v1/workers");
  return (
    <>
      <h1>{t("nav.workers")}</h1>
      <ShownDocument shown={shown}>
        {({ workers }) => (
          <Card title={t("nav.workers")}>
            {workers.length ? (
              <DataTable caption={t("nav.workers")} name="workers" columns={workerColumns()} rows={workers} />
            ) : (
              <p class="quiet">{t("worker.none")}</p>
            )}
          </Card>
        )}
      </ShownDocument>
    </>
  );
}

export function WorkerPage({ address }: { address: string }) {
  const shown = useDocument<WorkerDocument & { block?: never }>(`/v1/workers/${encodeURIComponent(address)}`);
  return (
    <>
      <h1>{t("worker.title")}</h1>
      <ShownDocument shown={shown}>
        {(worker) => (
          <>
            <Card title={worker.address}>
              <Facts
                facts={[
                  [t("worker.tasks_paid"), formatNumber(worker.tasks_paid)],
                  [t("worker.earned"), formatTokens(worker.earned)],
                  [t("worker.claims"), formatNumber(worker.claims)],
                  [t("worker.commits"), formatNumber(worker.commits)],
                  [t("worker.reveals"), formatNumber(worker.reveals)],
                  [t("worker.slashed"), formatTokens(worker.slashed)],
                  [t("worker.no_show_fees"), formatTokens(worker.no_show_fees)],
                ]}
              />
            </Card>
            {worker.batch_lane && <BatchLaneCard record={worker.batch_lane} />}
            <Card title={t("worker.reasons")}>
              {worker.reasons.length ? (
                <DataTable caption={t("worker.reasons")} name="losses" columns={lossColumns()} rows={worker.reasons} />
              ) : (
                <p class="quiet">{t("worker.no_losses")}</p>
              )}
            </Card>
          </>
        )}
      </ShownDocument>
    </>
  );
}

function BatchLaneCard({ record }: { record: BatchRecord }) {
  return (
    <Card title={t("lane.batch")}>
      {record.why_out && <p class="notice">{record.why_out}</p>}
      <Facts
        facts={[
          [t("worker.tasks_accepted"), formatNumber(record.tasks_accepted)],
          [t("worker.accepted"), formatTokens(record.accepted)],
          [t("worker.withdrawn"), formatTokens(record.withdrawn)],
        ]}
      />
      <DataTable
        caption={t("worker.bundles")}
        name="worker-bundles"
        columns={workerBundleColumns()}
        rows={record.bundles}
      />
    </Card>
  );
}

function workerBundleColumns(): Column<WorkerBundle>[] {
  return [
    {
      key: "job",
      label: t("job.id"),
      value: (it) => it.job_id,
      show: (it) => <a href={link.job(it.job_id)}>{t("job.title", { id: it.job_id })}</a>,
      isNumber: true,
    },
    {
      key: "batch",
      label: t("batch.one"),
      value: (it) => it.batch ?? "",
      show: (it) =>
        it.batch === null ? "–" : <a href={link.batch(it.orchestrator, it.batch)}>{formatNumber(it.batch)}</a>,
      isNumber: true,
    },
    { key: "state", label: t("batch.state"), value: (it) => it.state, show: (it) => tData("bundle", it.state) },
    {
      key: "receipts",
      label: t("batch.receipts"),
      value: (it) => it.receipts,
      show: (it) => formatNumber(it.receipts),
      isNumber: true,
    },
    {
      key: "amount",
      label: t("batch.amount"),
      value: (it) => it.amount,
      show: (it) => formatTokens(it.amount),
      isNumber: true,
    },
    {
      key: "tx",
      label: t("event.tx"),
      value: (it) => it.tx ?? "",
      show: (it) => (it.tx ? <Name text={it.tx} href={link.transaction(it.tx)} /> : "–"),
    },
  ];
}

function workerColumns(): Column<WorkerLine>[] {
  return [
    {
      key: "address",
      label: t("worker.address"),
      value: (it) => it.address,
      show: (it) => <Name text={it.address} href={link.worker(it.address)} />,
    },
    {
      key: "tasks_paid",
      label: t("worker.tasks_paid"),
      value: (it) => it.tasks_paid,
      show: (it) => formatNumber(it.tasks_paid),
      isNumber: true,
    },
    {
      key: "earned",
      label: t("worker.earned"),
      value: (it) => it.earned,
      show: (it) => formatTokens(it.earned),
      isNumber: true,
    },
    {
      key: "tasks_accepted",
      label: t("worker.tasks_accepted"),
      value: (it) => it.tasks_accepted,
      show: (it) => formatNumber(it.tasks_accepted),
      isNumber: true,
    },
    {
      key: "accepted",
      label: t("worker.accepted"),
      value: (it) => it.accepted,
      show: (it) => formatTokens(it.accepted),
      isNumber: true,
    },
    {
      key: "claims",
      label: t("worker.claims"),
      value: (it) => it.claims,
      show: (it) => formatNumber(it.claims),
      isNumber: true,
    },
    {
      key: "slashed",
      label: t("worker.slashed"),
      value: (it) => it.slashed,
      show: (it) => formatTokens(it.slashed),
      isNumber: true,
    },
    {
      key: "losses",
      label: t("worker.losses"),
      value: (it) => it.losses,
      show: (it) => formatNumber(it.losses),
      isNumber: true,
    },
  ];
}

function lossColumns(): Column<Loss>[] {
  const digest = (text: string | null) => (text ? <Name text={text} href={link.find(text)} /> : "–");
  return [
    {
      key: "reason",
      label: t("loss.reason"),
      value: (it) => it.reason,
      show: (it) => <span class="bad">{tData("reason", it.reason)}</span>,
    },
    {
      key: "task",
      label: t("event.task"),
      value: (it) => `${it.job_id}/${it.task_index}`,
      show: (it) => <a href={link.job(it.job_id, it.task_index)}>{`${it.job_id}/${it.task_index}`}</a>,
    },
    {
      key: "amount",
      label: t("loss.amount"),
      value: (it) => it.amount,
      show: (it) => formatTokens(it.amount),
      isNumber: true,
    },
    { key: "revealed", label: t("loss.revealed"), value: (it) => it.revealed ?? "", show: (it) => digest(it.revealed) },
    { key: "accepted", label: t("loss.accepted"), value: (it) => it.accepted ?? "", show: (it) => digest(it.accepted) },
    {
      key: "tx",
      label: t("event.tx"),
      value: (it) => it.tx,
      show: (it) => <Name text={it.tx} href={link.transaction(it.tx)} />,
    },
  ];
}
