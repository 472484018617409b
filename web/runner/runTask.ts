import { EdgebountyError } from "../protocol/errors";
import { DeviceExhausted, ProgramRefused } from "./errors";
import type { Execution, Work } from "./execute";
import type { Answer, Question } from "./messages";

const START_SECONDS = 15;

/** Whoever asked for the run has stopped it. */
export class Stopped extends EdgebountyError {
  constructor() {
    super("stopped", "the run was stopped");
  }
}

let lastId = 0;

/**
 * Runs a task in a worker inside a sandboxed frame of its own. The frame is removed at the end, when `signal` aborts and
 * after `seconds`: with it goes its process, and with that an endless loop. (`Worker.terminate` alone leaves a busy
 * worker running for two seconds in Chromium.) Throws `ProgramRefused`, `DeviceExhausted` or `Stopped`.
 */
export async function runTask(work: Work, seconds: number, signal?: AbortSignal): Promise<Execution> {
  const id = ++lastId;
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.hidden = true;
  frame.title = "program runner";
  frame.src = "./runner.html";
  const ended = new AbortController();
  try {
    return await new Promise<Execution>((resolve, reject) => {
      if (signal?.aborted) throw new Stopped();
      signal?.addEventListener("abort", () => reject(new Stopped()), { signal: ended.signal });
      const late = (limit: number) => () =>
        reject(new DeviceExhausted(`the program did not end within ${limit} s here`));
      let timer = setTimeout(late(START_SECONDS), START_SECONDS * 1000);
      ended.signal.addEventListener("abort", () => clearTimeout(timer));
      const listen = ({ data, source }: MessageEvent<Answer | "ready">) => {
        if (source !== frame.contentWindow) return;
        if (data === "ready") {
          clearTimeout(timer);
          timer = setTimeout(late(seconds), seconds * 1000);
          // The frame has no origin to name; what is sent is public.
          frame.contentWindow?.postMessage({ id, work } satisfies Question, "*");
        } else if (data.id === id) {
          if ("execution" in data) resolve(data.execution);
          else reject(errorOf(data.problem));
        }
      };
      addEventListener("message", listen, { signal: ended.signal });
      document.body.append(frame);
    });
  } finally {
    ended.abort();
    frame.remove();
  }
}

function errorOf({ code, message }: { code: string; message: string }): EdgebountyError {
  if (code === "device_exhausted") return new DeviceExhausted(message);
  return code === "program_refused" ? new ProgramRefused(message) : new EdgebountyError(code, message);
}
