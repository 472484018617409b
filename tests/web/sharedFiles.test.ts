import { expect, test } from "vitest";

import type { Gateways } from "../../web/content/gateway";
import { Cid, RAW } from "../../web/protocol/cid";
import { SharedFiles } from "../../web/phone/work/sharedFiles";

const never = new AbortController().signal;

/** Gateways that serve files of so many bytes each, and note what they were asked for. */
function serving(...sizes: number[]) {
  const asked: number[] = [];
  const cids = sizes.map((_, i) => new Cid(RAW, new Uint8Array(32).fill(i + 1)));
  const gateways = {
    getFile: async (cid: Cid, limit: number) => {
      const i = (cid.digest[0] ?? 0) - 1;
      asked.push(i);
      if ((sizes[i] ?? 0) > limit) throw new Error("too long");
      return await Promise.resolve(new Uint8Array(sizes[i] ?? 0).fill(i));
    },
  } as unknown as Gateways;
  return { asked, cids: cids as [Cid, Cid, Cid], gateways };
}

test("a file is fetched once", async () => {
  const { asked, cids, gateways } = serving(5);
  const files = new SharedFiles();
  const first = await files.get(cids[0], 10, gateways, never);
  expect(await files.get(cids[0], 10, gateways, never)).toBe(first);
  expect(asked).toEqual([0]);
});

test("a reader that allows less than what is kept is refused, as if nothing were kept", async () => {
  const { cids, gateways } = serving(5);
  const files = new SharedFiles();
  await files.get(cids[0], 10, gateways, never);
  await expect(files.get(cids[0], 4, gateways, never)).rejects.toThrow("too long");
});

test("of more than may be kept, what was unread longest goes", async () => {
  const { asked, cids, gateways } = serving(4, 4, 4);
  const files = new SharedFiles(8);
  for (const i of [0, 1, 0, 2, 0, 1] as const) await files.get(cids[i], 10, gateways, never);
  expect(asked).toEqual([0, 1, 2, 1]);
});

test("a file larger than all that may be kept is passed on and not kept", async () => {
  const { asked, cids, gateways } = serving(9);
  const files = new SharedFiles(8);
  for (let i = 0; i < 2; i++) expect((await files.get(cids[0], 10, gateways, never)).length).toBe(9);
  expect(asked).toEqual([0, 0]);
});
