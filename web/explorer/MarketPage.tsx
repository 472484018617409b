import { formatNumber, formatTokens } from "../ui/format";
import { Card, type Column, DataTable, Facts, Name } from "../ui/parts";
import { t, tData } from "../ui/words";
import { type Freshness, type JobLine, type Overview, useDocument } from "../api/documents";
import { link } from "./routes";
import { ShownDocument } from "./Shown";

export function MarketPage() {
  const overview = useDocument<Overview>("/v1/overview");
  const jobs = useDocument<{ jobs: readonly JobLine[]; block: Freshness }>("/v1/jobs");
  return (
    <>
      <h1>{t("market.title")}</h1>
      <p class="quiet">{t("market.lead")}</p>
      <ShownDocument
        shown={{ ...overview, document: overview.document && { ...overview.document, block: undefined as never } }}
      >
        {(it) => <Figures overview={it} />}
      </ShownDocument>
      <ShownDocument shown={jobs}>
        {(it) => (
          <Card title={t("jobs.title")}>
            {it.jobs.length ? (
              <DataTable caption={t("jobs.title")} name="jobs" columns={jobColumns()} rows={it.jobs} />
            ) : (
              <p class="quiet">{t("jobs.none")}</p>
            )}
          </Card>
        )}
      </ShownDocument>
    </>
  );
}

function Figures({
  overview: { supply, demand, slot_price: price, totals, batch_lane: lane },
}: {
  overview: Overview;
}) {
  const amount = (value: string | null) => (value === null ? "–" : formatTokens(value));
  return (
    <div class="columns">
      <Card title={t("market.supply")}>
        <Facts
          facts={[
            [t("market.workers_listening"), formatNumber(supply.workers_listening)],
            [t("market.workers_busy"), formatNumber(supply.workers_busy)],
            [t("market.workers_known"), formatNumber(supply.workers_known)],
          ]}
        />
      </Card>
      <Card title={t("market.demand")}>
        <Facts
          facts={[
            [t("market.jobs_open"), formatNumber(demand.jobs_open)],
            [t("market.tasks_waiting"), formatNumber(demand.tasks_waiting)],
            [t("market.slots_free"), formatNumber(demand.slots_free)],
            [t("market.tasks_revealing"), formatNumber(demand.tasks_revealing)],
          ]}
        />
      </Card>
      <Card title={t("market.price")}>
        <Facts
          facts={[
            [t("market.lowest"), amount(price.lowest)],
            [t("market.median"), amount(price.median)],
            [t("market.highest"), amount(price.highest)],
          ]}
        />
      </Card>
      <Card title={t("market.totals")}>
        <Facts
          facts={[
            [t("market.tasks_settled"), formatNumber(totals.tasks_settled)],
            [t("market.paid"), amount(totals.paid)],
            [t("market.refunded"), amount(totals.refunded)],
            [t("market.slashed"), amount(totals.slashed)],
          ]}
        />
      </Card>
      {lane && (
        <Card title={t("lane.batch")}>
          <Facts
            facts={[
              [t("market.lane_workers"), formatNumber(lane.workers)],
              [t("market.lane_waiting"), formatNumber(lane.tasks_waiting)],
              [t("market.lane_agreed"), formatNumber(lane.tasks_agreed)],
              [t("market.lane_posted"), formatNumber(lane.receipts_posted)],
              [t("batch.list"), <a href="#/batches">{formatNumber(lane.batches)}</a>],
              [t("market.lane_open"), formatNumber(lane.batches_open)],
              [t("dispute.list"), formatNumber(lane.disputes)],
              [t("worker.withdrawn"), amount(lane.withdrawn)],
            ]}
          />
        </Card>
      )}
    </div>
  );
}

function jobColumns(): Column<JobLine>[] {
  return [
    {
      key: "job",
      label: t("job.id"),
      value: (job) => job.id,
      show: (job) => <a href={link.job(job.id)}>{t("job.title", { id: job.id })}</a>,
    },
    { key: "lane", label: t("job.lane"), value: (job) => job.lane, show: (job) => tData("lane", job.lane) },
    { key: "kind", label: t("job.kind"), value: (job) => job.kind, show: (job) => job.kind || "–" },
    { key: "status", label: t("job.status"), value: (job) => job.status, show: (job) => tData("status", job.status) },
    {
      key: "done",
      label: t("job.progress"),
      value: (job) => job.settled + job.refunded,
      show: (job) => `${formatNumber(job.settled + job.refunded)} / ${formatNumber(job.tasks)}`,
      isNumber: true,
    },
    {
      key: "paid",
      label: t("job.paid"),
      value: (job) => job.paid,
      show: (job) => formatTokens(job.paid),
      isNumber: true,
    },
    {
      key: "requester",
      label: t("job.requester"),
      value: (job) => job.requester,
      show: (job) => <Name text={job.requester} href={link.find(job.requester)} />,
    },
  ];
}
