import { useEffect, useState } from "preact/hooks";

import { MEMORY_BYTES, type ProgramPair, WORK_UNITS } from "../jobs/assemble";
import { paramNames, planOwn, withEqualState } from "../jobs/planOwn";
import type { Bytes } from "../protocol/bytes";
import { EMPTY } from "../protocol/bytes";
import { DeviceExhausted } from "../runner/errors";
import { checkModule } from "../runner/inspect";
import { runTask } from "../runner/runTask";
import { formatNumber, formatSeconds } from "../ui/format";
import { FileField, NumberField } from "./fields";
import type { Planning } from "./PostForm";
import { say } from "./words";

const TRY_SECONDS = 20;

/**
 * A program of one's own. Before it can be posted its first task runs here, in the sandbox that workers use: what breaks
 * the rules, traps or fails is refused with the reason, not posted and paid for.
 */
export function OwnFields({ onPlanning }: { onPlanning: (planning: Planning) => void }) {
  const [program, setProgram] = useState<Bytes | null>(null);
  const [reducer, setReducer] = useState<Bytes | null>(null);
  const [shards, setShards] = useState<readonly Bytes[]>([]);
  const [rounds, setRounds] = useState(1);
  const [params, setParams] = useState<Readonly<Record<string, number>>>({});
  const [tried, setTried] = useState("");
  const names = namesOf(program && { program, reducer });
  useEffect(() => {
    const gone = new AbortController();
    onPlanning(null);
    setTried("");
    if (program && shards.length) {
      const wanted = { shards, rounds, params: Object.fromEntries(names.map((name) => [name, params[name] ?? 0])) };
      tryAndPlan({ program, reducer }, wanted, gone.signal).then(
        ({ planned, text }) => {
          if (gone.signal.aborted) return;
          setTried(text);
          onPlanning(planned);
        },
        (error: Error) => !gone.signal.aborted && onPlanning({ problem: error.message }),
      );
    } else if (program) {
      const problem = problemOf(program);
      if (problem) onPlanning({ problem });
    }
    return () => gone.abort();
  }, [program, reducer, shards, rounds, params]);

  return (
    <>
      <FileField label={say("program")} accept=".wasm,application/wasm" onFiles={takeOne(setProgram)} />
      <FileField label={say("reducer")} accept=".wasm,application/wasm" onFiles={takeOne(setReducer)} />
      <FileField
        label={say("files")}
        accept=""
        isMany
        onFiles={async (files) => setShards(await Promise.all(files.map(bytesOf)))}
      />
      {reducer && <NumberField label={say("rounds")} least={1} value={rounds} onValue={setRounds} />}
      {names.map((name) => (
        <NumberField
          key={name}
          label={say("param", { name })}
          least={Number.NEGATIVE_INFINITY}
          isWhole={false}
          value={params[name] ?? 0}
          onValue={(value) => setParams((old) => ({ ...old, [name]: value }))}
        />
      ))}
      <div role="status">{tried && <p class="good">{tried}</p>}</div>
    </>
  );
}

/** Plans the job and runs its first task. Throws what says why it cannot be posted. */
async function tryAndPlan(own: ProgramPair, wanted: Parameters<typeof planOwn>[1], signal: AbortSignal) {
  checkModule(own.program, MEMORY_BYTES);
  if (own.reducer) checkModule(own.reducer, MEMORY_BYTES);
  const planned = await planOwn(own, wanted);
  const work = {
    module: withEqualState(own).program,
    state: planned.manifest.stateBytes ? new Uint8Array(planned.manifest.stateBytes) : EMPTY,
    shard: wanted.shards[0] ?? EMPTY,
    inputs: [],
    params: wanted.params,
    workLimit: WORK_UNITS,
    memoryBytes: MEMORY_BYTES,
  };
  try {
    const { failure, seconds, workUnits } = await runTask(work, TRY_SECONDS, signal);
    if (failure) throw new Error(say("try.failed", { failure }));
    return { planned, text: say("try.right", { seconds: formatSeconds(seconds), work: formatNumber(workUnits) }) };
  } catch (error) {
    if (!(error instanceof DeviceExhausted)) throw error;
    return { planned, text: error.message }; // this device is too small or slow for it: others may not be
  }
}

function problemOf(program: Bytes): string {
  try {
    checkModule(program, MEMORY_BYTES);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

function namesOf(pair: ProgramPair | null): string[] {
  try {
    return pair ? paramNames(pair) : [];
  } catch {
    return []; // planning says what is wrong with it
  }
}

function takeOne(set: (content: Bytes | null) => void) {
  return async ([file]: readonly File[]) => set(file ? await bytesOf(file) : null);
}

async function bytesOf(file: File): Promise<Bytes> {
  return new Uint8Array(await file.arrayBuffer());
}
