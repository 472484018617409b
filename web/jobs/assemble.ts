import { type Bytes, EMPTY } from "../protocol/bytes";
import { Malformed } from "../protocol/errors";
import { buffersOf, LAYOUT_SECTION, type Layout, packParams, parseLayout, roleBytes } from "../protocol/layout";
import { encodeManifest, type Kind, type Manifest } from "../protocol/manifest";
import { type Block, buildFile } from "../protocol/unixfs";

export const WORK_UNITS = 2 ** 36;
export const MEMORY_BYTES = 256 << 20;

/** A program and the reducer that joins its outputs, as module bytes. */
export interface ProgramPair {
  readonly program: Bytes;
  readonly reducer: Bytes | null;
}

/** A job ready to be posted; the last block is its manifest. */
export interface PlannedJob {
  readonly manifest: Manifest;
  readonly manifestDigest: Bytes;
  readonly blocks: readonly Block[];
}

export interface Parts {
  readonly kind: Kind;
  readonly pair: ProgramPair;
  readonly shards: Iterable<{ readonly content: Bytes; readonly rows: number }>;
  readonly state: Bytes | null;
  readonly rounds: number;
  readonly params: Readonly<Record<string, number>>;
  readonly about: Readonly<Record<string, unknown>>;
  readonly workUnits?: number;
}

/** The manifest and blocks of a job, byte for byte those of `assemble` in Python. Throws `Malformed`. */
export async function assemble(parts: Parts): Promise<PlannedJob> {
  const { pair } = parts;
  const layout = layoutOf(pair.program);
  const blocks: Block[] = [];
  const keep = async (content: Bytes) => {
    const built = await buildFile(content);
    blocks.push(...built.blocks);
    return built.cid;
  };
  const shards: Manifest["shards"][number][] = [];
  for (const { content, rows } of parts.shards) {
    shards.push({ cid: await keep(content), bytes: content.length, rows });
  }
  const manifest: Manifest = {
    kind: parts.kind,
    program: await keep(pair.program),
    reducer: pair.reducer && (await keep(pair.reducer)),
    state: parts.state && (await keep(parts.state)),
    stateBytes: roleBytes(layout, "state"),
    shards,
    rounds: parts.rounds,
    params: parts.params,
    tree: null,
    limits: {
      workUnits: parts.workUnits ?? WORK_UNITS,
      memoryBytes: MEMORY_BYTES,
      outputBytes: roleBytes(layout, "output"),
    },
    about: parts.about,
  };
  checkLayouts(manifest, layout, pair.reducer && layoutOf(pair.reducer));
  const cid = await keep(encodeManifest(manifest));
  return { manifest, manifestDigest: cid.digest, blocks };
}

/** The layout that travels with a module. Throws `Malformed`. */
export function layoutOf(module: Bytes): Layout {
  let sections: ArrayBuffer[];
  try {
    sections = WebAssembly.Module.customSections(new WebAssembly.Module(module), LAYOUT_SECTION);
  } catch (cause) {
    throw new Malformed("program", `does not compile: ${(cause as Error).message}`, { cause });
  }
  if (sections.length !== 1) {
    throw new Malformed(
      "program",
      `it has ${sections.length} sections ${LAYOUT_SECTION}: build it with edgebounty program build`,
    );
  }
  return parseLayout(new TextDecoder().decode(sections[0] ?? EMPTY));
}

/** A manifest's `about.result`: how to read the result without the program. */
export function describeBuffers(layout: Layout) {
  return buffersOf(layout, "output").map(({ name, dtype, shape }) => ({ name, dtype, shape }));
}

/** [first, end) of every shard: parts that differ by one row at most. Throws `Malformed`. */
export function splitRows(rows: number, capacity: number, shards: number): [number, number][] {
  const needed = Math.ceil(rows / capacity);
  if (!Number.isInteger(shards) || shards < needed || shards > rows) {
    throw new Malformed("shards", `${rows} rows take ${needed} to ${rows} shards, not ${shards}`);
  }
  return Array.from({ length: shards }, (_, i) => [
    Math.floor((rows * i) / shards),
    Math.floor((rows * (i + 1)) / shards),
  ]);
}

export function itemsOf(layout: Layout, name: string): number {
  const buffer = layout.buffers.find((each) => each.name === name);
  if (!buffer) throw new Malformed("program", `${layout.name} has no buffer ${name}`);
  return buffer.shape.reduce((product, size) => product * size, 1);
}

/** As `check_layouts` in Python: workers refuse what does not fit. Throws `Malformed`. */
function checkLayouts(manifest: Manifest, program: Layout, reducer: Layout | null): void {
  if (program.kind !== "program") throw new Malformed("program", `${program.name} is a ${program.kind}`);
  const shard = roleBytes(program, "shard");
  manifest.shards.forEach(({ bytes }, i) => same(`shard ${i}`, bytes, shard, program));
  if (reducer) {
    if (reducer.kind !== "reducer") throw new Malformed("reducer", `${reducer.name} is a ${reducer.kind}`);
    same("state", manifest.stateBytes, roleBytes(reducer, "state"), reducer);
    same("state", manifest.stateBytes, roleBytes(reducer, "output"), reducer);
    same("output", manifest.limits.outputBytes, roleBytes(reducer, "input"), reducer);
  }
  const known = new Set<string>();
  for (const layout of reducer ? [program, reducer] : [program]) {
    packParams(layout, manifest.params);
    for (const { name } of buffersOf(layout, "params")) known.add(name);
  }
  const unknown = Object.keys(manifest.params).find((name) => !known.has(name));
  if (unknown !== undefined) throw new Malformed("params", `no program takes ${unknown}`);
}

function same(what: string, found: number, wanted: number, layout: Layout): void {
  if (found !== wanted) throw new Malformed(what, `it has ${found} bytes; ${layout.name} takes ${wanted}`);
}
