import type { Bytes } from "./bytes";
import { decodeCanonical, encodeCanonical } from "./canonical";
import { CHUNK_BYTES, Cid } from "./cid";
import { Malformed } from "./errors";
import { recordOf } from "./layout";
import { nodeCount } from "./tree";

const KINDS = ["analyze", "infer", "train", "wasm"] as const;
const MAX_ROUNDS = 65_535;
const MAX_TASKS = 65_535;
const MAX_CONTENT_BYTES = 2 ** 32;
const MAX_WORK_UNITS = 2 ** 53 - 1;
const FIELDS = [
  ...["version", "kind", "program", "reducer", "state", "state_bytes"],
  ...["shards", "rounds", "params", "limits", "about"],
] as const;
const TREE_FIELDS = ["combiner", "fan_in"] as const;

export type Kind = (typeof KINDS)[number];

/** The data of one task. */
export interface Shard {
  readonly cid: Cid;
  readonly bytes: number;
  readonly rows: number;
}

/** One job, version 1: which program, state and data, by CID, and within which limits. */
export interface Manifest {
  readonly kind: Kind;
  readonly program: Cid;
  readonly reducer: Cid | null;
  readonly state: Cid | null;
  readonly stateBytes: number;
  readonly shards: readonly Shard[];
  readonly rounds: number;
  readonly params: Readonly<Record<string, number>>;
  readonly limits: { readonly workUnits: number; readonly memoryBytes: number; readonly outputBytes: number };
  readonly about: Readonly<Record<string, unknown>>;
  readonly tree: Tree | null;
}

/** A reduce of several tasks: `combiner` joins up to `fanIn` outputs to one of the same kind. */
export interface Tree {
  readonly combiner: Cid;
  readonly fanIn: number;
}

/** Throws `Malformed`, naming the field, unless `bytes` are a version 1 manifest in canonical JSON. */
export function parseManifest(bytes: Bytes): Manifest {
  if (bytes.length > CHUNK_BYTES) throw new Malformed("manifest", `${bytes.length} bytes; at most ${CHUNK_BYTES}`);
  const value = decodeCanonical(bytes);
  const hasTree = typeof value === "object" && value !== null && TREE_FIELDS.some((name) => Object.hasOwn(value, name));
  const fields = recordOf(value, "manifest", hasTree ? [...FIELDS, ...TREE_FIELDS] : FIELDS);
  if (fields["version"] !== 1) throw new Malformed("version", `1 is known, this is ${String(fields["version"])}`);
  const limits = recordOf(fields["limits"], "limits", ["work_units", "memory_bytes", "output_bytes"]);
  if (!Array.isArray(fields["shards"]) || !fields["shards"].length)
    throw new Malformed("shards", "at least one is needed");
  const manifest: Manifest = {
    kind: kindOf(fields["kind"]),
    program: cidOf(fields["program"], "program"),
    reducer: fields["reducer"] === null ? null : cidOf(fields["reducer"], "reducer"),
    state: fields["state"] === null ? null : cidOf(fields["state"], "state"),
    stateBytes: numberOf(fields["state_bytes"], "state_bytes", 0, MAX_CONTENT_BYTES),
    shards: fields["shards"].map((shard, i) => shardOf(shard, `shards[${i}]`)),
    rounds: numberOf(fields["rounds"], "rounds", 1, MAX_ROUNDS),
    params: paramsOf(fields["params"]),
    limits: {
      workUnits: numberOf(limits.work_units, "limits.work_units", 1, MAX_WORK_UNITS),
      memoryBytes: numberOf(limits.memory_bytes, "limits.memory_bytes", 1, MAX_CONTENT_BYTES),
      outputBytes: numberOf(limits.output_bytes, "limits.output_bytes", 1, MAX_CONTENT_BYTES),
    },
    about: objectOf(fields["about"], "about"),
    tree: hasTree
      ? { combiner: cidOf(fields["combiner"], "combiner"), fanIn: numberOf(fields["fan_in"], "fan_in", 2, MAX_TASKS) }
      : null,
  };
  check(manifest);
  return manifest;
}

/** The manifest's one text. */
export function encodeManifest(manifest: Manifest): Bytes {
  check(manifest);
  const bytes = encodeCanonical({
    version: 1,
    kind: manifest.kind,
    program: String(manifest.program),
    reducer: manifest.reducer && String(manifest.reducer),
    state: manifest.state && String(manifest.state),
    state_bytes: manifest.stateBytes,
    shards: manifest.shards.map((shard) => ({ ...shard, cid: String(shard.cid) })),
    rounds: manifest.rounds,
    params: manifest.params,
    limits: {
      work_units: manifest.limits.workUnits,
      memory_bytes: manifest.limits.memoryBytes,
      output_bytes: manifest.limits.outputBytes,
    },
    about: manifest.about,
    ...(manifest.tree && { combiner: String(manifest.tree.combiner), fan_in: manifest.tree.fanIn }),
  });
  if (bytes.length > CHUNK_BYTES) throw new Malformed("manifest", `${bytes.length} bytes: use fewer, larger shards`);
  return bytes;
}

/** Tasks of one round that join outputs: none, one, or all nodes of a tree. */
export function reduceTasks({ reducer, shards, tree }: Manifest): number {
  return reducer ? nodeCount(shards.length, tree && tree.fanIn) : 0;
}

/** Map and reduce tasks of one round. */
export function tasksPerRound(manifest: Manifest): number {
  return manifest.shards.length + reduceTasks(manifest);
}

export function totalTasks(manifest: Manifest): number {
  return manifest.rounds * tasksPerRound(manifest);
}

function check(manifest: Manifest): void {
  if (manifest.tree && (!manifest.reducer || manifest.tree.fanIn >= manifest.shards.length)) {
    throw new Malformed("fan_in", `a tree needs a reducer and more than ${manifest.tree.fanIn} shards`);
  }
  if (totalTasks(manifest) > MAX_TASKS) throw new Malformed("shards", `at most ${MAX_TASKS} tasks over all rounds`);
  if (manifest.state && !manifest.stateBytes) throw new Malformed("state_bytes", "a state of no bytes has no CID");
  if (!manifest.reducer && manifest.rounds > 1) throw new Malformed("rounds", "more than one round needs a reducer");
  if (manifest.reducer && !manifest.stateBytes) throw new Malformed("state_bytes", "a reducer makes the next state");
}

function kindOf(value: unknown): Kind {
  const kind = KINDS.find((known) => known === value);
  if (!kind) throw new Malformed("kind", `one of ${KINDS.join(" ")}`);
  return kind;
}

function cidOf(value: unknown, where: string): Cid {
  if (typeof value !== "string") throw new Malformed(where, "a CID");
  try {
    return Cid.parse(value);
  } catch (cause) {
    throw new Malformed(where, (cause as Error).message, { cause });
  }
}

function shardOf(value: unknown, where: string): Shard {
  const { cid, bytes, rows } = recordOf(value, where, ["cid", "bytes", "rows"]);
  return {
    cid: cidOf(cid, `${where}.cid`),
    bytes: numberOf(bytes, `${where}.bytes`, 1, MAX_CONTENT_BYTES),
    rows: numberOf(rows, `${where}.rows`, 0, MAX_CONTENT_BYTES),
  };
}

function paramsOf(value: unknown): Record<string, number> {
  const params = objectOf(value, "params");
  for (const [name, number] of Object.entries(params)) {
    if (typeof number !== "number") throw new Malformed(`params.${name.slice(0, 40)}`, "a number");
  }
  return params as Record<string, number>;
}

function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed(where, "an object");
  return value as Record<string, unknown>;
}

function numberOf(value: unknown, where: string, low: number, high: number): number {
  if (typeof value !== "number" || !Number.isInteger(value)) throw new Malformed(where, "a whole number");
  if (value < low || value > high) throw new Malformed(where, `${low} to ${high}, this is ${value}`);
  return value;
}
