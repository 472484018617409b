import type { Bytes } from "../../protocol/bytes";
import { LaneRefused, LaneUnavailable } from "./lane";

const SECONDS = 20;
const LONGEST_WAIT = 300;
const LARGEST_ANSWER = 4 << 20;

/**
 * One question to the orchestrator, JSON both ways. Throws `LaneUnavailable` when it may help to ask again (no answer,
 * 429, 5xx, nonsense), `LaneRefused` when the orchestrator says no.
 */
export async function ask<T>(base: string, path: string, body?: unknown): Promise<T> {
  const json = body === undefined ? undefined : new Blob([JSON.stringify(body)], { type: "application/json" });
  return (await exchange(base, path, json)) as T;
}

/** Sends bytes as they are. Throws as `ask`. */
export async function send(base: string, path: string, bytes: Bytes): Promise<void> {
  await exchange(base, path, new Blob([bytes], { type: "application/octet-stream" }));
}

async function exchange(base: string, path: string, body: Blob | undefined): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${base}${path}`, {
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(SECONDS * 1000),
      ...(body && { method: "POST", body }),
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
  return said;
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
