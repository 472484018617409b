export type Lane = "direct" | "batch";

/** How much agreement a job pays for: `quorum` equal results out of at most `slots` runs of each task. */
export interface Policy {
  readonly id: "batch.standard" | "batch.insured" | "batch.strict" | "direct.1" | "direct.2" | "direct.3";
  readonly lane: Lane;
  readonly quorum: number;
  readonly slots: number;
}

/** The batch lane's as `edgebounty/client/policies.py` has them, the direct lane's by their quorum. */
export const POLICIES: readonly Policy[] = [
  { id: "batch.standard", lane: "batch", quorum: 2, slots: 2 },
  { id: "batch.insured", lane: "batch", quorum: 3, slots: 3 },
  { id: "batch.strict", lane: "batch", quorum: 9, slots: 9 },
  { id: "direct.1", lane: "direct", quorum: 1, slots: 1 },
  { id: "direct.2", lane: "direct", quorum: 2, slots: 3 },
  { id: "direct.3", lane: "direct", quorum: 3, slots: 5 },
];
export const USUAL_POLICY = POLICIES.find(({ id }) => id === "direct.2") as Policy;

export interface Price {
  readonly slotPrice: bigint;
  readonly feePerSlot: bigint;
  readonly slots: bigint;
  readonly escrow: bigint;
}

const ALL_BPS = 10_000n;
const LIARS = 0.2;

/** What a job costs in full when each slot pays `slotPrice` base units: as BountyEscrow.bountyFor. */
export function priceOf(slotPrice: bigint, tasks: number, policy: Policy, feeBps: number): Price {
  const feePerSlot = (slotPrice * BigInt(feeBps) + ALL_BPS - 1n) / ALL_BPS;
  const slots = BigInt(tasks) * BigInt(policy.slots);
  return { slotPrice, feePerSlot, slots, escrow: (slotPrice + feePerSlot) * slots };
}

/** Of the results of a batch-lane policy, how many may be wrong if a fifth of the workers lie, all alike: docs/verification.md. */
export function wrongShare(policy: Policy): number {
  return LIARS ** policy.slots;
}

/** Tokens as people write them ("50", "0.25") in base units; null for anything else. */
export function parseTokens(text: string, decimals: number): bigint | null {
  const found = /^(\d*)\.?(\d*)$/.exec(text.trim());
  const [, whole = "", fraction = ""] = found ?? [];
  if (!(whole || fraction) || fraction.length > decimals) return null;
  return BigInt(whole || "0") * 10n ** BigInt(decimals) + BigInt(fraction.padEnd(decimals, "0") || "0");
}
