import { useEffect, useState } from "preact/hooks";

import {
  API,
  type GridDocument,
  type JobDocument,
  openChain,
  readMarket,
  type ServiceUnavailable,
  useDocument,
} from "../api/documents";
import type { ChainJob } from "../chain/market";
import { Gateways } from "../content/gateway";
import type { Lane } from "../jobs/price";
import { formatNumber, formatTokens } from "../ui/format";
import { Card, Facts, PartsBar } from "../ui/parts";
import { readManifest } from "../verify/verifyTask";
import { batchCells, type Cell, CELLS, countCells, directCells, roundsDone, stragglers } from "./cells";
import { CurveCard } from "./CurveCard";
import { MoneyCard } from "./MoneyCard";
import { ResultCard } from "./ResultCard";
import { Results } from "./results";
import { say, type Word } from "./words";

const MOST_DRAWN = 2000;
const MOST_NAMED = 8;
const CHAIN_SECONDS = 2;
const ALL_BPS = 10_000n;

/** A job while it is being done: every task, what was spent of the escrow, who keeps it waiting, and the result. */
export function Board({ job }: { job: number }) {
  const { document, problem } = useDocument<JobDocument>(`/v1/jobs/${job}`, 1);
  const onChain = useChainJob(job);
  return (
    <>
      <h1>{say("job", { id: job })}</h1>
      <Problem job={job} problem={problem} />
      {onChain.problem && <p class="notice">{say("chain.silent", { reason: onChain.problem })}</p>}
      {!(document && onChain.found) && !problem && <p role="status">{say("loading")}</p>}
      {document && onChain.found?.lane === "direct" && (
        <Job
          job={document}
          onChain={onChain.found}
          cells={directCells(document.tasks, document.task_list)}
          status={document.status}
        />
      )}
      {document && onChain.found?.lane === "batch" && <BatchJob job={document} onChain={onChain.found} />}
    </>
  );
}

function Problem({ job, problem }: { job: number; problem: ServiceUnavailable | null }) {
  if (!problem) return null;
  return (
    <p class="notice" role="alert">
      {problem.status === 404 ? say("job.unknown", { id: job }) : say("offline", { reason: problem.message })}
    </p>
  );
}

/** The orchestrator tells how far tasks are; how many of them batches have brought on chain, the chain. */
function BatchJob({ job, onChain }: { job: JobDocument; onChain: OnChain }) {
  const { document: grid, problem } = useDocument<GridDocument>(`/v1/batch/jobs/${job.id}/grid`, 1);
  const cells = grid
    ? batchCells(grid.cells, onChain.covered)
    : directCells(job.tasks, []).map((cell, i) => (i < onChain.covered ? "paid" : cell));
  const isOver = cells.every((cell) => cell === "paid" || cell === "refunded");
  return (
    <>
      <Problem job={job.id} problem={problem?.status === 404 ? null : problem} />
      <Job job={job} onChain={onChain} cells={cells} status={isOver ? "finished" : job.status} />
    </>
  );
}

interface JobProps {
  readonly job: JobDocument;
  readonly onChain: OnChain;
  readonly cells: readonly Cell[];
  readonly status: string;
}

function Job({ job, onChain, cells, status }: JobProps) {
  const { terms, lane } = onChain;
  const counts = countCells(cells);
  const escrow = escrowOf(terms);
  const waiting = stragglers(cells, terms.tasksPerRound);
  const open = async () => await openResults(job.id, lane);
  return (
    <>
      <div class="columns">
        <Card title={say(`status.${status}` as Word)}>
          <Facts
            facts={[
              [say("lane"), say(`lane.${lane}`)],
              [
                say("done"),
                `${formatNumber(counts.agreed + counts.paid + counts.refunded)} / ${formatNumber(cells.length)}`,
              ],
              [
                say("spent"),
                `${formatTokens(escrow - terms.escrowLeft - BigInt(job.refunded_amount))} / ${formatTokens(escrow)}`,
              ],
              [say("refunded"), formatTokens(job.refunded_amount)],
              [say("stragglers"), waiting.length ? namesOf(waiting) : say("none")],
            ]}
          />
          {job.problem && <p class="notice">{job.problem}</p>}
          <a href={`../explorer/#/jobs/${job.id}`}>{say("explorer")}</a>
        </Card>
        <Card title={say("grid")}>
          <div class="grid" aria-hidden="true">
            {cells.slice(0, MOST_DRAWN).map((cell, index) => (
              <span class={`cell ${cell}`} title={`${index}`} />
            ))}
          </div>
          {cells.length > MOST_DRAWN && <p class="quiet">{say("grid.part", { count: formatNumber(MOST_DRAWN) })}</p>}
          <PartsBar
            caption={say("grid")}
            names={[say("state"), say("tasks")]}
            parts={CELLS.map((cell) => ({
              label: say(`cell.${cell}`),
              swatch: `cell ${cell}`,
              value: counts[cell],
              shown: formatNumber(counts[cell]),
            }))}
          />
        </Card>
      </div>
      {job.kind === "train" && (
        <CurveCard
          open={open}
          roundsDone={roundsDone(cells, terms.tasksPerRound)}
          tasksPerRound={terms.tasksPerRound}
        />
      )}
      <ResultCard job={job.id} lane={lane} isThere={isThere(cells)} open={open} />
      <MoneyCard job={job.id} isOver={status === "finished"} />
    </>
  );
}

interface OnChain {
  readonly lane: Lane;
  readonly terms: ChainJob;
  readonly covered: number;
}

/** The job's terms, what is left of its escrow and how many tasks are over, straight from a node. */
function useChainJob(job: number): { found: OnChain | null; problem: string } {
  const [shown, setShown] = useState<{ found: OnChain | null; problem: string }>({ found: null, problem: "" });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    const ask = async () => {
      try {
        const [chain, market] = await Promise.all([openChain(), readMarket()]);
        const terms = await chain.job(BigInt(job));
        const covered = await chain.finishedTasks(BigInt(job), terms.lane);
        const isBatch = terms.lane.toLowerCase() === market.contracts.batch_lane.toLowerCase();
        if (!isGone) setShown({ found: { lane: isBatch ? "batch" : "direct", terms, covered }, problem: "" });
      } catch (error) {
        if (!isGone) setShown(({ found }) => ({ found, problem: (error as Error).message }));
      }
      if (!isGone) timer = setTimeout(() => void ask(), CHAIN_SECONDS * 1000);
    };
    void ask();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [job]);
  return shown;
}

async function openResults(job: number, lane: Lane): Promise<Results> {
  const chain = await openChain();
  const gateways = new Gateways([API]);
  return new Results(chain, gateways, job, lane, await readManifest(gateways, await chain.manifestDigest(BigInt(job))));
}

/** Whether the last task has a result: with a reducer it is the job's, without one the others come before it. */
function isThere(cells: readonly Cell[]): boolean {
  return cells.at(-1) === "agreed" || cells.at(-1) === "paid";
}

function namesOf(tasks: readonly number[]): string {
  const named = tasks.slice(0, MOST_NAMED).map((index) => formatNumber(index));
  return [...named, ...(tasks.length > MOST_NAMED ? ["…"] : [])].join(" · ");
}

function escrowOf({ slotPrice, feeBps, slots, rounds, tasksPerRound }: ChainJob): bigint {
  const fee = (slotPrice * BigInt(feeBps) + ALL_BPS - 1n) / ALL_BPS;
  return (slotPrice + fee) * BigInt(slots * rounds * tasksPerRound);
}
