import { useEffect, useState } from "preact/hooks";

import type { ChainTransaction } from "../chain/market";
import type { Hex } from "../protocol/bytes";
import { formatNumber } from "../ui/format";
import { Card, Facts, Name } from "../ui/parts";
import { t } from "../ui/words";
import { openChain } from "../api/documents";
import { EventTable } from "./EventTable";
import { link } from "./routes";

/** A transaction as the chain's node tells it. */
export function TransactionPage({ hash }: { hash: string }) {
  const [found, setFound] = useState<ChainTransaction | null | undefined>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    openChain()
      .then((chain) => chain.transaction(hash as Hex))
      .then(setFound, (error: Error) => setProblem(error.message));
  }, [hash]);
  return (
    <>
      <h1>{t("tx.title")}</h1>
      <p>
        <code>{hash}</code>
      </p>
      {problem && (
        <p class="notice" role="alert">
          {problem}
        </p>
      )}
      {found === undefined && !problem && <p role="status">{t("app.loading")}</p>}
      {found === null && <p>{t("tx.none")}</p>}
      {found && <Transaction tx={found} />}
    </>
  );
}

function Transaction({ tx }: { tx: ChainTransaction }) {
  const status = tx.ok === null ? t("tx.pending") : tx.ok ? t("tx.ok") : t("tx.reverted");
  return (
    <>
      <Card title={status}>
        <Facts
          facts={[
            [t("tx.from"), <Name text={tx.from} href={link.find(tx.from)} />],
            [t("tx.to"), tx.to ? <Name text={tx.to} /> : "–"],
            [t("tx.block"), tx.block === null ? "–" : formatNumber(tx.block)],
            [t("tx.gas"), tx.gasUsed === null ? "–" : formatNumber(tx.gasUsed)],
          ]}
        />
      </Card>
      <Card title={t("tx.events")}>
        <EventTable caption={t("tx.events")} name="transaction" events={tx.events} />
      </Card>
    </>
  );
}
