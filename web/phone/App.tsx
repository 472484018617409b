import { useEffect, useReducer, useState } from "preact/hooks";

import { formatBytes, formatNumber, formatRelative, formatTokens } from "../ui/format";
import { useLanguage } from "../ui/i18n";
import { Card, Facts, LanguageChoice } from "../ui/parts";
import type { Agent } from "./agent";
import { KeyCard } from "./KeyCard";
import { LimitsCard } from "./LimitsCard";
import { NightStand } from "./NightStand";
import type { Question } from "./rules/guards";
import { energyOf, ratesOf } from "./rules/pace";
import { earnedInAll, type Shown } from "./shown";
import { WhyCard } from "./WhyCard";
import { say } from "./words";

export function App({ agent }: { agent: Agent }) {
  useLanguage();
  const shown = useShown(agent);
  const [night, setNight] = useState(false);
  useEffect(() => {
    document.title = say("page.title");
  });
  if (night) return <NightStand shown={shown} onLeave={() => (agent.night(false), setNight(false))} />;
  return (
    <div class="frame phone">
      <header class="top">
        <span class="brand">Edgebounty</span>
        <LanguageChoice label={say("page.language")} />
      </header>
      <main id="main" class="stack">
        <Notices shown={shown} />
        <Head agent={agent} shown={shown} onNight={() => (agent.night(true), setNight(true))} />
        {shown.mode !== "stopped" && <NowCard shown={shown} />}
        <WhyCard shown={shown} onAnswer={(question: Question, ignore) => agent.answer(question, ignore)} />
        <EarnedCard agent={agent} shown={shown} />
        <LimitsCard limits={shown.limits} onChange={(limits) => agent.setLimits(limits)} />
        <KeyCard agent={agent} shown={shown} />
        <EnergyCard agent={agent} shown={shown} />
      </main>
    </div>
  );
}

/** The state of the agent, and a second hand for the times that are told relative to now. */
function useShown(agent: Agent): Shown {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && again(undefined), 1000);
    const leave = agent.subscribe(() => again(undefined));
    return () => (clearInterval(timer), leave());
  }, [agent]);
  return agent.shown;
}

function Notices({ shown }: { shown: Shown }) {
  return (
    <>
      {shown.otherTab && (
        <p class="notice" role="alert">
          {say("page.other_tab")}
        </p>
      )}
      {!shown.lasting && <p class="notice">{say("page.no_storage")}</p>}
      {shown.lasting && !shown.wrapped && <p class="notice">{say("page.not_secure")}</p>}
    </>
  );
}

function Head({ agent, shown, onNight }: { agent: Agent; shown: Shown; onNight: () => void }) {
  const { mode, holds } = shown;
  const waits = mode === "working" && (holds.length > 0 || shown.trouble !== null || shown.step === "no_task");
  const state = mode === "working" && waits ? "waiting" : mode;
  return (
    <section class={`head ${state}`} aria-labelledby="state">
      <h1 class="hidden">{say("page.title")}</h1>
      <p class="state" id="state" role="status">
        <span class="dot" aria-hidden="true" />
        {say(`state.${state}`)}
      </p>
      <p class="amount">{formatTokens(earnedInAll(shown.earned))}</p>
      <p class="quiet">{say("earned.title")}</p>
      {mode === "stopped" ? (
        <button
          type="button"
          class="primary big"
          disabled={shown.otherTab || !shown.address}
          onClick={() => agent.start()}
        >
          {say("go.start")}
        </button>
      ) : (
        <div class="stops">
          <button type="button" class="big" disabled={mode === "finishing"} onClick={() => agent.finish()}>
            {say("go.finish")}
          </button>
          <button type="button" class="big stop" onClick={() => agent.stop()}>
            {say("go.stop")}
          </button>
        </div>
      )}
      {mode === "stopped" ? (
        <p class="quiet">{say("page.lead")}</p>
      ) : (
        <button type="button" class="plain" onClick={onNight}>
          {say("go.night")}
        </button>
      )}
      <p class="quiet small">{say("page.on_screen")}</p>
    </section>
  );
}

function NowCard({ shown: { step, task, lack } }: { shown: Shown }) {
  const values = { task: task?.index ?? "", job: task?.job ?? "" };
  // There is a task, and it is left alone for this reason.
  const left = step === "no_task" && lack && lack.code !== "unchecked" ? lack.code : null;
  return (
    <Card title={say("now.title")}>
      <p aria-live="polite">{left ? say(`why.${left}`) : say(`now.${step ?? "asking"}`, values)}</p>
      {step === "running" && <div class="going" aria-hidden="true" />}
      {task && <p class="quiet small">{say("now.task_ends", { when: formatRelative(task.until) })}</p>}
    </Card>
  );
}

function EarnedCard({ agent, shown }: { agent: Agent; shown: Shown }) {
  const { earned, slots } = shown;
  const rates = ratesOf(slots, Date.now() / 1000);
  return (
    <Card title={say("earned.title")}>
      <Facts
        facts={[
          [say("earned.available"), <strong class="good">{formatTokens(earned.available)}</strong>],
          [say("earned.checking"), formatTokens(earned.checking)],
          ...(earned.paidOut ? ([[say("earned.paid_out"), formatTokens(earned.paidOut)]] as const) : []),
          [say("earned.refused"), formatTokens(earned.refused)],
          ...(rates
            ? ([
                [say("rate.expected"), formatTokens(rates.expected)],
                [say("rate.actual"), formatTokens(rates.actual)],
              ] as const)
            : []),
        ]}
      />
      {!rates && <p class="quiet small">{say("rate.none")}</p>}
      <p class="quiet small">
        {earned.accepted ? say("earned.tasks", { count: formatNumber(earned.accepted) }) : say("earned.none")}
      </p>
      {earned.refusals.length > 0 && (
        <details>
          <summary>{say("earned.refused_why")}</summary>
          <ul class="evidence">
            {earned.refusals.map((it) => (
              <li>
                <p>{it.reason}</p>
                <code>{it.evidence}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
      <div class="row">
        <button type="button" disabled={earned.available === 0n} onClick={() => void agent.withdraw()}>
          {say("earned.withdraw")}
        </button>
        {earned.accepted > 0 && (
          <button type="button" onClick={() => agent.saveProof()}>
            {say("earned.owed")}
          </button>
        )}
      </div>
      {earned.accepted > 0 && <p class="quiet small">{say("earned.owed_lead")}</p>}
      {earned.available === 0n && earned.checking > 0n && <p class="quiet small">{say("earned.withdraw_wait")}</p>}
      {shown.withdrawn && <p role="status">{shown.withdrawn}</p>}
    </Card>
  );
}

function EnergyCard({ agent, shown }: { agent: Agent; shown: Shown }) {
  const energy = energyOf(shown.slots);
  const kilowattHours = (value: number) => `${formatNumber(value, { maximumSignificantDigits: 2 })} kWh`;
  const money = (value: number) => formatNumber(value, { minimumFractionDigits: 2, maximumSignificantDigits: 2 });
  return (
    <Card title={say("energy.title")}>
      <Facts
        facts={[
          ...(energy
            ? ([
                [say("energy.used"), kilowattHours(energy.joules / 3.6e6)],
                [say("energy.day"), kilowattHours(energy.kilowattHoursPerDay)],
                [say("energy.cost"), money(energy.kilowattHoursPerDay * shown.kilowattHourPrice)],
              ] as const)
            : []),
          [say("data.today"), formatBytes(shown.dataBytesToday)],
        ]}
      />
      {!energy && <p class="quiet small">{say("rate.none")}</p>}
      <label class="field">
        {say("energy.price")}
        <input
          type="number"
          inputMode="decimal"
          min="0"
          max="100"
          step="0.01"
          value={shown.kilowattHourPrice}
          onChange={({ currentTarget: { valueAsNumber: price } }) => price >= 0 && agent.setPrice(price)}
        />
      </label>
      <p class="quiet small">{say("energy.note")}</p>
    </Card>
  );
}
