import { describe, expect, test } from "vitest";

import { POLICIES, type Policy, priceOf, wrongShare } from "../../web/jobs/price";
import { readVectors } from "./vectors";

interface Case {
  readonly tasks: number;
  readonly feeBps: number;
  readonly slotPrice: string;
  readonly feePerSlot: string;
  readonly batch: readonly { name: string; copies: number; escrow: string; wrong: string }[];
  readonly direct: readonly { quorum: number; slots: number; escrow: string }[];
}

const of = (lane: Policy["lane"]) => POLICIES.filter((policy) => policy.lane === lane);

describe.each(readVectors<Case[]>("prices"))("$tasks tasks at a fee of $feeBps", (it) => {
  const price = (policy: Policy) => priceOf(BigInt(it.slotPrice), it.tasks, policy, it.feeBps);

  test("the batch lane's policies cost what the Python client says, and let as much through", () => {
    const shown = of("batch").map((policy) => [
      policy.id,
      policy.quorum,
      policy.slots,
      String(price(policy).escrow),
      wrongShare(policy).toPrecision(3),
    ]);
    expect(shown).toEqual(
      it.batch.map(({ name, copies, escrow, wrong }) => [
        `batch.${name}`,
        copies,
        copies,
        escrow,
        Number(wrong).toPrecision(3),
      ]),
    );
  });

  test("the direct lane's quorums cost what the Python client says", () => {
    const shown = of("direct").map((policy) => ({
      quorum: policy.quorum,
      slots: policy.slots,
      escrow: String(price(policy).escrow),
    }));
    expect(shown).toEqual(it.direct);
    expect(shown.length).toBe(3);
  });

  test("the fee is rounded up on every run", () => {
    for (const policy of POLICIES) expect(String(price(policy).feePerSlot)).toBe(it.feePerSlot);
  });
});
