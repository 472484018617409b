import { LaneRefused, LaneUnavailable } from "./lane";

const SECONDS = 20;
const LONGEST_WAIT = 300;
const LARGEST_ANSWER = 4 << 20;

/**
 * One question to the orchestrator, JSON both ways. Throws `LaneUnavailable` when it may help to ask again (no answer,
 * 429, 5xx, nonsense), `LaneRefused` when the orchestrator says no.
 */
export async function ask<T>(base: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${base}${path}`, {
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(SECONDS * 1000),
      ...(body !== undefined && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    text = await response.text();
  } catch (cause) {
    throw new LaneUnavailable("unreachable", (cause as Error).message);
  }
  const { status } = response;
  const said = text.length <= LARGEST_ANSWER ? parse(text) : null;
  if (status === 429 || status === 503) throw new LaneUnavailable("busy", messageOf(said, status), waitOf(response));
  if (status >= 500 || said === null)
    throw new LaneUnavailable("unreachable", messageOf(said, status), waitOf(response));
  if (status >= 400) throw new LaneRefused(messageOf(said, status), text.slice(0, 2000));
  return said as T;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? null;
  } catch {
    return null;
  }
}

/** What it says itself, as text and not too long. */
function messageOf(said: unknown, status: number): string {
  const error = (said as { error?: unknown } | null)?.error;
  const message = typeof error === "string" ? error : (error as { message?: unknown } | undefined)?.message;
  return typeof message === "string" ? message.slice(0, 300) : `status ${status}`;
}

function waitOf(response: Response): number | null {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return seconds > 0 ? Math.min(seconds, LONGEST_WAIT) : null;
}
