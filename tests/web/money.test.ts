import { decodeFunctionData } from "viem";
import { expect, test } from "vitest";

import type { MarketChain } from "../../web/chain/market";
import { BountyEscrow } from "../../web/generated/abi";
import type { Hex } from "../../web/protocol/bytes";
import { doMoney, type MoneyAct } from "../../web/requester/money";

const ESCROW: Hex = `0x${"22".repeat(20)}`;
const OWNER: Hex = `0x${"11".repeat(20)}`;
const RECEIVER: Hex = `0x${"33".repeat(20)}`;

/** What the wallet is asked to send, and what comes of it. */
async function done(act: MoneyAct, ok: boolean) {
  const sent: { from: Hex; to: Hex; data: Hex }[] = [];
  const provider = {
    request: async ({ params }: { params?: readonly unknown[] }) => {
      sent.push((params as [(typeof sent)[number]])[0]);
      return "0xabc";
    },
  };
  const chain = { at: { escrow: ESCROW }, transaction: async () => ({ ok }) } as unknown as MarketChain;
  const ended = doMoney(chain, provider, OWNER, act, { job: 7n, receiver: RECEIVER });
  return { ended: await ended.catch((error: Error) => error.message), sent };
}

test.each<[MoneyAct, string, readonly unknown[]]>([
  ["stop", "stop", [7n]],
  ["collect", "refund", [7n]],
  ["withdraw", "withdraw", [RECEIVER]],
])("to %s is one call of the escrow: %s", async (act, functionName, args) => {
  const { ended, sent } = await done(act, true);
  expect(ended).toBe("0xabc");
  expect(sent.map(({ from, to }) => [from, to])).toEqual([[OWNER, ESCROW]]);
  const call = decodeFunctionData({ abi: BountyEscrow, data: sent[0]?.data ?? "0x" });
  expect(call).toEqual({ functionName, args });
});

test("what was reverted is said to be so", async () => {
  expect((await done("collect", false)).ended).toContain("reverted");
});
