import { useEffect, useReducer } from "preact/hooks";

/** Languages, each by its own name. */
export const LANGUAGES = { en: "English", tr: "Türkçe", ar: "العربية" } as const;
export type Language = keyof typeof LANGUAGES;
export type Values = Readonly<Record<string, string | number>>;

const RIGHT_TO_LEFT: readonly Language[] = ["ar"];
const STORAGE_KEY = "edgebounty.language";

let language: Language = "en";
const listeners = new Set<() => void>();
const loaders: ((wanted: Language) => Promise<void>)[] = [];

/**
 * The messages of a page; `load` brings another language when it is chosen. What comes back gives one whole message, with
 * `{name}` replaced by the value of that name: sentences are never joined from parts.
 */
export function messagesOf<Own extends Readonly<Record<string, string>>>(
  english: Own,
  load: (wanted: Exclude<Language, "en">) => Promise<Own>,
): (key: keyof Own & string, values?: Values) => string {
  let own = english;
  loaders.push(async (wanted) => {
    own = wanted === "en" ? english : await load(wanted);
  });
  return (key, values = {}) => (own[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

export function currentLanguage(): Language {
  return language;
}

/** Renders the component again when the language changes. */
export function useLanguage(): Language {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const listener = () => again(undefined);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return language;
}

export async function setLanguage(wanted: Language): Promise<void> {
  await Promise.all(loaders.map((load) => load(wanted)));
  language = wanted;
  document.documentElement.lang = wanted;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(wanted) ? "rtl" : "ltr";
  try {
    localStorage.setItem(STORAGE_KEY, wanted);
  } catch {
    // Storage may be denied; the choice then lasts for this visit.
  }
  for (const listener of listeners) listener();
}

/** The language chosen before, else the first of the browser's that we speak. */
export function preferredLanguage(): Language {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORAGE_KEY);
  } catch {
    // as above
  }
  const wanted = [stored, ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return (wanted.find((tag) => tag && Object.hasOwn(LANGUAGES, tag)) ?? "en") as Language;
}
