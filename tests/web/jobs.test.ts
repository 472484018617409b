import { describe, expect, test } from "vitest";

import { splitRows } from "../../web/jobs/assemble";
import { planAnalyze, programName } from "../../web/jobs/planAnalyze";
import { parseTokens } from "../../web/jobs/price";
import { readTable, type Table } from "../../web/jobs/readTable";
import { Cid, RAW } from "../../web/protocol/cid";
import { readProgram, readVectors } from "./vectors";

interface Plan {
  rows: number;
  columns: string[];
  shards: number;
  program: string;
  manifest: string;
  blocks: number;
}

test.each(readVectors<Plan[]>("plans"))("$rows rows in $shards shards are planned as Python plans them", async (it) => {
  const values = Float64Array.from({ length: it.rows * it.columns.length }, (_, i) => i / 7 - 10);
  const table: Table = { columns: it.columns, rows: it.rows, values };
  const name = programName(table);
  const pair = { program: readProgram(name), reducer: readProgram(`${name}.reduce`) };

  const planned = await planAnalyze(table, pair, it.shards);

  expect([name, String(new Cid(RAW, planned.manifestDigest))]).toEqual([it.program, it.manifest]);
  expect(new Set(planned.blocks.map(({ cid }) => String(cid))).size).toBe(it.blocks);
});

test("rows are cut evenly, and not into more shards than there are rows", () => {
  expect(splitRows(10, 4, 3)).toEqual([
    [0, 3],
    [3, 6],
    [6, 10],
  ]);
  for (const shards of [2, 11, 0, 2.5]) expect(() => splitRows(10, 4, shards)).toThrow("shards");
});

describe("tables", () => {
  test("quoted names, empty lines and either line end are read", () => {
    const table = readTable('\ufeffa,"b, ""c"""\r\n1,-2.5e3\n\n.5,+7.\n');
    expect(table.columns).toEqual(["a", 'b, "c"']);
    expect([...table.values]).toEqual([1, -2500, 0.5, 7]);
  });

  test.each([
    ["a,b\n1,2\n3,x", "row 2, column b"],
    ["a\nNaN", "row 1, column a"],
    ["a\n1e999", "row 1, column a"],
    ["a\n0x10", "row 1, column a"],
    ["a,b\n1,", "row 1, column b"],
    ["a,b\n1", "row 1"],
    ["a,a\n1,2", "two columns"],
    ["a", "no row"],
    ["", "no row"],
    ['"a\n1', "not closed"],
  ])("%j is refused, naming the place", (text, place) => {
    expect(() => readTable(text)).toThrow(place);
  });
});

test.each([
  ["50", 50n * 10n ** 18n],
  [".25", 25n * 10n ** 16n],
  ["1.", 10n ** 18n],
  ["", null],
  [".", null],
  ["-1", null],
  ["1e3", null],
  ["0.0000000000000000001", null],
])("%j tokens", (text, amount) => {
  expect(parseTokens(text, 18)).toBe(amount);
});
