import { EdgebountyError } from "../protocol/errors";
import { messagesOf, type Values } from "../ui/i18n";
import { en, type Messages } from "./locales/en";

/** One whole message of this page, in the chosen language. */
export const say = messagesOf<Messages>(en, async (wanted) =>
  wanted === "tr" ? (await import("./locales/tr")).tr : (await import("./locales/ar")).ar,
);

export type Word = keyof Messages;

/** Why something did not work: in the chosen language where the reason is one that has words, else as it was said. */
export function sayError(error: unknown, values: Values = {}): string {
  const code = error instanceof EdgebountyError ? `error.${error.code}` : "";
  return Object.hasOwn(en, code) ? say(code as Word, values) : (error as Error).message;
}
