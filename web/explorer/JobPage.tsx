import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { ChainEvent } from "../chain/market";
import { Cid, RAW } from "../protocol/cid";
import { fromHex } from "../protocol/bytes";
import { formatNumber, formatRelative, formatSeconds, formatTime, formatTokens } from "../ui/format";
import { Card, type Column, DataTable, Facts, Name, PartsBar } from "../ui/parts";
import { t, tData } from "../ui/words";
import { type JobDocument, openChain, type TaskLine, useDocument } from "../api/documents";
import { BatchTable } from "./BatchPages";
import { EventTable } from "./EventTable";
import { link } from "./routes";
import { ShownDocument } from "./Shown";
import { VerifyCard } from "./VerifyCard";

const STATES = {
  direct: ["settled", "revealing", "filling", "refunded"],
  batch: ["agreed", "closed", "open", "given_up"],
} as const;

export function JobPage({ job, task }: { job: number; task: number | null }) {
  const shown = useDocument<JobDocument>(`/v1/jobs/${job}`);
  if (shown.problem?.status === 404) return <p role="alert">{t("job.unknown", { id: job })}</p>;
  return (
    <>
      <h1>{t("job.title", { id: job })}</h1>
      <ShownDocument shown={shown}>{(it) => <Job job={it} task={task} />}</ShownDocument>
    </>
  );
}

function Job({ job, task }: { job: JobDocument; task: number | null }) {
  const timeline = useTimeline(job);
  const firstSettled = job.task_list.find(canVerify)?.task_index ?? 0;
  return (
    <>
      <div class="columns">
        <Card title={tData("status", job.status)}>
          <Facts facts={factsOf(job, timeline)} />
          {job.problem && <p class="notice">{job.problem}</p>}
        </Card>
        <Card title={t("job.states")}>
          <PartsBar caption={t("job.states")} names={[t("task.status"), t("job.tasks")]} parts={partsOf(job)} />
        </Card>
      </div>
      <VerifyCard job={job} task={task ?? firstSettled} />
      <Card title={t("job.task_list")}>
        <DataTable
          caption={t("job.task_list")}
          name={`job-${job.id}-tasks`}
          columns={taskColumns(job)}
          rows={job.task_list}
        />
      </Card>
      {job.batch_list && (
        <Card title={t("batch.list")}>
          <BatchTable name={`job-${job.id}-batches`} batches={job.batch_list} />
        </Card>
      )}
      <Card title={t("job.timeline")}>
        <p class="quiet">{t("job.timeline_lead")}</p>
        {timeline.problem && <p class="notice">{timeline.problem}</p>}
        <EventTable caption={t("job.timeline")} name={`job-${job.id}-timeline`} events={timeline.events} />
      </Card>
    </>
  );
}

interface Timeline {
  readonly events: readonly ChainEvent[];
  readonly firstClaimSeconds: number | null;
  readonly problem: string;
}

/** The job's events from the chain's node, read again whenever the job has moved. */
function useTimeline(job: JobDocument): Timeline {
  const [timeline, setTimeline] = useState<Timeline>({ events: [], firstClaimSeconds: null, problem: "" });
  const moves = job.task_list.reduce((sum, task) => sum + task.claims.length, job.batch_list?.length ?? 0);
  useEffect(() => {
    readTimeline(job).then(setTimeline, (error: Error) => setTimeline((old) => ({ ...old, problem: error.message })));
  }, [job.id, job.status, job.settled, job.refunded, moves]);
  return timeline;
}

async function readTimeline(job: JobDocument): Promise<Timeline> {
  const chain = await openChain();
  const events = await chain.eventsOfJob(BigInt(job.id), job.posted_block);
  const posted = events.find(({ name }) => name === "JobPosted");
  const claimed = events.find(({ name }) => name === "TaskClaimed");
  const seconds =
    posted && claimed ? (await chain.blockTime(claimed.block)) - (await chain.blockTime(posted.block)) : null;
  return { events, firstClaimSeconds: seconds, problem: "" };
}

function factsOf(job: JobDocument, timeline: Timeline): [string, ComponentChildren][] {
  const manifest = String(new Cid(RAW, fromHex(job.manifest_digest)));
  return [
    [t("job.kind"), job.kind || "–"],
    [t("job.lane"), tData("lane", job.lane)],
    [t("job.progress"), `${formatNumber(job.settled + job.refunded)} / ${formatNumber(job.tasks)}`],
    [t("job.rounds"), formatNumber(job.terms.rounds)],
    [t("job.quorum"), formatNumber(job.terms.quorum)],
    [t("job.slot_price"), formatTokens(job.terms.slot_price)],
    [t("job.paid"), formatTokens(job.paid)],
    [t("job.refunded"), formatTokens(job.refunded_amount)],
    [t("job.deadline"), <time title={formatTime(job.deadline)}>{formatRelative(job.deadline)}</time>],
    [t("job.task_time"), formatSeconds(job.terms.task_time)],
    [t("job.first_claim"), timeline.firstClaimSeconds === null ? "–" : formatSeconds(timeline.firstClaimSeconds)],
    [t("job.requester"), <Name text={job.requester} href={link.find(job.requester)} />],
    [t("job.manifest"), <Name text={manifest} />],
  ];
}

function partsOf(job: JobDocument) {
  const counts = new Map<string, number>();
  for (const task of job.task_list) counts.set(task.status, (counts.get(task.status) ?? 0) + 1);
  const parts = STATES[job.lane].map((state) => ({ label: t(`task.${state}`), value: counts.get(state) ?? 0 }));
  const untouched = job.tasks - job.task_list.length;
  if (job.lane === "direct") parts.push({ label: t("task.later"), value: untouched });
  else parts.push({ label: t("task.untouched"), value: untouched });
  return parts.map((part) => ({ ...part, shown: formatNumber(part.value) }));
}

/** Whether something of it stands on chain that can be checked. */
function canVerify(task: TaskLine): boolean {
  return task.status === "settled" || (task.status === "agreed" && typeof task.batch === "number");
}

function taskColumns(job: JobDocument): Column<TaskLine>[] {
  const orchestrator = job.batch_list?.[0]?.orchestrator ?? job.orchestrator;
  const paidBy: Column<TaskLine>[] = [
    {
      key: "batch",
      label: t("batch.one"),
      value: (it) => it.batch ?? "",
      show: (it) =>
        typeof it.batch === "number" ? <a href={link.batch(orchestrator, it.batch)}>{formatNumber(it.batch)}</a> : "–",
      isNumber: true,
    },
  ];
  return [
    {
      key: "task",
      label: t("task.index"),
      value: (it) => it.task_index,
      show: (it) => formatNumber(it.task_index),
      isNumber: true,
    },
    { key: "status", label: t("task.status"), value: (it) => it.status, show: (it) => tData("task", it.status) },
    {
      key: "workers",
      label: t("task.claims"),
      value: (it) => it.claims.map((claim) => claim.worker).join(" "),
      show: (it) => <Claims task={it} />,
    },
    {
      key: "result",
      label: t("task.result"),
      value: (it) => it.result ?? "",
      show: (it) => (it.result ? <Name text={it.result} /> : "–"),
    },
    ...(job.lane === "batch" ? paidBy : []),
    {
      key: "check",
      label: t("verify.title"),
      value: () => "",
      show: (it) =>
        canVerify(it) ? (
          <a href={link.job(job.id, it.task_index)}>{t("verify.start", { task: it.task_index })}</a>
        ) : (
          "–"
        ),
    },
  ];
}

function Claims({ task }: { task: TaskLine }) {
  if (!task.claims.length) return <>{task.taken ? t("task.taken", { count: formatNumber(task.taken) }) : "–"}</>;
  return (
    <ul class="plain">
      {task.claims.map((claim) => (
        <li>
          <Name text={claim.worker} href={link.worker(claim.worker)} />{" "}
          <span class={claim.status.startsWith("slashed") ? "bad" : "quiet"}>{tData("claim", claim.status)}</span>
        </li>
      ))}
    </ul>
  );
}
