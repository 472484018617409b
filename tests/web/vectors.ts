import { readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);

/** A file of tests/vectors, which Python, Solidity and TypeScript must all reproduce. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`tests/vectors/${name}.json`, ROOT), "utf8")) as T;
}

/** A built-in program's bytes. */
export function readProgram(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`edgebounty/programs/builtin/${name}.wasm`, ROOT)));
}

/** Byte i is (i * 31 + floor(i / 251)) mod 256, as `pattern` of tests/vectors/make.py. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i * 31 + Math.floor(i / 251));
}
