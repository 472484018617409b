// No browser tells a temperature. A device that gets hot slows down, so one small fixed task is timed again and again.

/** Times of the micro-task in milliseconds, the newest last, and the fastest median seen: the device when cool. */
export interface Pace {
  readonly recent: readonly number[];
  readonly cool: number | null;
}

export const NO_PACE: Pace = { recent: [], cool: null };
const WINDOW = 5;

/** One more time. A median over five, so that one interruption by the system is no heat. */
export function notePace(pace: Pace, milliseconds: number): Pace {
  if (!(milliseconds > 0)) return pace;
  const recent = [...pace.recent, milliseconds].slice(-WINDOW);
  if (recent.length < WINDOW) return { ...pace, recent };
  const now = median(recent);
  return { recent, cool: pace.cool === null ? now : Math.min(pace.cool, now) };
}

/** How many times slower than when cool; null before five times are known. */
export function driftOf({ recent, cool }: Pace): number | null {
  return cool === null ? null : median(recent) / cool;
}

/** After a break what was measured before it says nothing; what *cool* means stays. */
export function forgetRecent(pace: Pace): Pace {
  return { ...pace, recent: [] };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The fixed task: whole numbers only, about a millisecond on a phone. */
export function microTask(): number {
  let value = 1;
  for (let i = 0; i < 300_000; i++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
  return value;
}
