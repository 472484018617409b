import { messagesOf } from "../ui/i18n";
import { en, type Messages } from "./locales/en";

/** One whole message of this page, in the chosen language. */
export const say = messagesOf<Messages>(en, async (wanted) =>
  wanted === "tr" ? (await import("./locales/tr")).tr : (await import("./locales/ar")).ar,
);

export type Word = keyof Messages;
