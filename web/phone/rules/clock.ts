/** The page was frozen, or somebody set the clock, between two ticks that should lie about a second apart. */
export interface Gap {
  readonly kind: "frozen" | "set";
  readonly seconds: number;
}

/** Two clocks at one moment: `wall` may be set, `steady` only runs. Both in seconds. */
export interface Tick {
  readonly wall: number;
  readonly steady: number;
}

const FROZEN_SECONDS = 15;
const SET_SECONDS = 5;

/** What happened to time since the last tick; null: nothing. After a gap a claim has to be asked about again. */
export function gapBetween(before: Tick, now: Tick): Gap | null {
  const steady = now.steady - before.steady;
  const jump = now.wall - before.wall - steady;
  // Some systems stop the steady clock while they sleep: then only the wall clock tells of the time that is gone.
  if (jump < -SET_SECONDS) return { kind: "set", seconds: jump };
  if (steady + Math.max(0, jump) > FROZEN_SECONDS) return { kind: "frozen", seconds: steady + Math.max(0, jump) };
  return jump > SET_SECONDS ? { kind: "set", seconds: jump } : null;
}
