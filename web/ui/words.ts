import { messagesOf } from "./i18n";
import { en, type Messages } from "./locales/en";

export type MessageKey = keyof Messages;

/** One whole message of the explorer and of the requester's page. A page that says nothing with it does not carry it. */
export const t = /* @__PURE__ */ messagesOf<Messages>(en, async (wanted) =>
  wanted === "tr" ? (await import("./locales/tr")).tr : (await import("./locales/ar")).ar,
);

/** A message whose key comes from data; the data itself when there is none. */
export function tData(prefix: string, word: string): string {
  const key = `${prefix}.${word}`;
  return Object.hasOwn(en, key) ? t(key as MessageKey) : word;
}
