import { describe, expect, test } from "vitest";

import { gapBetween } from "../../web/phone/rules/clock";
import {
  COOL_SECONDS,
  DEFAULT_LIMITS,
  FRESH,
  type HoldCode,
  judge,
  type Limits,
  type Memory,
  restAfter,
  type Seen,
} from "../../web/phone/rules/guards";
import { driftOf, forgetRecent, microTask, NO_PACE, notePace } from "../../web/phone/rules/heat";
import { energyOf, noteAccepted, noteTime, ratesOf, type Slot } from "../../web/phone/rules/pace";
import { readVectors } from "./vectors";

const NOW = 1_800_000_000;

function seen(changes: Partial<Seen> = {}): Seen {
  return {
    now: NOW,
    minuteOfDay: 22 * 60,
    onScreen: true,
    online: true,
    charging: true,
    battery: 0.8,
    mobileData: false,
    dataBytesToday: 0,
    drift: 1,
    answers: {},
    ...changes,
  };
}

function codes(changes: Partial<Seen>, limits: Partial<Limits> = {}, memory: Memory = FRESH): HoldCode[] {
  return judge(memory, seen(changes), { ...DEFAULT_LIMITS, ...limits }).holds.map(({ code }) => code);
}

describe("the rules that Python workers have too", () => {
  interface Case {
    readonly name: string;
    readonly limits: { only_charging: boolean; battery_above: number; hours: [number, number] | null };
    readonly looks: { at: number; charging: boolean; battery: number | null; minute: number; holds: string[] }[];
  }

  test.each(readVectors<Case[]>("guards"))("$name", ({ limits: told, looks }) => {
    const hours = told.hours && { from: told.hours[0], to: told.hours[1] };
    const limits = { ...DEFAULT_LIMITS, onlyCharging: told.only_charging, batteryAbove: told.battery_above, hours };
    let memory = FRESH;
    for (const { at, charging, battery, minute, holds } of looks) {
      const judged = judge(memory, seen({ now: NOW + at, charging, battery, minuteOfDay: minute }), limits);
      memory = judged.memory;
      expect(judged.holds.map(({ code }) => code).sort()).toEqual(holds);
    }
  });
});

describe("guards", () => {
  test("a cool phone on its charger works", () => {
    expect(codes({})).toEqual([]);
  });

  test.each<[string, Partial<Seen>, Partial<Limits>, HoldCode[]]>([
    ["off screen", { onScreen: false }, {}, ["off_screen"]],
    ["without a network", { online: false }, {}, ["offline"]],
    ["unplugged", { charging: false }, {}, ["not_charging"]],
    ["unplugged, allowed", { charging: false }, { onlyCharging: false }, []],
    ["at 30 % sharp", { battery: 0.3 }, {}, []],
    ["just below", { battery: 0.29 }, {}, ["battery_low"]],
    ["below, not looked at", { battery: 0.01 }, { batteryAbove: 0 }, []],
    ["on mobile data", { mobileData: true }, {}, ["mobile_data"]],
    ["on mobile data, allowed", { mobileData: true }, { noMobileData: false }, []],
    ["before its hours", { minuteOfDay: 1319 }, { hours: { from: 1320, to: 360 } }, ["outside_hours"]],
    ["in its hours past midnight", { minuteOfDay: 359 }, { hours: { from: 1320, to: 360 } }, []],
    ["at the end of its hours", { minuteOfDay: 360 }, { hours: { from: 1320, to: 360 } }, ["outside_hours"]],
    ["all day", { minuteOfDay: 5 }, { hours: { from: 60, to: 60 } }, []],
    ["at its data cap", { dataBytesToday: 500e6 }, {}, ["data_cap"]],
    ["without a cap", { dataBytesToday: 1e12 }, { dataBytesPerDay: null }, []],
    ["hot", { drift: 1.4 }, {}, ["cooling"]],
    ["unknown heat", { drift: null }, {}, []],
    [
      "everything at once",
      { onScreen: false, charging: false, battery: 0 },
      {},
      ["off_screen", "not_charging", "battery_low"],
    ],
  ])("%s", (_, changes, limits, expected) => {
    expect(codes(changes, limits)).toEqual(expected);
  });

  test("a missing sensor is asked about, and a yes holds for its time: never a block for good", () => {
    const blind = { charging: null, mobileData: null, battery: null };
    expect(codes(blind)).toEqual(["ask_charging", "ask_unmetered"]);
    const answers = { charging: NOW + 1, unmetered: NOW + 1 };
    expect(codes({ ...blind, answers })).toEqual([]);
    expect(codes({ ...blind, answers, now: NOW + 1 })).toEqual(["ask_charging", "ask_unmetered"]);
    expect(codes(blind, { onlyCharging: false, noMobileData: false })).toEqual([]);
  });

  test("an answer is no substitute for a sensor that says no", () => {
    expect(codes({ charging: false, answers: { charging: NOW + 99 } })).toEqual(["not_charging"]);
  });

  test("a battery that was too low has to rise by a margin before work goes on", () => {
    const low = judge(FRESH, seen({ battery: 0.29 }), DEFAULT_LIMITS).memory;
    expect(codes({ battery: 0.34 }, {}, low)).toEqual(["battery_low"]);
    const risen = judge(low, seen({ battery: 0.35 }), DEFAULT_LIMITS);
    expect(risen.holds).toEqual([]);
    expect(codes({ battery: 0.31 }, {}, risen.memory)).toEqual([]);
  });

  test("the margin asks for no more than a full battery", () => {
    const limits = { batteryAbove: 0.98 };
    const low = judge(FRESH, seen({ battery: 0.5 }), { ...DEFAULT_LIMITS, ...limits }).memory;
    expect(codes({ battery: 1 }, limits, low)).toEqual([]);
  });

  test("a plug that came back has to stay for ten seconds, unless the owner stops asking for it", () => {
    const pulled = judge(FRESH, seen({ charging: false }), DEFAULT_LIMITS).memory;
    expect(codes({ now: NOW + 9 }, {}, pulled)).toEqual(["not_charging"]);
    expect(codes({ now: NOW + 10 }, {}, pulled)).toEqual([]);
    expect(codes({ now: NOW + 9 }, { onlyCharging: false }, pulled)).toEqual([]);
    expect(codes({ now: NOW - 3600 }, {}, pulled), "a clock set back is no reason to wait").toEqual([]);
  });

  test("heat: five minutes of rest, then nearly as fast as when cool, or five more", () => {
    const hot = judge(FRESH, seen({ drift: 1.5 }), DEFAULT_LIMITS);
    expect(hot.holds).toEqual([{ code: "cooling", until: NOW + COOL_SECONDS }]);
    expect(codes({ now: NOW + 299, drift: 1 }, {}, hot.memory)).toEqual(["cooling"]);
    const warm = judge(hot.memory, seen({ now: NOW + 300, drift: 1.2 }), DEFAULT_LIMITS);
    expect(warm.holds).toEqual([{ code: "cooling", until: NOW + 600 }]);
    const cool = judge(warm.memory, seen({ now: NOW + 600, drift: 1.1 }), DEFAULT_LIMITS);
    expect(cool.holds).toEqual([]);
    expect(codes({ now: NOW + 601, drift: 1.2 }, {}, cool.memory), "warm is not hot").toEqual([]);
  });

  test("a clock that was set back ends a cool-down that would never end", () => {
    const hot = judge(FRESH, seen({ drift: 1.5 }), DEFAULT_LIMITS).memory;
    expect(codes({ now: NOW - 86_400, drift: 1 }, {}, hot)).toEqual([]);
  });

  test("the duty cycle makes it rest", () => {
    const after = restAfter(FRESH, NOW, 8, { ...DEFAULT_LIMITS, dutyCycle: 0.8 });
    expect(after.restUntil - NOW).toBeCloseTo(2);
    expect(codes({ now: NOW + 1 }, {}, after)).toEqual(["resting"]);
    expect(codes({ now: NOW + 2 }, {}, after)).toEqual([]);
    expect(restAfter(FRESH, NOW, 8, { ...DEFAULT_LIMITS, dutyCycle: 1 }).restUntil).toBe(NOW);
    expect(restAfter(FRESH, NOW, 1, { ...DEFAULT_LIMITS, dutyCycle: 0 }).restUntil - NOW).toBeCloseTo(9);
  });

  test("the hour at which work goes on is told", () => {
    const { holds } = judge(FRESH, seen({ minuteOfDay: 720 }), { ...DEFAULT_LIMITS, hours: { from: 1320, to: 360 } });
    expect(holds).toEqual([{ code: "outside_hours", until: NOW + 600 * 60 }]);
  });
});

describe("heat", () => {
  const times = (...values: number[]) => values.reduce(notePace, NO_PACE);

  test("nothing is said before five times are known", () => {
    expect(driftOf(times(1, 1, 1, 1))).toBeNull();
    expect(driftOf(times(1, 1, 1, 1, 1))).toBe(1);
  });

  test("one interruption is no heat, three slow ones of five are", () => {
    expect(driftOf(times(2, 2, 2, 2, 2, 90))).toBe(1);
    expect(driftOf(times(2, 2, 2, 2, 2, 3, 3, 3))).toBe(1.5);
  });

  test("a clock without resolution tells nothing", () => {
    expect(times(0, 0, Number.NaN)).toEqual(NO_PACE);
  });

  test("what cool means outlives a break", () => {
    const after = [3, 3, 3, 3, 3].reduce(notePace, forgetRecent(times(2, 2, 2, 2, 2)));
    expect(driftOf(after)).toBe(1.5);
  });

  test("the micro-task is the same work each time", () => {
    expect(microTask()).toBe(microTask());
    expect(microTask()).not.toBe(0);
  });
});

describe("what to expect", () => {
  test("no estimate before five minutes of data", () => {
    const slots = noteAccepted(noteTime([], NOW, 299, 100), NOW, 10n);
    expect([ratesOf(slots, NOW), energyOf(slots)]).toEqual([null, null]);
    expect(ratesOf(noteTime(slots, NOW, 1), NOW)).toEqual({ expected: 120n, actual: 120n });
  });

  test("expected is of all that is known, actual of the last hour", () => {
    let slots: Slot[] = [];
    for (let at = NOW; at < NOW + 7200; at += 300) {
      slots = noteAccepted(noteTime(slots, at, 300), at, at < NOW + 3600 ? 10n : 30n);
    }
    expect(ratesOf(slots, NOW + 7200)).toEqual({ expected: 240n, actual: 360n });
  });

  test("at most a day is kept", () => {
    let slots: Slot[] = [];
    for (let i = 0; i < 400; i++) slots = noteTime(slots, NOW + 300 * i, 300);
    expect(slots).toHaveLength(288);
  });

  test("energy is of the core while it works and of the phone while it is awake", () => {
    const energy = energyOf(noteTime([], NOW, 1000, 500));
    expect(energy?.joules).toBeCloseTo(500 * 1.09 + 1000 * 1.4);
    expect(energy?.kilowattHoursPerDay).toBeCloseTo((1.945 * 86_400) / 3.6e6);
  });
});

describe("clock", () => {
  const from = { wall: NOW, steady: 50 };
  test.each([
    ["a second", 1, 1, null],
    ["frozen for a minute", 60, 60, { kind: "frozen", seconds: 60 }],
    ["asleep, with the steady clock asleep too", 3600, 1, { kind: "frozen", seconds: 3600 }],
    ["set forward a little", 11, 1, { kind: "set", seconds: 10 }],
    ["set back", -3599, 1, { kind: "set", seconds: -3600 }],
  ])("%s", (_, wall, steady, expected) => {
    expect(gapBetween(from, { wall: NOW + wall, steady: 50 + steady })).toEqual(expected);
  });
});
