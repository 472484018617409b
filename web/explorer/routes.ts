import { useEffect, useState } from "preact/hooks";

export type Route =
  | { readonly page: "market" | "workers" | "batches" | "ledger" }
  | { readonly page: "batch"; readonly orchestrator: string; readonly number: number }
  | { readonly page: "job"; readonly job: number; readonly task: number | null }
  | { readonly page: "worker"; readonly address: string }
  | { readonly page: "transaction"; readonly hash: string }
  | { readonly page: "find"; readonly text: string };

/** A hash route, so that the page works from any static host. What is not known leads to the market. */
export function parseRoute(hash: string): Route {
  const [page, first = "", second = ""] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (page === "jobs" && /^\d{1,15}$/.test(first)) {
    return { page: "job", job: Number(first), task: /^\d{1,6}$/.test(second) ? Number(second) : null };
  }
  if (page === "workers") return first ? { page: "worker", address: first } : { page: "workers" };
  if (page === "batches") {
    return /^\d{1,9}$/.test(second)
      ? { page: "batch", orchestrator: first, number: Number(second) }
      : { page: "batches" };
  }
  if (page === "ledger") return { page: "ledger" };
  if (page === "transactions" && /^0x[0-9a-f]{64}$/i.test(first)) return { page: "transaction", hash: first };
  if (page === "find" && first) return { page: "find", text: first };
  return { page: "market" };
}

export const link = {
  job: (job: number | bigint, task?: number) => `#/jobs/${job}${task === undefined ? "" : `/${task}`}`,
  batch: (orchestrator: string, number: number) => `#/batches/${orchestrator}/${number}`,
  worker: (address: string) => `#/workers/${address}`,
  transaction: (hash: string) => `#/transactions/${hash}`,
  find: (text: string) => `#/find/${encodeURIComponent(text)}`,
};

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const listener = () => {
      setHash(location.hash);
      document.getElementById("main")?.focus();
    };
    addEventListener("hashchange", listener);
    return () => removeEventListener("hashchange", listener);
  }, []);
  return parseRoute(hash);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
