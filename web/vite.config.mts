import { defineConfig } from "vite";

// One entry at a time (build.mjs), so that each page is self-contained and shares nothing with the others.
const page = process.env["EDGEBOUNTY_PAGE"] ?? "explorer";

export default defineConfig({
  root: new URL(".", import.meta.url).pathname,
  publicDir: new URL(`${page}/public`, import.meta.url).pathname,
  base: "./", // works under any path: the orchestrator's, a static host's, an IPFS gateway's
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: new URL(`dist/${page}`, import.meta.url).pathname,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        index: new URL(`${page}/index.html`, import.meta.url).pathname,
        runner: new URL("runner/runner.html", import.meta.url).pathname,
        ...(page === "phone" && { serviceWorker: new URL("phone/serviceWorker.ts", import.meta.url).pathname }),
      },
      // A service worker's name is its identity, and its place its scope.
      output: {
        entryFileNames: ({ name }) => (name === "serviceWorker" ? "serviceWorker.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "iife" },
});
