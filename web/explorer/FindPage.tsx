import { useEffect, useState } from "preact/hooks";

import type { Hex } from "../protocol/bytes";
import { Card } from "../ui/parts";
import { t } from "../ui/words";
import { type Found, openChain, readDocument } from "../api/documents";
import { link } from "./routes";

interface Hit {
  readonly text: string;
  readonly href: string;
}

/** Where a text leads; to a single place at once. */
export function FindPage({ text }: { text: string }) {
  const [hits, setHits] = useState<readonly Hit[] | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    find(text).then(
      (found) => {
        const only = found.length === 1 ? found[0] : undefined;
        if (only) location.replace(only.href);
        else setHits(found);
      },
      (error: Error) => setProblem(error.message),
    );
  }, [text]);
  return (
    <>
      <h1>{t("search.title")}</h1>
      {problem && (
        <p class="notice" role="alert">
          {t("app.offline", { reason: problem })}
        </p>
      )}
      {!hits && !problem && <p role="status">{t("app.loading")}</p>}
      {hits?.length === 0 && <p role="status">{t("search.none", { text })}</p>}
      {hits && hits.length > 0 && (
        <Card title={text}>
          <ul>
            {hits.map((hit) => (
              <li>
                <a href={hit.href}>{hit.text}</a>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

async function find(text: string): Promise<Hit[]> {
  const task = /^(\d{1,15})\/(\d{1,6})$/.exec(text);
  if (task) return [taskHit(Number(task[1]), Number(task[2]))];
  const { found } = await readDocument<{ found: readonly Found[] }>(`/v1/find?q=${encodeURIComponent(text)}`);
  const hits = found.map(hitOf);
  if (!hits.length && /^0x[0-9a-f]{64}$/i.test(text) && (await (await openChain()).transaction(text as Hex))) {
    return [{ text: t("tx.title"), href: link.transaction(text) }];
  }
  return hits;
}

function hitOf({ kind, job_id: job = 0, task_index: task, address = "", orchestrator = "", number = 0 }: Found): Hit {
  if (kind === "batch") return { text: t("batch.title", { number }), href: link.batch(orchestrator, number) };
  if (kind === "orchestrator") return { text: t("batch.list"), href: "#/batches" };
  if (kind === "worker") return { text: t("worker.title"), href: link.worker(address) };
  return task === undefined ? { text: t("job.title", { id: job }), href: link.job(job) } : taskHit(job, task);
}

function taskHit(job: number, task: number): Hit {
  return { text: `${job}/${task}`, href: link.job(job, task) };
}
