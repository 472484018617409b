import { EdgebountyError } from "../protocol/errors";

const SECONDS = 20;

/** The chain's node does not answer, or answers with an error: asking again may do. */
export class ChainUnavailable extends EdgebountyError {
  constructor(detail: string, options?: { cause?: unknown }) {
    super("chain_unavailable", detail, options);
  }
}

/** One Ethereum node, asked by JSON-RPC. */
export class Rpc {
  private lastId = 0;

  constructor(readonly url: string) {}

  /** Throws `ChainUnavailable`. */
  async call<T>(method: string, params: readonly unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: ++this.lastId, method, params });
    let answer: { result?: T; error?: { message?: string } };
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        credentials: "omit",
        signal: AbortSignal.timeout(SECONDS * 1000),
        body,
      });
      answer = (await response.json()) as typeof answer;
    } catch (cause) {
      throw new ChainUnavailable(`${this.url}: ${(cause as Error).message}`, { cause });
    }
    if (answer.error || answer.result === undefined) {
      throw new ChainUnavailable(`${this.url}: ${method}: ${answer.error?.message ?? "no result"}`);
    }
    return answer.result;
  }
}
