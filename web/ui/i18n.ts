import { useEffect, useReducer } from "preact/hooks";

import { en, type Messages } from "./locales/en";

/** Languages, each by its own name. */
export const LANGUAGES = { en: "English", tr: "Türkçe", ar: "العربية" } as const;
export type Language = keyof typeof LANGUAGES;
export type MessageKey = keyof Messages;

const RIGHT_TO_LEFT: readonly Language[] = ["ar"];
const STORAGE_KEY = "edgebounty.language";

let language: Language = "en";
let messages: Messages = en;
const listeners = new Set<() => void>();
const loaders: ((wanted: Language) => Promise<void>)[] = [];

/** One whole message; `{name}` is replaced by the value of that name. Sentences are never joined from parts. */
export function t(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  return fill(messages[key], values);
}

/** The `t` of a page that has messages of its own; `load` brings another language when it is chosen. */
export function ownMessages<Own extends Readonly<Record<string, string>>>(
  english: Own,
  load: (wanted: Exclude<Language, "en">) => Promise<Own>,
): (key: keyof Own & string, values?: Readonly<Record<string, string | number>>) => string {
  let own = english;
  loaders.push(async (wanted) => {
    own = wanted === "en" ? english : await load(wanted);
  });
  return (key, values = {}) => fill(own[key] ?? key, values);
}

function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** A message whose key comes from data; the data itself when there is none. */
export function tData(prefix: string, word: string): string {
  const key = `${prefix}.${word}`;
  return Object.hasOwn(messages, key) ? messages[key as MessageKey] : word;
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
  const [loaded] = await Promise.all([load(wanted), ...loaders.map((own) => own(wanted))]);
  messages = loaded;
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

async function load(wanted: Language): Promise<Messages> {
  if (wanted === "tr") return (await import("./locales/tr")).tr;
  if (wanted === "ar") return (await import("./locales/ar")).ar;
  return en;
}
