import { useEffect, useState } from "preact/hooks";

import { useLanguage } from "../ui/i18n";
import { LanguageChoice } from "../ui/parts";
import { t } from "../ui/words";
import { Board } from "./Board";
import { PostForm } from "./PostForm";
import { say } from "./words";

/** Posting a job, or watching the one that `#/jobs/N` names: it can be opened again later, or by somebody else. */
export function App() {
  useLanguage();
  const job = useJob();
  useEffect(() => {
    document.title = say("title");
  });
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        {t("app.skip")}
      </a>
      <header class="top">
        <a class="brand" href="#/">
          Edgebounty
        </a>
        <nav aria-label={say("title")}>
          <ul>
            <li>
              <a href="#/" {...(job === null ? { "aria-current": "page" as const } : {})}>
                {say("new")}
              </a>
            </li>
            <li>
              <a href="../explorer/">{t("app.explorer")}</a>
            </li>
          </ul>
        </nav>
        <LanguageChoice label={t("app.language")} />
      </header>
      <main id="main" tabIndex={-1} class="stack">
        {job === null ? (
          <PostForm onPosted={(id) => (location.hash = `#/jobs/${id}`)} />
        ) : (
          <Board key={job} job={job} />
        )}
      </main>
    </div>
  );
}

function useJob(): number | null {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const listener = () => setHash(location.hash);
    addEventListener("hashchange", listener);
    return () => removeEventListener("hashchange", listener);
  }, []);
  const found = /^#\/jobs\/(\d{1,15})$/.exec(hash);
  return found ? Number(found[1]) : null;
}
