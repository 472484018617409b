import { readdirSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

const WEB = new URL("../../web/", import.meta.url);

/** Which folder of web/ may import which others: the same arrows as in Python. */
const MAY: Record<string, readonly string[]> = {
  protocol: [],
  generated: [],
  content: ["protocol"],
  runner: ["protocol"],
  chain: ["protocol", "generated"],
  verify: ["protocol", "content", "chain", "runner"],
  api: ["protocol", "chain"],
  jobs: ["protocol"],
  ui: [],
  explorer: ["protocol", "content", "chain", "runner", "verify", "api", "ui"],
  phone: ["protocol", "content", "runner", "ui"],
  requester: ["protocol", "content", "chain", "jobs", "runner", "verify", "api", "ui", "generated"],
};

test("imports point one way, and pages do not know one another", () => {
  const wrong = readdirSync(WEB, { recursive: true, encoding: "utf8" })
    .filter((name) => /^[a-z]+\/.*\.tsx?$/.test(name) && !name.startsWith("dist/"))
    .flatMap((name) => {
      const folder = name.split("/")[0] ?? "";
      return importsOf(name)
        .filter((other) => other !== folder && !MAY[folder]?.includes(other))
        .map((other) => `${name} imports ${other}`);
    });

  expect(wrong).toEqual([]);
});

test("the runner knows neither page nor key nor network", () => {
  const files = readdirSync(new URL("runner/", WEB), { encoding: "utf8" });
  const inWorker = files.filter((name) => name !== "runTask.ts");
  for (const name of inWorker) {
    const text = readFileSync(new URL(`runner/${name}`, WEB), "utf8");
    expect(text, name).not.toMatch(/\b(fetch|XMLHttpRequest|WebSocket|localStorage|indexedDB|document|window)\s*[.(]/);
  }
});

/** The folders of web/ that a file imports from, by relative path. */
function importsOf(name: string): string[] {
  const text = readFileSync(new URL(name, WEB), "utf8");
  const paths = [...text.matchAll(/(?:from|import\()\s*"(\.[^"?]+)/g)].map(
    ([, path]) => new URL(path ?? "", new URL(name, WEB)).pathname,
  );
  // Besides each other, pages take ready programs only.
  const programs = /\/edgebounty\/programs\/builtin\/[a-z0-9.-]+\.wasm$/;
  return paths
    .filter((path) => !programs.test(path))
    .map((path) => (path.startsWith(WEB.pathname) ? (path.slice(WEB.pathname.length).split("/")[0] ?? "") : path));
}
