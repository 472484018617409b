import { render } from "preact";

import { preferredLanguage, setLanguage } from "../ui/i18n";
import "../ui/style.css";
import { Agent } from "./agent";
import { App } from "./App";
import "./style.css";
import { HttpLane } from "./work/httpLane";

const root = document.getElementById("app");
if (root) void open(root);

async function open(root: HTMLElement): Promise<void> {
  const [agent] = await Promise.all([
    Agent.open((account) => new HttpLane(location.origin, account)),
    setLanguage(preferredLanguage()),
  ]);
  render(<App agent={agent} />, root);
  await painted();
  await agent.wakeUp();
  // Plain http has no service workers; the page then works all the same, only not without a network.
  await navigator.serviceWorker?.register("./serviceWorker.js").catch(() => undefined);
}

/** A slow phone shows the page before it makes a key. A page that is not on screen is never painted. */
async function painted(): Promise<void> {
  await new Promise<void>((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 200);
  });
}
