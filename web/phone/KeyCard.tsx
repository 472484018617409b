import { useState } from "preact/hooks";

import { EdgebountyError, Malformed } from "../protocol/errors";
import { Card, Name, save } from "../ui/parts";
import type { Agent } from "./agent";
import type { Shown } from "./shown";
import { say, type Word } from "./words";

export function KeyCard({ agent, shown }: { agent: Agent; shown: Shown }) {
  return (
    <Card title={say("key.title")}>
      <p>
        <span class="quiet">{say("key.address")}</span> {shown.address && <Name text={shown.address} />}
      </p>
      <p class="quiet small">{say(shown.wrapped ? "key.wrapped" : "key.plain")}</p>
      <Payout agent={agent} shown={shown} />
      <Backup agent={agent} />
      <details>
        <summary>{say("key.restore")}</summary>
        <Restore agent={agent} />
      </details>
    </Card>
  );
}

function Payout({ agent, shown: { payout } }: { agent: Agent; shown: Shown }) {
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const saved = await agent.setPayout(text);
      setAnswer(saved.checked ? "" : say("key.payout_unchecked"));
      setText("");
    } catch (error) {
      const reason = error instanceof Malformed ? error.message.replace(/^address: /, "") : String(error);
      setAnswer(say("key.payout_wrong", { reason }));
    }
  };
  return (
    <form class="stack" id="payout" onSubmit={(event) => void submit(event)}>
      <label class="field tall">
        {say("key.payout")}
        <input
          name="payout"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          maxLength={64}
          placeholder="0x…"
          dir="ltr"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <p class="quiet small">{say("key.payout_lead")}</p>
      <button type="submit" disabled={!text.trim()}>
        {say("key.payout_save")}
      </button>
      <p role="status">
        {answer} {payout && <bdi>{say("key.payout_saved", { address: payout.address })}</bdi>}
      </p>
    </form>
  );
}

function Backup({ agent }: { agent: Agent }) {
  const [password, setPassword] = useState("");
  const [answer, setAnswer] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      save("edgebounty-key.json", "application/json", await agent.backUp(password));
      setPassword("");
      setAnswer(say("key.backup_done"));
    } catch (error) {
      setAnswer(explain(error));
    }
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <p class="quiet small">{say("key.lasting")}</p>
      <Password value={password} isNew onInput={setPassword} />
      <button type="submit" disabled={!password}>
        {say("key.backup")}
      </button>
      <p role="status">{answer}</p>
    </form>
  );
}

function Restore({ agent }: { agent: Agent }) {
  const [file, setFile] = useState<File | null>(null);
  const [password, setPassword] = useState("");
  const [answer, setAnswer] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const text = file && file.size < 10_000 ? await file.text() : "";
      setAnswer(say("key.restored", { address: await agent.restore(text, password) }));
      setPassword("");
    } catch (error) {
      setAnswer(explain(error));
    }
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <label class="field tall">
        {say("key.restore_file")}
        <input
          type="file"
          accept=".json,application/json"
          onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
        />
      </label>
      <Password value={password} onInput={setPassword} />
      <button type="submit" disabled={!file || !password}>
        {say("key.restore_do")}
      </button>
      <p role="status">{answer}</p>
    </form>
  );
}

function Password({
  value,
  isNew = false,
  onInput,
}: {
  value: string;
  isNew?: boolean;
  onInput: (value: string) => void;
}) {
  return (
    <label class="field tall">
      {say("key.password")}
      <input
        type="password"
        autocomplete={isNew ? "new-password" : "current-password"}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

function explain(error: unknown): string {
  const word = error instanceof EdgebountyError ? `error.${error.code}` : "";
  const known: readonly string[] = [
    "error.backup_unreadable",
    "error.backup_password",
    "error.password_short",
    "error.backup_impossible",
  ];
  return known.includes(word) ? say(word as Word) : String(error);
}
