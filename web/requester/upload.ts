import { EdgebountyError } from "../protocol/errors";
import type { Block } from "../protocol/unixfs";

const SECONDS = 60;
const TRIES = 5;
const LONGEST_WAIT_SECONDS = 30;

/** The gateway did not take the content; no money has moved. */
export class UploadFailed extends EdgebountyError {
  constructor(detail: string, options?: { cause?: unknown }) {
    super("upload_failed", detail, options);
  }
}

export interface Uploading {
  readonly gateway: string;
  readonly permission: string;
  /** Called before each block, and again with `waitSeconds` when the gateway is busy or does not answer. */
  readonly onProgress: (done: number, waitSeconds: number) => void;
  readonly sleep?: (seconds: number) => Promise<void>;
}

/** Puts every block that the gateway does not have yet, trying again while it is busy. Throws `UploadFailed`. */
export async function uploadBlocks(blocks: readonly Block[], uploading: Uploading): Promise<void> {
  for (const [i, block] of blocks.entries()) {
    uploading.onProgress(i, 0);
    const url = `${uploading.gateway}/ipfs/${block.cid}`;
    const known = await again(`${url}?format=raw`, { method: "HEAD" }, i, uploading);
    if (known.ok) continue;
    const headers = { Authorization: uploading.permission };
    const answer = await again(url, { method: "PUT", headers, body: block.bytes }, i, uploading);
    if (!answer.ok) throw new UploadFailed(`HTTP ${answer.status}: ${(await answer.text()).slice(0, 300).trim()}`);
  }
}

/** One request, asked again after 429, 5xx and silence: nothing is lost by asking twice, content has one name. */
async function again(url: string, init: RequestInit, done: number, uploading: Uploading): Promise<Response> {
  const { onProgress, sleep = pause } = uploading;
  for (let tried = 1; ; tried++) {
    let problem: string;
    let wait = Math.min(LONGEST_WAIT_SECONDS, 2 ** (tried - 1));
    let cause: unknown;
    try {
      const answer = await fetch(url, { ...init, credentials: "omit", signal: AbortSignal.timeout(SECONDS * 1000) });
      if (answer.status !== 429 && answer.status < 500) return answer;
      wait = Math.min(LONGEST_WAIT_SECONDS, Number(answer.headers.get("retry-after")) || wait);
      problem = `HTTP ${answer.status}`;
    } catch (error) {
      cause = error;
      problem = (error as Error).message;
    }
    if (tried === TRIES) throw new UploadFailed(`${problem}, asked ${TRIES} times`, { cause });
    onProgress(done, wait);
    await sleep(wait);
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
