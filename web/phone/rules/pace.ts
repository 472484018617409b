// What was earned while the page was on, and what that lets one expect. No estimate before five minutes of data.

/** Accepted pay of five minutes on screen. */
export interface Slot {
  readonly start: number; // Unix seconds
  readonly seconds: number; // on and looking for work
  readonly busySeconds: number; // of these, running programs
  readonly accepted: bigint; // token base units
}

export const SLOT_SECONDS = 300;
const KEEP = (24 * 3600) / SLOT_SECONDS;

/** What one more stretch of time brought; `slots` oldest first, at most a day of them. */
export function noteTime(slots: readonly Slot[], now: number, seconds: number, busySeconds = 0): Slot[] {
  return change(slots, now, (slot) => ({
    ...slot,
    seconds: slot.seconds + seconds,
    busySeconds: slot.busySeconds + busySeconds,
  }));
}

export function noteAccepted(slots: readonly Slot[], now: number, amount: bigint): Slot[] {
  return change(slots, now, (slot) => ({ ...slot, accepted: slot.accepted + amount }));
}

/** Per hour on screen: what all data up to the last hour lets one expect, and what the last hour brought. */
export interface Rates {
  readonly expected: bigint;
  readonly actual: bigint;
}

/** null before five minutes of data. */
export function ratesOf(slots: readonly Slot[], now: number): Rates | null {
  const all = perHour(slots);
  if (all === null) return null;
  const recent = slots.filter((slot) => slot.start > now - 3600);
  return { expected: all, actual: perHour(recent) ?? all };
}

/** Of a phone core at work, and of a phone that is awake for us: docs/energy.md has the source. */
const CORE_WATTS = 1.09;
const AWAKE_WATTS = 1.4;

/** Estimated, never measured: a browser tells no power. Joules of these slots, and of a whole day at this pace. */
export function energyOf(slots: readonly Slot[]): { joules: number; kilowattHoursPerDay: number } | null {
  const seconds = slots.reduce((sum, slot) => sum + slot.seconds, 0);
  if (seconds < SLOT_SECONDS) return null;
  const joules = slots.reduce((sum, slot) => sum + slot.busySeconds * CORE_WATTS + slot.seconds * AWAKE_WATTS, 0);
  return { joules, kilowattHoursPerDay: ((joules / seconds) * 86_400) / 3.6e6 };
}

function perHour(slots: readonly Slot[]): bigint | null {
  const seconds = slots.reduce((sum, slot) => sum + slot.seconds, 0);
  if (seconds < SLOT_SECONDS) return null;
  return (slots.reduce((sum, slot) => sum + slot.accepted, 0n) * 3600n) / BigInt(Math.round(seconds));
}

function change(slots: readonly Slot[], now: number, edit: (slot: Slot) => Slot): Slot[] {
  const start = Math.floor(now / SLOT_SECONDS) * SLOT_SECONDS;
  const last = slots.at(-1);
  if (last?.start === start) return [...slots.slice(0, -1), edit(last)];
  return [...slots, edit({ start, seconds: 0, busySeconds: 0, accepted: 0n })].slice(-KEEP);
}
