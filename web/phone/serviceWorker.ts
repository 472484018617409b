// The page opens again without a network, and at once with one. Only the page's own files pass through here: tasks, money
// and blocks are never answered from a cache.
const CACHE = "edgebounty-phone";
const scope = self as unknown as {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(
    name: "install" | "activate",
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    name: "fetch",
    listener: (event: { request: Request; respondWith(answer: Promise<Response>): void }) => void,
  ): void;
};

scope.addEventListener("install", (event) => event.waitUntil(keepPage().then(() => scope.skipWaiting())));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(scope.registration.scope)) return;
  const isAsset = request.url.startsWith(`${scope.registration.scope}assets/`);
  event.respondWith(isAsset ? keptFirst(request) : networkFirst(request));
});

/** The page, and what it loads: the first visit came before there was anybody to keep it. */
async function keepPage(): Promise<void> {
  const page = await fetchAndKeep(new Request(scope.registration.scope));
  const names = (await page.text()).match(/assets\/[\w.-]+/g) ?? [];
  await (await caches.open(CACHE)).addAll(names.map((name) => `${scope.registration.scope}${name}`));
}

/** The name of an asset holds a hash of it: what is kept is right for ever. */
async function keptFirst(request: Request): Promise<Response> {
  return (await (await caches.open(CACHE)).match(request)) ?? (await fetchAndKeep(request));
}

async function networkFirst(request: Request): Promise<Response> {
  try {
    return await fetchAndKeep(request);
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

async function fetchAndKeep(request: Request): Promise<Response> {
  const response = await fetch(request);
  if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
  return response;
}
