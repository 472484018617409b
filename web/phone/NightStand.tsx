import { useEffect, useRef, useState } from "preact/hooks";

import { formatTokens } from "../ui/format";
import { currentLanguage } from "../ui/i18n";
import { earnedInAll, type Shown } from "./shown";
import { say } from "./words";

/** Nearly black, kept on by a wake lock; what is lit moves a little every minute, so that no pixel wears out. */
export function NightStand({ shown, onLeave }: { shown: Shown; onLeave: () => void }) {
  const [minute, setMinute] = useState(() => Math.floor(Date.now() / 60_000));
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    button.current?.focus();
    const timer = setInterval(() => setMinute(Math.floor(Date.now() / 60_000)), 1000);
    return () => clearInterval(timer);
  }, []);
  const time = new Intl.DateTimeFormat(currentLanguage(), { timeStyle: "short" }).format(minute * 60_000);
  const waits = shown.mode === "working" && (shown.holds.length > 0 || shown.trouble !== null);
  return (
    <main class={`night at-${minute % 5}`}>
      <h1 class="hidden">{say("go.night")}</h1>
      <p class="time">{time}</p>
      <p>{formatTokens(earnedInAll(shown.earned))}</p>
      <p>{say(`state.${waits ? "waiting" : shown.mode}`)}</p>
      <button type="button" ref={button} onClick={onLeave}>
        {say("go.night_leave")}
      </button>
    </main>
  );
}
