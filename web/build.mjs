// `make web`: generates what comes from the contracts, checks types, builds each page alone, and holds it to its budget.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const HERE = new URL("./", import.meta.url);
const BUDGETS = JSON.parse(readFileSync(new URL("budgets.json", HERE), "utf8"));

await import("./abi.mjs");
run("tsc", ["-p", "web"]);
rmSync(new URL("dist", HERE), { recursive: true, force: true });
for (const page of Object.keys(BUDGETS)) {
  if (existsSync(new URL(`${page}/index.html`, HERE))) {
    run("vite", ["build", "--config", "web/vite.config.mts", "--logLevel", "warn"], { EDGEBOUNTY_PAGE: page });
    raise(page, `${page}/index.html`);
    raise(page, "runner/runner.html");
    weigh(page);
  }
}

/** Vite keeps the folders of its inputs; a page's own files lie side by side. */
function raise(page, name) {
  const folder = new URL(`dist/${page}/`, HERE);
  const text = readFileSync(new URL(name, folder), "utf8").replaceAll('"../', '"./');
  writeFileSync(new URL(name.split("/").at(-1), folder), text);
  rmSync(new URL(`${name.split("/")[0]}/`, folder), { recursive: true });
}

/** What a first visit downloads: the page with all it loads, gzipped; other languages come only when asked for. */
function weigh(page) {
  const folder = new URL(`dist/${page}/`, HERE);
  const sizes = readdirSync(folder, { recursive: true })
    .filter((name) => /\.(html|js|css|svg|webmanifest)$/.test(name) && !/assets\/(tr|ar)-/.test(name))
    .map((name) => [name, gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length]);
  const scripts = sum(sizes.filter(([name]) => name.endsWith(".js")));
  const all = sum(sizes);
  const budget = BUDGETS[page];
  console.log(
    `${page}: ${scripts} bytes of script and ${all} in all, gzipped (at most ${budget.scripts} and ${budget.all})`,
  );
  if (scripts > budget.scripts || all > budget.all) {
    console.error(`${page} is over its budget: ${sizes.map((size) => size.join(" ")).join(", ")}`);
    process.exit(1);
  }
}

function sum(sizes) {
  return sizes.reduce((total, [, size]) => total + size, 0);
}

function run(tool, args, environment = {}) {
  const path = new URL(`../node_modules/.bin/${tool}`, HERE).pathname;
  const done = spawnSync(path, args, {
    cwd: new URL("..", HERE),
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
}
