import { useState } from "preact/hooks";

import type { Lane } from "../jobs/price";
import { formatNumber } from "../ui/format";
import { Card, save } from "../ui/parts";
import { NoResult, type Results } from "./results";
import { say } from "./words";

interface ResultCardProps {
  readonly job: number;
  readonly lane: Lane;
  readonly isThere: boolean;
  readonly open: () => Promise<Results>;
}

/** The result's bytes, by the digest that the lane names; what does not hash to it is not taken. */
export function ResultCard({ job, lane, isThere, open }: ResultCardProps) {
  const [said, setSaid] = useState<{ isRight: boolean; texts: readonly string[] } | null>(null);
  const download = async () => {
    try {
      const results = await open();
      const { cid, count, content } = await results.all();
      save(`job-${job}.bin`, "application/octet-stream", content);
      const text = cid ? say("right", { cid: String(cid) }) : say("right.all", { count: formatNumber(count) });
      setSaid({ isRight: true, texts: cid ? [text] : [text, say("result.joined")] });
    } catch (error) {
      setSaid({ isRight: false, texts: [reasonOf(error)] });
    }
  };
  return (
    <Card title={say("result")}>
      <p class="quiet">{say(`result.${lane}`)}</p>
      <div class="row">
        <button type="button" class="primary" disabled={!isThere} onClick={() => void download()}>
          {say("download")}
        </button>
      </div>
      <div role="status">
        {said?.texts.map((text) => (
          <p class={said.isRight ? "good" : "bad"}>{text}</p>
        ))}
      </div>
    </Card>
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof NoResult)) return (error as Error).message;
  const { task, failure } = error;
  return failure ? say("task_failed", { task: formatNumber(task), failure }) : say("no_result");
}
