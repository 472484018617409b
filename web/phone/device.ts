import type { Kept } from "./kept";
import { type Gap, gapBetween, type Tick } from "./rules/clock";
import { FRESH, type Hold, judge, type Memory, restAfter } from "./rules/guards";
import { driftOf, forgetRecent, microTask, NO_PACE, notePace, type Pace } from "./rules/heat";
import { Sensors } from "./sensors";

const HEAT_EVERY_SECONDS = 5;

/** Fetching or running a task, and of that: running. */
export interface Occupied {
  readonly isBusy: boolean;
  readonly isRunning: boolean;
}

/** The device that the page runs on: what its sensors and clocks tell, and whether it may work. */
export class Device {
  private readonly sensors = new Sensors();
  private memory: Memory = FRESH;
  private pace: Pace = NO_PACE;
  private tick: Tick = clocks();
  private lastHeat = 0;

  constructor(private readonly kept: Kept) {}

  /** Calls `onChange` once a second, and whenever the device says that something changed. */
  async watch(onChange: () => void): Promise<void> {
    await this.sensors.watch(onChange);
    setInterval(onChange, 1000);
  }

  /** Time begins to count. */
  start(): void {
    this.tick = clocks();
  }

  /** Every reason not to work now; `gap`: what happened to time since the last look. */
  look(isOn: boolean, { isBusy, isRunning }: Occupied): { holds: readonly Hold[]; gap: Gap | null } {
    const before = this.tick;
    this.tick = clocks();
    const { wall } = this.tick;
    const gap = gapBetween(before, this.tick);
    if (gap) this.pace = forgetRecent(this.pace);
    else if (isOn) this.kept.countTime(wall, wall - before.wall, isRunning ? wall - before.wall : 0);
    if (isOn && !isBusy && wall - this.lastHeat > HEAT_EVERY_SECONDS) this.feelHeat();
    const { limits, answers } = this.kept.settings;
    const { dataBytesToday } = this.kept;
    const seen = { ...this.sensors.read(), dataBytesToday, drift: driftOf(this.pace), answers };
    const { memory, holds } = judge(this.memory, seen, limits);
    this.memory = memory;
    return { holds, gap };
  }

  restAfter(seconds: number): void {
    this.memory = restAfter(this.memory, Date.now() / 1000, seconds, this.kept.settings.limits);
  }

  private feelHeat(): void {
    this.lastHeat = this.tick.wall;
    const started = performance.now();
    microTask();
    this.pace = notePace(this.pace, performance.now() - started);
  }
}

function clocks(): Tick {
  return { wall: Date.now() / 1000, steady: performance.now() / 1000 };
}
