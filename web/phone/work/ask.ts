import type { Bytes } from "../../protocol/bytes";
import type { Cid } from "../../protocol/cid";
import { LaneRefused, LaneUnavailable, ReceiptConflict, TicketOver } from "./lane";

const SECONDS = 20;
const LONGEST_WAIT = 300;
const LARGEST_ANSWER = 4 << 20;

/**
 * One question to the orchestrator, JSON both ways. Throws `LaneUnavailable` when it may help to ask again (no answer,
 * 409, 429, 5xx, nonsense), `TicketOver`, and `LaneRefused` when the orchestrator says no.
 */
export async function ask<T>(base: string, path: string, body?: unknown): Promise<T> {
  const json = body === undefined ? undefined : new Blob([JSON.stringify(body)], { type: "application/json" });
  const { response, text } = await exchange(`${base}${path}`, json ? { method: "POST", body: json } : {});
  const { status } = response;
  const said = text.length <= LARGEST_ANSWER ? parse(text) : null;
  const detail = messageOf(said, status);
  if (status === 409) throw new ReceiptConflict(detail);
  if (status === 429 || status === 503) throw new LaneUnavailable("busy", detail, waitOf(response));
  if (status >= 500 || said === null) throw new LaneUnavailable("unreachable", detail, waitOf(response));
  if (status === 403) throw new TicketOver(detail);
  if (status >= 400) throw new LaneRefused(detail, text.slice(0, 2000));
  return said as T;
}

/** Puts one block under its CID, with a signed permission. Throws as `ask`; a gateway's own errors are plain text. */
export async function putBlock(base: string, cid: Cid, bytes: Bytes, permission: string): Promise<void> {
  const how = { method: "PUT", headers: { authorization: permission }, body: new Blob([bytes]) };
  const { response, text } = await exchange(`${base}/ipfs/${cid}`, how);
  if (response.ok) return;
  const detail = text.slice(0, 300) || `status ${response.status}`;
  if (response.status >= 500 || response.status === 429) throw new LaneUnavailable("busy", detail, waitOf(response));
  throw new LaneRefused(`the gateway does not take the output: ${detail}`);
}

async function exchange(url: string, how: RequestInit): Promise<{ response: Response; text: string }> {
  const signal = AbortSignal.timeout(SECONDS * 1000);
  try {
    const response = await fetch(url, { credentials: "omit", cache: "no-store", signal, ...how });
    return { response, text: await response.text() };
  } catch (cause) {
    throw new LaneUnavailable("unreachable", (cause as Error).message);
  }
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
