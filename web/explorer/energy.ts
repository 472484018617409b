import type { Verdict } from "../verify/verifyTask";

// As in scripts/demo/energy.py; docs/energy.md has the source of each and what they leave out.
const PHONE_CORE_WATTS = 1.09;
const SERVER_CORE_WATTS = 3.5;
const SERVER_PUE = 1.135;

export interface Energy {
  readonly phonesJoules: number;
  readonly serverJoules: number;
}

/** A whole job's energy, extrapolated from the tasks that ran here; `replicas` are all results that were computed. */
export function estimateEnergy(verdicts: readonly Verdict[], tasks: number, replicas: number): Energy | null {
  if (!verdicts.length) return null;
  const seconds = verdicts.reduce((sum, verdict) => sum + verdict.seconds, 0) / verdicts.length;
  return {
    phonesJoules: replicas * seconds * PHONE_CORE_WATTS,
    serverJoules: tasks * seconds * SERVER_CORE_WATTS * SERVER_PUE,
  };
}
