import {
  type BatchDocument,
  type BatchEvent,
  type BatchLine,
  type BundleLine,
  type Dispute,
  type Freshness,
  useDocument,
} from "../api/documents";
import { formatNumber, formatRelative, formatTime, formatTokens } from "../ui/format";
import { Card, type Column, DataTable, Facts, Name } from "../ui/parts";
import { t, tData } from "../ui/words";
import { link } from "./routes";
import { ShownDocument } from "./Shown";

/** All batches, and whatever was proven, demanded and claimed about them. */
export function BatchesPage() {
  const batches = useDocument<{ batches: readonly BatchLine[]; block: Freshness }>("/v1/batches");
  const disputes = useDocument<{ disputes: readonly Dispute[]; block: Freshness }>("/v1/disputes");
  return (
    <>
      <h1>{t("batch.list")}</h1>
      <p class="quiet">{t("batch.lead")}</p>
      <ShownDocument shown={batches}>
        {(it) => (
          <Card title={t("batch.list")}>
            {it.batches.length ? (
              <BatchTable name="batches" batches={it.batches} />
            ) : (
              <p class="quiet">{t("batch.none")}</p>
            )}
          </Card>
        )}
      </ShownDocument>
      <ShownDocument
        shown={{ ...disputes, document: disputes.document && { ...disputes.document, block: undefined as never } }}
      >
        {(it) => <Disputes name="disputes" disputes={it.disputes} />}
      </ShownDocument>
    </>
  );
}

export function BatchPage({ orchestrator, number }: { orchestrator: string; number: number }) {
  const shown = useDocument<BatchDocument>(`/v1/batches/${encodeURIComponent(orchestrator)}/${number}`);
  if (shown.problem?.status === 404) return <p role="alert">{t("batch.unknown", { number })}</p>;
  return (
    <>
      <h1>{t("batch.title", { number })}</h1>
      <ShownDocument shown={shown}>{(it) => <Batch batch={it} />}</ShownDocument>
    </>
  );
}

export function BatchTable({ name, batches }: { name: string; batches: readonly BatchLine[] }) {
  return <DataTable caption={t("batch.list")} name={name} columns={batchColumns()} rows={batches} />;
}

function Batch({ batch }: { batch: BatchDocument }) {
  const { header } = batch;
  return (
    <>
      <div class="columns">
        <Card title={tData("batch", batch.state)}>
          <p class="quiet">{tData("batch_means", batch.state)}</p>
          <Facts
            facts={[
              [t("job.id"), <a href={link.job(batch.job_id)}>{t("job.title", { id: batch.job_id })}</a>],
              [t("batch.tasks"), tasksOf(batch)],
              [t("batch.receipts"), formatNumber(batch.receipts)],
              [t("batch.bundles"), formatNumber(batch.bundles)],
              [t("batch.struck"), formatNumber(batch.struck)],
              [t("batch.posted"), <Time at={batch.posted} />],
              [t("batch.window"), <Time at={batch.window_ends} />],
              [t("batch.bond"), formatTokens(batch.bond)],
              [t("batch.bond_lost"), formatTokens(batch.bond_lost)],
            ]}
          />
        </Card>
        <Card title={t("batch.header")}>
          <Facts
            facts={[
              [t("job.orchestrator"), <Name text={batch.orchestrator} href={link.find(batch.orchestrator)} />],
              [t("event.tx"), <Name text={batch.tx} href={link.transaction(batch.tx)} />],
              [t("batch.data"), batch.data_cid ? <Name text={batch.data_cid} /> : t("batch.calldata")],
              [t("batch.header_hash"), <Name text={batch.header_hash} />],
              [t("batch.bundles_root"), <Name text={String(header["bundlesRoot"])} />],
              [t("batch.payouts_root"), <Name text={String(header["payoutsRoot"])} />],
              [t("batch.payouts"), formatNumber(Number(header["payoutCount"]))],
              [t("batch.previous"), <Name text={String(header["previous"])} />],
            ]}
          />
        </Card>
      </div>
      <Card title={t("batch.bundles")}>
        {batch.bundle_list.length ? (
          <DataTable
            caption={t("batch.bundles")}
            name={`batch-${batch.number}-bundles`}
            columns={bundleColumns(batch.job_id)}
            rows={batch.bundle_list}
          />
        ) : (
          <p class="quiet">{t("batch.others")}</p>
        )}
      </Card>
      <Disputes name={`batch-${batch.number}-disputes`} disputes={batch.disputes} />
      <Card title={t("batch.events")}>
        <DataTable
          caption={t("batch.events")}
          name={`batch-${batch.number}-events`}
          columns={eventColumns()}
          rows={batch.events}
        />
      </Card>
    </>
  );
}

function Disputes({ name, disputes }: { name: string; disputes: readonly Dispute[] }) {
  return (
    <Card title={t("dispute.list")}>
      {disputes.length ? (
        <DataTable caption={t("dispute.list")} name={name} columns={disputeColumns()} rows={disputes} />
      ) : (
        <p class="quiet">{t("dispute.none")}</p>
      )}
    </Card>
  );
}

function Time({ at }: { at: number }) {
  return <time title={formatTime(at)}>{formatRelative(at)}</time>;
}

function tasksOf({ first_task: first, end_task: end }: BatchLine): string {
  return t("batch.range", { first: formatNumber(first), last: formatNumber(end - 1) });
}

function batchColumns(): Column<BatchLine>[] {
  return [
    {
      key: "batch",
      label: t("batch.one"),
      value: (it) => it.number,
      show: (it) => <a href={link.batch(it.orchestrator, it.number)}>{t("batch.title", { number: it.number })}</a>,
      isNumber: true,
    },
    {
      key: "orchestrator",
      label: t("job.orchestrator"),
      value: (it) => it.orchestrator,
      show: (it) => <Name text={it.orchestrator} />,
    },
    {
      key: "job",
      label: t("job.id"),
      value: (it) => it.job_id,
      show: (it) => <a href={link.job(it.job_id)}>{t("job.title", { id: it.job_id })}</a>,
      isNumber: true,
    },
    { key: "first_task", label: t("batch.tasks"), value: (it) => it.first_task, show: tasksOf, isNumber: true },
    {
      key: "receipts",
      label: t("batch.receipts"),
      value: (it) => it.receipts,
      show: (it) => formatNumber(it.receipts),
      isNumber: true,
    },
    {
      key: "state",
      label: t("batch.state"),
      value: (it) => it.state,
      show: (it) => (
        <span class={it.state === "void" || it.state === "rewound" || it.struck ? "bad" : ""}>
          {tData("batch", it.state)}
        </span>
      ),
    },
    {
      key: "struck",
      label: t("batch.struck"),
      value: (it) => it.struck,
      show: (it) => formatNumber(it.struck),
      isNumber: true,
    },
    {
      key: "window_ends",
      label: t("batch.window"),
      value: (it) => it.window_ends,
      show: (it) => <Time at={it.window_ends} />,
      isNumber: true,
    },
    {
      key: "data",
      label: t("batch.data"),
      value: (it) => it.data_cid ?? "calldata",
      show: (it) => (it.data_cid ? <Name text={it.data_cid} /> : t("batch.calldata")),
    },
    {
      key: "tx",
      label: t("event.tx"),
      value: (it) => it.tx,
      show: (it) => <Name text={it.tx} href={link.transaction(it.tx)} />,
    },
  ];
}

function bundleColumns(job: number): Column<BundleLine>[] {
  return [
    {
      key: "position",
      label: t("batch.position"),
      value: (it) => it.position,
      show: (it) => formatNumber(it.position),
      isNumber: true,
    },
    {
      key: "worker",
      label: t("worker.title"),
      value: (it) => it.worker,
      show: (it) => <Name text={it.worker} href={link.worker(it.worker)} />,
    },
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
      key: "struck",
      label: t("batch.struck_by"),
      value: (it) => it.struck_by ?? "",
      show: (it) => (it.struck_by ? <Name text={it.struck_by} /> : "–"),
    },
    {
      key: "tasks",
      label: t("verify.title"),
      value: (it) => it.tasks.join(" "),
      show: (it) => {
        const [task] = it.tasks;
        if (task === undefined || it.struck_by) return "–";
        return <a href={link.job(job, task)}>{t("verify.start", { task })}</a>;
      },
    },
  ];
}

function eventColumns(): Column<BatchEvent>[] {
  return [
    {
      key: "time",
      label: t("batch.when"),
      value: (it) => it.time,
      show: (it) => <Time at={it.time} />,
      isNumber: true,
    },
    { key: "event", label: t("event.name"), value: (it) => it.name, show: (it) => tData("event", it.name) },
    {
      key: "by",
      label: t("event.account"),
      value: (it) => it.by ?? "",
      show: (it) => (it.by ? <Name text={it.by} href={link.find(it.by)} /> : "–"),
    },
    {
      key: "amount",
      label: t("loss.amount"),
      value: (it) => it.amount ?? "",
      show: (it) => (it.amount === null ? "–" : formatTokens(it.amount)),
      isNumber: true,
    },
    {
      key: "tx",
      label: t("event.tx"),
      value: (it) => it.tx,
      show: (it) => <Name text={it.tx} href={link.transaction(it.tx)} />,
    },
  ];
}

function disputeColumns(): Column<Dispute>[] {
  return [
    { key: "kind", label: t("dispute.kind"), value: (it) => it.kind, show: (it) => tData("dispute", it.kind) },
    {
      key: "state",
      label: t("batch.state"),
      value: (it) => it.state,
      show: (it) => <span class={it.state === "proven" ? "bad" : ""}>{tData("dispute_state", it.state)}</span>,
    },
    {
      key: "batch",
      label: t("batch.one"),
      value: (it) => it.batch ?? "",
      show: (it) =>
        it.batch === null ? (
          "–"
        ) : (
          <a href={link.batch(it.against, it.batch)}>{t("batch.title", { number: it.batch })}</a>
        ),
      isNumber: true,
    },
    {
      key: "by",
      label: t("dispute.by"),
      value: (it) => it.by,
      show: (it) => <Name text={it.by} href={link.find(it.by)} />,
    },
    {
      key: "opened",
      label: t("batch.when"),
      value: (it) => it.opened,
      show: (it) => <Time at={it.opened} />,
      isNumber: true,
    },
    {
      key: "deadline",
      label: t("dispute.deadline"),
      value: (it) => it.deadline ?? "",
      show: (it) => (it.deadline === null ? "–" : <Time at={it.deadline} />),
      isNumber: true,
    },
    {
      key: "amount",
      label: t("dispute.amount"),
      value: (it) => it.amount,
      show: (it) => formatTokens(it.amount),
      isNumber: true,
    },
    {
      key: "tx",
      label: t("event.tx"),
      value: (it) => it.ended_tx ?? it.tx,
      show: (it) => <Name text={it.ended_tx ?? it.tx} href={link.transaction(it.ended_tx ?? it.tx)} />,
    },
  ];
}
