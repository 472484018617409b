import { afterEach, expect, test, vi } from "vitest";

import { Cid } from "../../web/protocol/cid";
import { uploadBlocks } from "../../web/requester/upload";

const GATEWAY = "http://gateway.test";
const bytes = new Uint8Array([1, 2, 3]);
const block = { cid: await Cid.of(bytes), bytes };

afterEach(() => vi.unstubAllGlobals());

/** A gateway that answers these, in order; and what it was asked, and how long the page waited. */
async function uploadTo(...answers: (Response | Error)[]) {
  const asked: string[] = [];
  const waits: number[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push(`${init.method} ${url.slice(GATEWAY.length, GATEWAY.length + 6)}`);
    const answer = answers.shift();
    if (!answer) throw new TypeError("asked too often");
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const sleep = async (seconds: number) => void waits.push(seconds);
  const said: number[] = [];
  const onProgress = (_: number, waitSeconds: number) => void (waitSeconds && said.push(waitSeconds));
  const ended = await uploadBlocks([block], { gateway: GATEWAY, permission: "p", onProgress, sleep }).then(
    () => "uploaded",
    (error: Error) => error.message,
  );
  expect(said).toEqual(waits); // whoever looks is told of every wait
  return { ended, asked, waits };
}

const answer = (status: number, headers: Record<string, string> = {}, body: string | null = null) =>
  new Response(body, { status, headers });

test("what the gateway has is not sent again", async () => {
  expect(await uploadTo(answer(200))).toEqual({ ended: "uploaded", asked: ["HEAD /ipfs/"], waits: [] });
});

test("429 is waited for as long as it says, an error of the server a little longer each time", async () => {
  const { ended, asked, waits } = await uploadTo(
    answer(404),
    answer(429, { "retry-after": "7" }),
    answer(500),
    answer(503),
    answer(201),
  );
  expect([ended, waits]).toEqual(["uploaded", [7, 2, 4]]);
  expect(asked.at(-1)).toBe("PUT /ipfs/");
});

test("silence is asked again, and given up after five times", async () => {
  const gone = () => new TypeError("connection refused");
  const { ended, waits } = await uploadTo(gone(), gone(), gone(), gone(), gone());
  expect(ended).toBe("connection refused, asked 5 times");
  expect(waits).toEqual([1, 2, 4, 8]);
});

test("a refusal is told with the gateway's reason, and not asked again", async () => {
  const { ended, asked } = await uploadTo(answer(404), answer(401, {}, "this permit is used already\n"));
  expect(ended).toBe("HTTP 401: this permit is used already");
  expect(asked.length).toBe(2);
});

test("an endless wait is not believed", async () => {
  const { waits } = await uploadTo(answer(429, { "retry-after": "99999" }), answer(200));
  expect(waits).toEqual([30]);
});
