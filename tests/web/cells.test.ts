import { expect, test } from "vitest";

import type { TaskLine } from "../../web/api/documents";
import { batchCells, countCells, directCells, roundsDone, stragglers } from "../../web/requester/cells";

test("a batch-lane task that is agreed is paid once the chain has its batch", () => {
  expect(batchCells("aarwocmvda", 2)).toEqual([
    ...["paid", "paid", "refunded", "waiting", "open", "claimed", "committed", "compared", "disputed", "agreed"],
  ]);
});

test("a given-up task inside a batch on chain stays refunded", () => {
  expect(batchCells("ara", 3)).toEqual(["paid", "refunded", "paid"]);
});

test("a letter of a newer release is shown as open, not lost", () => {
  expect(batchCells("z", 0)).toEqual(["open"]);
});

test("direct-lane tasks follow their claims, and what is not listed waits", () => {
  const line = (task_index: number, status: string, claims: string[] = [], wave = 0): TaskLine => ({
    task_index,
    status,
    wave,
    result: null,
    claims: claims.map((each) => ({ worker: "0x", status: each, digest: null })),
  });
  const lines = [
    line(0, "settled"),
    line(1, "refunded"),
    line(2, "revealing"),
    line(3, "filling", ["committed"], 1),
    line(4, "filling", ["claimed", "committed"]),
    line(5, "filling", ["claimed"]),
    line(6, "filling"),
    line(99, "settled"), // of a hostile answer: beyond the job
  ];
  expect(directCells(8, lines)).toEqual([
    ...["paid", "refunded", "compared", "disputed", "committed", "claimed", "open", "waiting"],
  ]);
});

test("every task is counted once", () => {
  const counts = countCells(batchCells("aaowr", 1));
  expect(counts).toMatchObject({ paid: 1, agreed: 1, open: 1, waiting: 1, refunded: 1, disputed: 0 });
  expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(5);
});

test.each([
  ["ooow", 4, []], // all alike: nobody is late
  ["aaow", 4, [2]],
  ["aacm", 4, [2, 3]],
  ["accw", 4, []], // most of the round is still going
  ["aaaaaocw", 4, []], // the second round has just begun
  ["aaaaaarw", 4, []],
  ["aaaaaavw", 4, [6]],
])("in %j with rounds of %i tasks, %j are late", (letters, perRound, late) => {
  expect(stragglers(batchCells(letters, 0), perRound)).toEqual(late);
});

test.each([
  ["aawwww", 3, 0],
  ["aaaoww", 3, 1],
  ["aaaaaa", 3, 2],
  ["aarooo", 3, 0], // a round without a result ends the job
])("in %j with rounds of %i tasks, %i are done", (letters, perRound, done) => {
  expect(roundsDone(batchCells(letters, 2), perRound)).toBe(done);
});
