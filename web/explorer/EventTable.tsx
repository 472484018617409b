import type { ChainEvent } from "../chain/market";
import { formatNumber } from "../ui/format";
import { type Column, DataTable, Name } from "../ui/parts";
import { t, tData } from "../ui/words";
import { link } from "./routes";

/** What happened, step by step, with the transaction of every step. */
export function EventTable({
  caption,
  name,
  events,
}: {
  caption: string;
  name: string;
  events: readonly ChainEvent[];
}) {
  return <DataTable caption={caption} name={name} columns={columns()} rows={events} />;
}

function columns(): Column<ChainEvent>[] {
  return [
    {
      key: "block",
      label: t("event.time"),
      value: (it) => it.block,
      show: (it) => formatNumber(it.block),
      isNumber: true,
    },
    { key: "event", label: t("event.name"), value: (it) => it.name, show: (it) => tData("event", it.name) },
    { key: "task", label: t("event.task"), value: (it) => taskOf(it) ?? "", show: (it) => <TaskOf event={it} /> },
    {
      key: "account",
      label: t("event.account"),
      value: accountOf,
      show: (it) => (accountOf(it) ? <Name text={accountOf(it)} href={link.find(accountOf(it))} /> : "–"),
    },
    {
      key: "transaction",
      label: t("event.tx"),
      value: (it) => it.transaction,
      show: (it) => <Name text={it.transaction} href={link.transaction(it.transaction)} />,
    },
  ];
}

function TaskOf({ event }: { event: ChainEvent }) {
  const task = taskOf(event);
  const job = event.args["jobId"];
  if (task === null || typeof job !== "bigint") return <>–</>;
  return <a href={link.job(job, task)}>{formatNumber(task)}</a>;
}

function taskOf(event: ChainEvent): number | null {
  const task = event.args["taskIndex"];
  return typeof task === "number" ? task : null;
}

function accountOf(event: ChainEvent): string {
  for (const name of ["worker", "requester", "account"]) {
    const value = event.args[name];
    if (typeof value === "string") return value;
  }
  return "";
}
