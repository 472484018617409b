import { formatRelative, formatSeconds } from "../ui/format";
import { Card } from "../ui/parts";
import type { Hold, Question } from "./rules/guards";
import type { Shown } from "./shown";
import { say } from "./words";

const ASKS: Readonly<Partial<Record<Hold["code"], Question>>> = {
  ask_charging: "charging",
  ask_unmetered: "unmetered",
};

/** Every reason at once, the owner's own limits first: what is wrong, and what to do about it. */
export function WhyCard({
  shown: { mode, holds, trouble, lack },
  onAnswer,
}: {
  shown: Shown;
  onAnswer: (question: Question, ignore: boolean) => void;
}) {
  const stopped = mode === "stopped";
  return (
    <Card title={say("why.title")}>
      <ul class="reasons">
        {stopped && <li>{say("why.stopped")}</li>}
        {holds.map((hold) => {
          const question = ASKS[hold.code];
          return (
            <li key={hold.code}>
              <p>{say(`why.${hold.code}`, { when: hold.until === null ? "" : formatRelative(hold.until) })}</p>
              {question && (
                <div class="row">
                  <button type="button" onClick={() => onAnswer(question, false)}>
                    {say("answer.yes")}
                  </button>
                  <button type="button" onClick={() => onAnswer(question, true)}>
                    {say("answer.ignore")}
                  </button>
                </div>
              )}
            </li>
          );
        })}
        {trouble && (
          <li>
            {say(`why.${trouble.code}`, {
              reason: trouble.detail,
              task: trouble.task ?? "",
              time: trouble.code === "gap" ? formatSeconds(Number(trouble.detail)) : "",
            })}
          </li>
        )}
        {lack && <li>{say(`why.${lack.code}`, { reason: lack.detail })}</li>}
        {!stopped && !holds.length && !trouble && !lack && <li class="good">{say("why.nothing")}</li>}
      </ul>
    </Card>
  );
}
