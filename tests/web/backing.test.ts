import { describe, expect, test } from "vitest";

import { judge } from "../../web/phone/work/backing";

const ORCHESTRATOR = "0x00000000000000000000000000000000000000aa" as const;
const market = { chainId: 31337n, orchestrator: ORCHESTRATOR };
const PRICE = 10n;

type Words = readonly bigint[] | null;
interface Answers {
  chain: Words;
  job: Words;
  escrow: Words;
  free: Words;
  allotted: Words;
  least: Words;
}

/** Ten tasks with three places each; two tasks are in batches already. */
function judged(changes: Partial<Answers> = {}) {
  const answers: Answers = {
    chain: [31337n],
    job: [BigInt(ORCHESTRATOR), 99n, 2n, 10n, 3n, PRICE, 1n],
    escrow: [8n * 3n * PRICE],
    free: [60n],
    allotted: [40n, 5n, 0n],
    least: [100n],
    ...changes,
  };
  const { chain, job, escrow, free, allotted, least } = answers;
  return judge([chain, job, escrow, free, allotted, least], market, PRICE);
}

describe("what stands behind a job on chain", () => {
  test("escrow for every receipt that may still be posted, and stake for a bond: nothing is missing", () => {
    expect(judged()).toBeNull();
  });

  test("one base unit less in escrow, or the job of another, is no pay", () => {
    expect(judged({ escrow: [8n * 3n * PRICE - 1n] })?.code).toBe("no_escrow");
    expect(judged({ job: null, escrow: null })?.code).toBe("no_escrow");
    expect(judged({ job: [0xbbn, 99n, 2n, 10n, 3n, PRICE, 1n] })?.code).toBe("no_escrow");
  });

  test("another price than the orchestrator says is no pay either", () => {
    expect(judged({ job: [BigInt(ORCHESTRATOR), 99n, 2n, 10n, 3n, PRICE - 1n, 1n] })?.code).toBe("no_escrow");
  });

  test("stake that ends does not count for the bond", () => {
    expect(judged({ free: [59n] })?.code).toBe("no_bond");
    expect(judged({ free: [0n], allotted: [0n, 500n, 7n] })?.code).toBe("no_bond");
  });

  test("a node of another chain, or one that says nothing of the stake, is no answer", () => {
    expect(() => judged({ chain: [1n] })).toThrow("it is on chain 1");
    expect(() => judged({ least: null })).toThrow("no answer");
  });
});
