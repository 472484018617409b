import { formatNumber } from "../ui/format";
import { PartsBar } from "../ui/parts";
import { t } from "../ui/words";
import type { Verdict } from "../verify/verifyTask";
import type { JobDocument } from "../api/documents";
import { estimateEnergy } from "./energy";

/** The job's energy beside a server's for the same work: an estimate, and marked as one. */
export function EnergyTable({ job, verdicts }: { job: JobDocument; verdicts: readonly Verdict[] }) {
  const computed = job.task_list.flatMap((task) => task.claims).filter((claim) => claim.status !== "expired").length;
  const energy = estimateEnergy(verdicts, job.settled, computed);
  return (
    <>
      <h3>{t("energy.title")}</h3>
      {energy ? (
        <>
          <p class="quiet">{t("energy.lead")}</p>
          <PartsBar
            caption={t("energy.title")}
            names={[t("energy.who"), t("energy.joules")]}
            parts={[
              { label: t("energy.phones"), value: energy.phonesJoules, shown: joules(energy.phonesJoules) },
              { label: t("energy.server"), value: energy.serverJoules, shown: joules(energy.serverJoules) },
            ]}
          />
        </>
      ) : (
        <p class="quiet">{t("energy.none")}</p>
      )}
    </>
  );
}

/** Joules have no unit in Intl; the symbol is the same everywhere. */
function joules(value: number): string {
  return `${formatNumber(value, { maximumSignificantDigits: 3 })} J`;
}
