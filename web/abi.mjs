// Writes generated/abi.ts: of the shipped contract artifacts, what the pages call and read, typed for viem.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const ARTIFACTS = new URL("../edgebounty/chain/artifacts/", import.meta.url);
const FUNCTIONS = {
  BountyEscrow: [
    "terms",
    "requesterOf",
    "escrowOf",
    "postJobWithPermit",
    "stop",
    "isStopped",
    "creditOf",
    "withdraw",
    "refund",
    "refundable",
  ],
  DirectLane: ["resultOf", "progress"],
  StakeVault: [],
  BatchLane: ["postWithData"],
  BatchChallenges: [],
  BatchPayouts: [],
  EdgeToken: ["name", "symbol", "decimals", "nonces", "balanceOf", "eip712Domain"],
};

const parts = Object.entries(FUNCTIONS).map(([name, functions]) => {
  const { abi } = JSON.parse(readFileSync(new URL(`${name}.json`, ARTIFACTS), "utf8"));
  const kept = abi.filter(
    (entry) =>
      (entry.type === "function" && functions.includes(entry.name)) ||
      (entry.type === "event" && name !== "EdgeToken") ||
      (entry.type === "error" && name === "BountyEscrow"),
  );
  const missing = functions.filter((wanted) => !kept.some((entry) => entry.name === wanted));
  if (missing.length) throw new Error(`${name} has no ${missing.join(", ")}`);
  return `export const ${name} = ${JSON.stringify(kept.map(slim))} as const;\n`;
});
mkdirSync(new URL("generated/", import.meta.url), { recursive: true });
writeFileSync(new URL("generated/abi.ts", import.meta.url), parts.join("\n"));

/** Without the compiler's internal types, which nothing here reads. */
function slim(value) {
  if (Array.isArray(value)) return value.map(slim);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "internalType" && key !== "anonymous")
      .map(([key, inner]) => [key, slim(inner)]),
  );
}
