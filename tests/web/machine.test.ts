import { describe, expect, test } from "vitest";

import {
  advance,
  type Fact,
  isIdle,
  type Look,
  nextLook,
  nextOrder,
  type Result,
  START,
  type State,
  type Task,
} from "../../web/phone/work/machine";

const NOW = 1_800_000_000;
const FREE = { run: true, claim: true };
const key = { job: "1", index: 7 };
const result: Result = {
  digest: new Uint8Array(32).fill(1),
  salt: new Uint8Array(32).fill(2),
  output: new Uint8Array(3),
  workUnits: 5,
};

function makeTask(changes: Partial<Task> = {}): Task {
  return {
    ...{
      ...key,
      firstTask: 0,
      slot: 0,
      until: NOW + 60,
      price: 10n,
      manifest: "bafk",
      inputs: {},
      assigned: { tasks: [7], until: NOW, signature: "0x" },
    },
    ...{ stage: "assigned", result: null, commitSet: null, tries: 0, after: 0 },
    ...changes,
  };
}

function after(...facts: Fact[]): State {
  return facts.reduce(advance, START);
}

const bundle = {
  job: "1",
  firstTask: 0,
  words: [new Uint8Array(32)],
  commitSets: [new Uint8Array(32)],
  signature: new Uint8Array(64),
  acceptance: new Uint8Array(64),
  assignments: [],
};
const { job, index, firstTask, price, manifest, inputs } = makeTask();
const offered: Fact = { is: "offered", offer: { job, index, firstTask, price, manifest, inputs }, now: NOW };
const assigned: Fact = { is: "assigned", tasks: [makeTask()] };
const computed: Fact = { is: "computed", task: key, result };
const committed: Fact = { is: "committed", task: key };
const shown: Fact = { is: "shown", task: key };
const accepted: Fact = { is: "accepted", task: key, bundle };
const commitSet = new Uint8Array(32).fill(3);

function looked(stage: Look["stage"], changes: Partial<Look> = {}): Fact {
  const digest = stage === "agreed" ? result.digest : null;
  const look = { stage, until: NOW + 60, waitSeconds: 5, commitSet, digest, evidence: "signed", ...changes };
  return { is: "looked", task: key, now: NOW, look };
}

const LIFE: [Fact, string | null][] = [
  [offered, "claim"],
  [assigned, "run"],
  [computed, "commit"],
  [committed, "ask"],
  [looked("closed"), "show"],
  [shown, "ask"],
  [looked("agreed"), "hand_in"],
  [accepted, "look_for_work"],
];

describe("the life of a task", () => {
  test("one order after the other, from claim to acceptance", () => {
    expect(nextOrder(START, NOW, FREE)?.do).toBe("look_for_work");
    let state = START;
    for (const [fact, order] of LIFE) {
      state = advance(state, fact);
      expect(nextOrder(state, NOW, FREE)?.do).toBe(order);
    }
    expect(state.tasks).toEqual([]);
    expect(state.bundles).toEqual([bundle]);
  });

  test("any fact that comes twice or out of turn takes no step back, and none is left out", () => {
    for (let done = 2; done < LIFE.length; done++) {
      const state = after(...LIFE.slice(0, done).map(([fact]) => fact));
      for (const [i, [fact]] of LIFE.entries()) {
        if (i === done || fact.is === "accepted" || (fact.is === "looked" && i > done)) continue;
        const [before] = state.tasks;
        const [now] = advance(state, fact).tasks;
        expect([now?.stage, now?.result], `fact ${i} after ${done}`).toEqual([before?.stage, before?.result]);
      }
    }
  });

  test("a set that is open, and a quorum that is not there yet, are waited for", () => {
    for (const [facts, stage] of [
      [[assigned, computed, committed, looked("open")], "committed"],
      [[assigned, computed, committed, looked("closed"), shown, looked("closed")], "shown"],
    ] as [Fact[], string][]) {
      const state = after(...facts);
      expect(state.tasks[0]).toMatchObject({ stage, after: NOW + 5, until: NOW + 60 });
      expect(nextOrder(state, NOW + 4, { run: false, claim: false })).toBeNull();
      expect(nextOrder(state, NOW + 5, { run: false, claim: false })?.do).toBe("ask");
    }
  });

  test("another result than the quorum's is kept with its evidence, and no receipt is signed", () => {
    const theirs = new Uint8Array(32).fill(9);
    const state = after(assigned, computed, committed, looked("closed"), shown, looked("agreed", { digest: theirs }));
    expect(state.tasks).toEqual([]);
    expect(state.outvoted).toMatchObject([
      { job: "1", task: 7, price: 10n, ours: result.digest, theirs, evidence: "signed" },
    ]);
  });

  test("what found no quorum is forgotten", () => {
    expect(after(assigned, computed, committed, looked("given_up")).tasks).toEqual([]);
  });

  test("agreed before it was shown: shown first", () => {
    expect(nextOrder(after(assigned, computed, committed, looked("agreed")), NOW, FREE)?.do).toBe("show");
  });

  test("after a gap everything is asked about at once", () => {
    const state = after(assigned, computed, committed, looked("open"), { is: "gap", now: NOW });
    expect(nextOrder(state, NOW, FREE)?.do).toBe("ask");
  });

  test("after a gap what was handed in is asked about before it is given up: it may have more time since", () => {
    const late: Fact = { is: "gap", now: NOW + 100 };
    const waiting = after(assigned, computed, committed, looked("open"), late);
    expect(nextOrder(waiting, NOW + 100, FREE)?.do).toBe("ask");
    expect(nextOrder(waiting, NOW + 120, FREE)?.do).toBe("expire");
    expect(nextOrder(after(assigned, late), NOW + 100, FREE)?.do).toBe("expire");
  });

  test("a receipt that was signed over too few comes after the others: one of them was accepted, its answer lost", () => {
    const agreed = (number: number) => makeTask({ index: number, stage: "agreed", result });
    const both: Fact = { is: "assigned", tasks: [agreed(1), agreed(2)] };
    const state = after(both, { is: "conflict", task: { job: "1", index: 1 } });
    expect(nextOrder(state, NOW, FREE)).toMatchObject({ do: "hand_in", task: { index: 2 } });
  });

  test("a result once computed is never computed again: a second salt would be a second commitment", () => {
    const state = after(assigned, computed, { ...computed, result: { ...result, salt: new Uint8Array(32) } });
    expect(state.tasks[0]?.result).toBe(result);
  });
});

describe("a claim whose answer was lost", () => {
  const finish = { run: true, claim: false };

  test("is asked again, also by who wants to finish, and by nobody who may not run", () => {
    const state = after(offered);
    for (const may of [FREE, finish])
      expect(nextOrder(state, NOW, may)).toMatchObject({ do: "claim", offer: { index } });
    expect(nextOrder(state, NOW, { run: false, claim: true })).toBeNull();
    expect(isIdle(state, NOW)).toBe(false);
  });

  test("is not asked at once of an orchestrator that does not answer", () => {
    const state = after(offered, { is: "unavailable", now: NOW, waitSeconds: null });
    expect(nextOrder(state, NOW + 1, FREE)).toBeNull();
    expect(nextOrder(state, NOW + 2, FREE)?.do).toBe("claim");
  });

  test("ends with the task, or with a no", () => {
    for (const end of [assigned, { is: "not_assigned" }] as const) expect(after(offered, end).claiming).toBeNull();
    expect(isIdle(after(offered, { is: "not_assigned" }), NOW)).toBe(true);
    expect(isIdle(after(offered, assigned), NOW)).toBe(false);
  });

  test("keeps nobody from finishing for longer than it is good", () => {
    expect(isIdle(after(offered), NOW + 119)).toBe(false);
    expect(isIdle(after(offered), NOW + 120)).toBe(true);
  });
});

describe("what comes next", () => {
  test("limits stop programs and claims, not what is nearly paid", () => {
    const held = { run: false, claim: true };
    expect(nextOrder(after(assigned), NOW, held)).toBeNull();
    expect(nextOrder(START, NOW, held)).toBeNull();
    expect(nextOrder(after(assigned, computed), NOW, held)?.do).toBe("commit");
    expect(
      nextOrder(after(assigned, computed, committed, looked("closed"), shown, looked("agreed")), NOW, held)?.do,
    ).toBe("hand_in");
  });

  test("who wants to finish claims nothing, and does what was begun", () => {
    const finish = { run: true, claim: false };
    expect(nextOrder(START, NOW, finish)).toBeNull();
    expect(nextOrder(after(assigned), NOW, finish)?.do).toBe("run");
  });

  test("while some wait for others it goes on, up to four", () => {
    const waiting = (count: number) =>
      after({
        is: "assigned",
        tasks: Array.from({ length: count }, (_, index) => makeTask({ index, stage: "committed", after: NOW + 5 })),
      });
    expect(nextOrder(waiting(3), NOW, FREE)?.do).toBe("look_for_work");
    expect(nextOrder(waiting(4), NOW, FREE)).toBeNull();
  });

  test("what is handed in comes before what is computed, that before what is run", () => {
    const stages = ["assigned", "committed", "shown", "computed", "closed", "agreed"] as const;
    const state = after({ is: "assigned", tasks: stages.map((stage, index) => makeTask({ index, stage })) });
    const orders: unknown[] = [];
    let left = state;
    for (let order = nextOrder(left, NOW, FREE); order && "task" in order; order = nextOrder(left, NOW, FREE)) {
      orders.push(order.do);
      left = advance(left, { is: "given_up", task: order.task });
    }
    expect(orders).toEqual(["hand_in", "show", "commit", "ask", "ask", "run"]);
  });

  test("a task whose time is over is dropped whatever it waits for", () => {
    const state = after(assigned, computed);
    expect(nextOrder(state, NOW + 59, FREE)?.do).toBe("commit");
    expect(nextOrder(state, NOW + 60, FREE)?.do).toBe("expire");
  });

  test("a task that fails here three times is left to others", () => {
    const fail: Fact = { is: "could_not_run", task: key, now: NOW };
    const twice = after(assigned, fail, fail);
    expect(nextOrder(twice, NOW, FREE), "it waits between tries").toBeNull();
    expect(nextOrder(twice, NOW + 8, FREE)?.do).toBe("run");
    expect(advance(twice, fail).tasks).toEqual([]);
  });
});

describe("an orchestrator that does not answer", () => {
  const down: Fact = { is: "unavailable", now: NOW, waitSeconds: null };

  test("is asked ever less often, at least once a minute, and results are kept", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7].map((count) => after(...Array<Fact>(count).fill(down)).claimAfter - NOW);
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60]);
    const state = after(assigned, computed, down);
    expect(nextOrder(state, NOW + 1, FREE)).toBeNull();
    expect(nextOrder(state, NOW + 2, FREE)?.do).toBe("commit");
  });

  test("may say itself how long to wait", () => {
    expect(after({ ...down, waitSeconds: 17 }).claimAfter).toBe(NOW + 17);
  });

  test("does not keep a program from running", () => {
    expect(nextOrder(after(assigned, down), NOW, FREE)?.do).toBe("run");
  });

  test("is forgiven with its first answer", () => {
    expect(after(down, down, { is: "nothing_free", now: NOW, waitSeconds: 3 })).toMatchObject({
      failures: 0,
      claimAfter: NOW + 3,
    });
  });
});

test("it looks again when something is due, and each second", () => {
  expect(nextLook(START, NOW)).toBe(NOW + 1);
  expect(nextLook(after({ is: "nothing_free", now: NOW, waitSeconds: 0.4 }), NOW)).toBe(NOW + 0.4);
});
