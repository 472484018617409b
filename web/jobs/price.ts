/** How much agreement a job pays for, in the direct lane: `quorum` equal results out of at most `slots` replicas. */
export interface Policy {
  readonly name: "quick" | "standard" | "strict";
  readonly quorum: number;
  readonly slots: number;
}

export const POLICIES: readonly Policy[] = [
  { name: "quick", quorum: 1, slots: 1 },
  { name: "standard", quorum: 2, slots: 3 },
  { name: "strict", quorum: 3, slots: 5 },
];

export interface Price {
  readonly slotPrice: bigint;
  readonly feePerSlot: bigint;
  readonly slots: bigint;
  readonly escrow: bigint;
}

const ALL_BPS = 10_000n;

/** What a job costs in full when each slot pays `slotPrice` base units: as BountyEscrow.bountyFor. */
export function priceOf(slotPrice: bigint, tasks: number, policy: Policy, feeBps: number): Price {
  const feePerSlot = (slotPrice * BigInt(feeBps) + ALL_BPS - 1n) / ALL_BPS;
  const slots = BigInt(tasks) * BigInt(policy.slots);
  return { slotPrice, feePerSlot, slots, escrow: (slotPrice + feePerSlot) * slots };
}

/** Tokens as people write them ("50", "0.25") in base units; null for anything else. */
export function parseTokens(text: string, decimals: number): bigint | null {
  const found = /^(\d*)\.?(\d*)$/.exec(text.trim());
  const [, whole = "", fraction = ""] = found ?? [];
  if (!(whole || fraction) || fraction.length > decimals) return null;
  return BigInt(whole || "0") * 10n ** BigInt(decimals) + BigInt(fraction.padEnd(decimals, "0") || "0");
}
