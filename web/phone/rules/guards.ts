// When may this device work? One pure function over what is seen, what its owner chose and what was so far.

/** What the owner chose under "Work only when…". */
export interface Limits {
  readonly onlyCharging: boolean;
  readonly noMobileData: boolean;
  readonly batteryAbove: number; // 0 to 1; 0: do not look
  readonly hours: Hours | null; // null: at any time
  readonly dataBytesPerDay: number | null; // null: no cap
  readonly dutyCycle: number; // share of the time that is worked, 0.1 to 1
}

/** Minutes of the day by the device's clock; `from` after `to` passes midnight, equal is the whole day. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

/** What the device tells; null where it has no such sensor. `answers` are the owner's, in place of a sensor. */
export interface Seen {
  readonly now: number; // Unix seconds
  readonly minuteOfDay: number;
  readonly onScreen: boolean;
  readonly online: boolean;
  readonly charging: boolean | null;
  readonly battery: number | null;
  readonly mobileData: boolean | null;
  readonly dataBytesToday: number;
  readonly drift: number | null; // how many times slower the fixed micro-task is than when cool; null: not known yet
  readonly answers: Readonly<Partial<Record<Question, number>>>; // until when, Unix seconds, a yes holds
}

export type Question = "charging" | "unmetered";
export type HoldCode =
  | "off_screen"
  | "offline"
  | "not_charging"
  | "ask_charging"
  | "battery_low"
  | "mobile_data"
  | "ask_unmetered"
  | "outside_hours"
  | "data_cap"
  | "cooling"
  | "resting";

/** Why the device does not work now. `until`: when it ends by itself, if that is known. */
export interface Hold {
  readonly code: HoldCode;
  readonly until: number | null;
}

/** What has to be remembered between two looks: hysteresis needs a past. */
export interface Memory {
  readonly held: Readonly<Partial<Record<HoldCode, number>>>; // when it was last not as it should be
  readonly coolUntil: number;
  readonly restUntil: number;
}

export interface Judgement {
  readonly memory: Memory;
  readonly holds: readonly Hold[]; // empty: work
}

export const DEFAULT_LIMITS: Limits = {
  onlyCharging: true,
  noMobileData: true,
  batteryAbove: 0.3,
  hours: null,
  dataBytesPerDay: 500e6,
  dutyCycle: 0.8,
};
export const FRESH: Memory = { held: {}, coolUntil: 0, restUntil: 0 };

export const COOL_SECONDS = 300;
export const ANSWER_SECONDS = 12 * 3600;
const HOT = 1.4; // times slower than when cool
const COOL = 1.15;
const BATTERY_MARGIN = 0.05; // a battery that was too low has to rise by so much
const SETTLE_SECONDS = 10; // a plug or a network that came back has to stay
const SETTLING: readonly HoldCode[] = ["not_charging", "mobile_data", "offline"];
const DAY = 24 * 60;

/** Whether to work now, and if not, every reason why. */
export function judge(memory: Memory, seen: Seen, limits: Limits): Judgement {
  const held = { ...memory.held };
  const holds: Hold[] = [];
  const hold = (code: HoldCode, until: number | null = null) => {
    held[code] = seen.now;
    holds.push({ code, until });
  };

  if (!seen.onScreen) hold("off_screen");
  if (!seen.online) hold("offline");
  if (limits.onlyCharging) {
    if (seen.charging === false) hold("not_charging");
    if (seen.charging === null && !answered(seen, "charging")) hold("ask_charging");
  }
  if (seen.battery !== null && limits.batteryAbove > 0) {
    const needed = limits.batteryAbove + (held.battery_low === undefined ? 0 : BATTERY_MARGIN);
    if (seen.battery < Math.min(needed, 1)) hold("battery_low");
    else delete held.battery_low;
  } else delete held.battery_low;
  if (limits.noMobileData) {
    if (seen.mobileData === true) hold("mobile_data");
    if (seen.mobileData === null && !answered(seen, "unmetered")) hold("ask_unmetered");
  }
  if (limits.hours && !within(limits.hours, seen.minuteOfDay)) {
    hold("outside_hours", seen.now + 60 * minutesUntil(limits.hours.from, seen.minuteOfDay));
  }
  if (limits.dataBytesPerDay !== null && seen.dataBytesToday >= limits.dataBytesPerDay) {
    hold("data_cap", seen.now + 60 * minutesUntil(0, seen.minuteOfDay));
  }

  const coolUntil = cooling(memory, seen, held);
  if (seen.now < coolUntil) hold("cooling", coolUntil);
  if (seen.now < memory.restUntil) holds.push({ code: "resting", until: memory.restUntil });

  for (const code of SETTLING) {
    const last = held[code];
    if (last === undefined || holds.some((it) => it.code === code)) continue;
    if (seen.now >= last && seen.now < last + SETTLE_SECONDS && applies(code, limits)) {
      holds.push({ code, until: last + SETTLE_SECONDS });
    } else delete held[code];
  }
  return { memory: { held, coolUntil, restUntil: memory.restUntil }, holds };
}

/** A heat sign begins a cool-down of five minutes; at its end the device must be nearly as fast as when cool. */
function cooling(memory: Memory, seen: Seen, held: Partial<Record<HoldCode, number>>): number {
  if (seen.now < memory.coolUntil && memory.coolUntil <= seen.now + COOL_SECONDS) return memory.coolUntil;
  const limit = held.cooling === undefined ? HOT : COOL;
  if (seen.drift !== null && seen.drift >= limit) return seen.now + COOL_SECONDS;
  delete held.cooling;
  return 0;
}

/** After `worked` seconds: rest so long that the share of work stays within the duty cycle. */
export function restAfter(memory: Memory, now: number, worked: number, limits: Limits): Memory {
  const share = Math.min(1, Math.max(0.1, limits.dutyCycle));
  return { ...memory, restUntil: now + (worked * (1 - share)) / share };
}

/** A setting that was switched off holds nobody any longer. */
function applies(code: HoldCode, limits: Limits): boolean {
  if (code === "not_charging") return limits.onlyCharging;
  return code !== "mobile_data" || limits.noMobileData;
}

function answered(seen: Seen, question: Question): boolean {
  return (seen.answers[question] ?? 0) > seen.now;
}

function within({ from, to }: Hours, minute: number): boolean {
  if (from === to) return true;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

function minutesUntil(minute: number, now: number): number {
  return (minute - now + DAY) % DAY || DAY;
}
