import type { ComponentChildren } from "preact";

import { formatNumber, formatRelative, formatTime } from "../ui/format";
import { t } from "../ui/words";
import type { Freshness, Shown } from "../api/documents";

/** A document's page: how fresh it is, what is wrong, and its content as soon as there is one. */
export function ShownDocument<T extends { readonly block?: Freshness }>({
  shown,
  children,
}: {
  shown: Shown<T>;
  children: (document: T) => ComponentChildren;
}) {
  const { document, problem } = shown;
  return (
    <>
      {problem && (
        <p class="notice" role="alert">
          {t("app.offline", { reason: problem.message })}
        </p>
      )}
      {document ? children(document) : !problem && <p role="status">{t("app.loading")}</p>}
      {document?.block && <FreshnessLine block={document.block} />}
    </>
  );
}

function FreshnessLine({ block }: { block: Freshness }) {
  return (
    <footer class="row quiet">
      <span>{t("fresh.block", { number: formatNumber(block.number) })}</span>
      <time dateTime={new Date(block.time * 1000).toISOString()} title={formatTime(block.time)}>
        {formatRelative(block.time)}
      </time>
      <span>{t("fresh.lag", { number: formatNumber(block.final) })}</span>
    </footer>
  );
}
