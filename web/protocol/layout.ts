import { type Bytes, concatBytes } from "./bytes";
import { Malformed } from "./errors";

export const LAYOUT_SECTION = "edgebounty.layout";
const ITEM_BYTES = { f32: 4, f64: 8, i32: 4, i64: 8, u8: 1, i8: 1 } as const;
const ROLES = {
  program: ["state", "shard", "params", "output"],
  reducer: ["state", "input", "params", "output"],
} as const;
const MEMORY_MAX = 2 ** 32;
const MOST_BUFFERS = 1024;

export type ItemType = keyof typeof ITEM_BYTES;
export type Role = "state" | "shard" | "input" | "params" | "output";

/** One array in a program's memory. */
export interface Buffer {
  readonly name: string;
  readonly dtype: ItemType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly role: Role;
  readonly bytes: number;
}

/** What a program reads and writes, and where. */
export interface Layout {
  readonly name: string;
  readonly kind: "program" | "reducer";
  readonly simd: boolean;
  readonly buffers: readonly Buffer[];
}

/** Throws `Malformed` naming the field that is wrong. */
export function parseLayout(text: string): Layout {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Malformed("layout", "is not JSON", { cause });
  }
  const { version, name, kind, simd, buffers } = recordOf(value, "layout", [
    "version",
    "name",
    "kind",
    "simd",
    "buffers",
  ]);
  if (version !== 1) throw new Malformed("layout.version", `1 is known, this is ${String(version)}`);
  if (kind !== "program" && kind !== "reducer") throw new Malformed("layout.kind", "program or reducer");
  if (typeof simd !== "boolean") throw new Malformed("layout.simd", "true or false");
  if (!Array.isArray(buffers) || buffers.length < 1 || buffers.length > MOST_BUFFERS) {
    throw new Malformed("layout.buffers", `a list of 1 to ${MOST_BUFFERS}`);
  }
  const found = buffers.map((buffer, i) => parseBuffer(buffer, `layout.buffers[${i}]`, kind));
  if (new Set(found.map((buffer) => buffer.name)).size !== found.length) {
    throw new Malformed("layout.buffers", "two carry the same name");
  }
  if (!found.some((buffer) => buffer.role === "output"))
    throw new Malformed("layout.buffers", "none has the role output");
  return { name: textOf(name, "layout.name"), kind, simd, buffers: found };
}

export function buffersOf(layout: Layout, role: Role): Buffer[] {
  return layout.buffers.filter((buffer) => buffer.role === role);
}

/** How many bytes a role takes; 0 when no buffer has it. */
export function roleBytes(layout: Layout, role: Role): number {
  return buffersOf(layout, role).reduce((sum, buffer) => sum + buffer.bytes, 0);
}

/** The bytes of the role params; `params` may hold names that this module does not take. Throws `Malformed`. */
export function packParams(layout: Layout, params: Readonly<Record<string, number>>): Bytes {
  return concatBytes(buffersOf(layout, "params").map((buffer) => packNumber(buffer, params)));
}

function packNumber(buffer: Buffer, params: Readonly<Record<string, number>>): Bytes {
  const value = Object.hasOwn(params, buffer.name) ? params[buffer.name] : undefined;
  const where = `params.${buffer.name}`;
  if (buffer.bytes !== ITEM_BYTES[buffer.dtype])
    throw new Malformed(where, "is an array; a manifest holds single numbers");
  if (value === undefined) throw new Malformed(where, "is missing");
  const view = new DataView(new ArrayBuffer(buffer.bytes));
  if (buffer.dtype === "f32") {
    view.setFloat32(0, value, true);
    if (!Number.isFinite(view.getFloat32(0, true))) throw new Malformed(where, `${value} is no f32`);
  } else if (buffer.dtype === "f64") view.setFloat64(0, value, true);
  else {
    if (!Number.isInteger(value)) throw new Malformed(where, `${value} is no ${buffer.dtype}`);
    packWhole(view, buffer.dtype, value, where);
  }
  return new Uint8Array(view.buffer);
}

function packWhole(view: DataView, dtype: "i32" | "i64" | "u8" | "i8", value: number, where: string): void {
  const bits = view.byteLength * 8;
  const [low, high] = dtype === "u8" ? [0, 255] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  if (value < low || value > high) throw new Malformed(where, `${value} is no ${dtype}`);
  if (dtype === "i64") view.setBigInt64(0, BigInt(value), true);
  else if (dtype === "i32") view.setInt32(0, value, true);
  else view.setUint8(0, value & 255);
}

function parseBuffer(value: unknown, where: string, kind: "program" | "reducer"): Buffer {
  const { name, dtype, shape, offset, role } = recordOf(value, where, ["name", "dtype", "shape", "offset", "role"]);
  if (typeof dtype !== "string" || !Object.hasOwn(ITEM_BYTES, dtype))
    throw new Malformed(`${where}.dtype`, "is not known");
  const roles: readonly string[] = ROLES[kind];
  if (typeof role !== "string" || !roles.includes(role)) throw new Malformed(`${where}.role`, `a ${kind} has ${roles}`);
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 8)
    throw new Malformed(`${where}.shape`, "1 to 8 sizes");
  const sizes = shape.map((size) => sizeOf(size, `${where}.shape`, 1));
  const at = sizeOf(offset, `${where}.offset`, 0);
  const bytes = sizes.reduce((product, size) => product * size, ITEM_BYTES[dtype as ItemType]);
  if (at + bytes > MEMORY_MAX) throw new Malformed(where, "ends beyond 4 GiB");
  return {
    name: textOf(name, `${where}.name`),
    dtype: dtype as ItemType,
    shape: sizes,
    offset: at,
    role: role as Role,
    bytes,
  };
}

/** An object with exactly these fields. Throws `Malformed`. */
export function recordOf<Name extends string>(
  value: unknown,
  where: string,
  names: readonly Name[],
): Record<Name, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed(where, "an object");
  for (const name of names) if (!Object.hasOwn(value, name)) throw new Malformed(`${where}.${name}`, "is missing");
  for (const name of Object.keys(value)) {
    if (!(names as readonly string[]).includes(name))
      throw new Malformed(`${where}.${name.slice(0, 40)}`, "is not a known field");
  }
  return value as Record<Name, unknown>;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== "string" || !value.length || value.length > 100)
    throw new Malformed(where, "1 to 100 characters");
  return value;
}

function sizeOf(value: unknown, where: string, low: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > MEMORY_MAX) {
    throw new Malformed(where, `a whole number from ${low} to 2^32`);
  }
  return value;
}
