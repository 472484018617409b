import { useEffect, useState } from "preact/hooks";

import { useLanguage } from "../ui/i18n";
import { LanguageChoice } from "../ui/parts";
import { t } from "../ui/words";
import { BatchesPage, BatchPage } from "./BatchPages";
import { FindPage } from "./FindPage";
import { JobPage } from "./JobPage";
import { LedgerPage } from "./LedgerPage";
import { MarketPage } from "./MarketPage";
import { link, type Route, useRoute } from "./routes";
import { TransactionPage } from "./TransactionPage";
import { WorkerPage, WorkersPage } from "./WorkerPages";

export function App() {
  useLanguage();
  const route = useRoute();
  useEffect(() => {
    document.title = t("app.explorer");
  });
  const here = (page: Route["page"]) => (route.page === page ? ({ "aria-current": "page" } as const) : {});
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={focusMain}>
        {t("app.skip")}
      </a>
      <header class="top">
        <a class="brand" href="#/">
          Edgebounty
        </a>
        <nav aria-label={t("app.explorer")}>
          <ul>
            <li>
              <a href="#/" {...here("market")}>
                {t("nav.market")}
              </a>
            </li>
            <li>
              <a href="#/workers" {...here("workers")}>
                {t("nav.workers")}
              </a>
            </li>
            <li>
              <a href="#/batches" {...here("batches")}>
                {t("nav.batches")}
              </a>
            </li>
            <li>
              <a href="#/ledger" {...here("ledger")}>
                {t("nav.ledger")}
              </a>
            </li>
          </ul>
        </nav>
        <LanguageChoice label={t("app.language")} />
      </header>
      <main id="main" tabIndex={-1} class="stack">
        <Search />
        <Page route={route} />
      </main>
    </div>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "market":
      return <MarketPage />;
    case "workers":
      return <WorkersPage />;
    case "batches":
      return <BatchesPage />;
    case "batch":
      return (
        <BatchPage
          key={`${route.orchestrator}/${route.number}`}
          orchestrator={route.orchestrator}
          number={route.number}
        />
      );
    case "ledger":
      return <LedgerPage />;
    case "job":
      return <JobPage key={route.job} job={route.job} task={route.task} />;
    case "worker":
      return <WorkerPage key={route.address} address={route.address} />;
    case "transaction":
      return <TransactionPage key={route.hash} hash={route.hash} />;
    case "find":
      return <FindPage key={route.text} text={route.text} />;
  }
}

function Search() {
  const [text, setText] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted) location.hash = link.find(wanted);
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <label>
        {t("search.label")}
        <input
          type="search"
          maxLength={100}
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        {t("search.go")}
      </button>
    </form>
  );
}

/** Not by the link's own address: that would be taken for a route. */
function focusMain(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
