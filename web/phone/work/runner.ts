import type { Gateways } from "../../content/gateway";
import { buildFile } from "../../protocol/unixfs";
import { runTask, Stopped } from "../../runner/runTask";
import type { Device } from "../device";
import type { Kept } from "../kept";
import type { Screen } from "../screen";
import type { Trouble } from "../shown";
import type { Task } from "./machine";
import { prepare } from "./prepare";
import { SharedFiles } from "./sharedFiles";
import { messageOf } from "./trouble";

const RUN_SECONDS = 120;

interface Current {
  readonly abort: AbortController;
  isRunning: boolean;
}

/** Fetches and runs one task at a time, and ends that at once when the owner or a limit says so. */
export class Runner {
  private current: Current | null = null;
  private readonly shared = new SharedFiles();

  constructor(
    private readonly kept: Kept,
    private readonly device: Device,
    private readonly screen: Screen,
    private readonly onDone: () => void,
  ) {}

  /** Fetching or running: the processor is not idle. */
  get isBusy(): boolean {
    return this.current !== null;
  }

  get isRunning(): boolean {
    return this.current?.isRunning === true;
  }

  /** The task stays, and is begun again once it may. */
  cut(): void {
    this.current?.abort.abort();
  }

  async compute(task: Task, gateways: Gateways, stop: AbortSignal): Promise<void> {
    const current: Current = { abort: new AbortController(), isRunning: false };
    this.current = current;
    const { signal } = current.abort;
    let phase: Trouble["code"] = "content";
    const started = performance.now();
    try {
      this.screen.show({ step: "fetching" });
      const work = await prepare(task, gateways, this.shared, signal);
      phase = "program";
      this.screen.show({ step: "running" });
      current.isRunning = true;
      const done = await runTask(work, Math.min(RUN_SECONDS, task.until - Date.now() / 1000), signal);
      const { cid } = await buildFile(done.output);
      const salt = crypto.getRandomValues(new Uint8Array(32));
      const result = { digest: cid.digest, salt, output: done.output, workUnits: done.workUnits };
      await this.kept.note({ is: "computed", task, result }); // kept before anything is published
    } catch (error) {
      if (stop.aborted || signal.aborted || error instanceof Stopped) return;
      this.screen.show({ trouble: { code: phase, detail: messageOf(error), task: task.index } });
      await this.kept.note({ is: "could_not_run", task, now: Date.now() / 1000 });
    } finally {
      this.current = null;
      this.device.restAfter((performance.now() - started) / 1000);
      this.onDone();
    }
  }
}
