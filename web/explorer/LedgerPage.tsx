import { formatTokens } from "../ui/format";
import { Card, Facts, PartsBar, save } from "../ui/parts";
import { t } from "../ui/words";
import { type LedgerDocument, useDocument } from "../api/documents";
import { ShownDocument } from "./Shown";

const PLACES = ["escrow", "stake", "credits", "withdrawn", "fees", "burned"] as const;

export function LedgerPage() {
  const shown = useDocument<LedgerDocument>("/v1/ledger");
  return (
    <>
      <h1>{t("ledger.title")}</h1>
      <p class="quiet">{t("ledger.lead")}</p>
      <ShownDocument shown={shown}>{(ledger) => <Ledger ledger={ledger} />}</ShownDocument>
    </>
  );
}

function Ledger({ ledger }: { ledger: LedgerDocument }) {
  const sum = PLACES.reduce((total, place) => total + BigInt(ledger[place]), 0n);
  const difference = BigInt(ledger.deposited) - sum;
  return (
    <Card title={t("ledger.title")}>
      <PartsBar
        caption={t("ledger.title")}
        names={[t("ledger.place"), t("ledger.amount")]}
        parts={PLACES.map((place) => ({
          label: t(`ledger.${place}`),
          value: Number(BigInt(ledger[place]) / 10n ** 9n),
          shown: formatTokens(ledger[place]),
        }))}
      />
      <Facts
        facts={[
          [t("ledger.deposited"), formatTokens(ledger.deposited)],
          [t("ledger.sum"), formatTokens(sum)],
        ]}
      />
      <p class={difference === 0n ? "verdict good" : "verdict bad"} data-ledger={difference === 0n ? "right" : "wrong"}>
        {difference === 0n ? t("ledger.right") : t("ledger.wrong", { difference: String(difference) })}
      </p>
      <div class="row">
        <button type="button" onClick={() => save("ledger.json", "application/json", JSON.stringify(ledger, null, 1))}>
          {t("table.json")}
        </button>
        <button type="button" onClick={() => save("ledger.csv", "text/csv", csvOf(ledger))}>
          {t("table.csv")}
        </button>
      </div>
    </Card>
  );
}

function csvOf(ledger: LedgerDocument): string {
  const lines = (["deposited", ...PLACES, "difference"] as const).map((name) => `${name},${ledger[name]}`);
  return `${["place,base_units", ...lines].join("\r\n")}\r\n`;
}
