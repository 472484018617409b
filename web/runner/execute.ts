import { type Bytes, concatBytes } from "../protocol/bytes";
import { codeOfStatus, type FailureCode, failureBytes } from "../protocol/failure";
import {
  type Buffer,
  buffersOf,
  LAYOUT_SECTION,
  type Layout,
  packParams,
  parseLayout,
  type Role,
  roleBytes,
} from "../protocol/layout";
import { DeviceExhausted, ProgramRefused } from "./errors";
import { checkModule } from "./inspect";

/** One task, with all the bytes it needs. A program has a shard, a reducer has inputs. */
export interface Work {
  readonly module: Bytes;
  readonly state: Bytes;
  readonly shard: Bytes | null;
  readonly inputs: readonly Bytes[];
  readonly params: Readonly<Record<string, number>>;
  readonly workLimit: number;
  readonly memoryBytes: number;
}

/** What a run gave. With `failure`, its bytes are the output: a failure that all devices find alike is a result. */
export interface Execution {
  readonly output: Bytes;
  readonly workUnits: number;
  readonly seconds: number;
  readonly failure: FailureCode | null;
}

/**
 * Runs a task as `edgebounty/programs/runtime.py` does in wasmtime: same output bytes, same work units.
 * Throws `ProgramRefused` or `DeviceExhausted`. It does not bound time: whoever called terminates the worker.
 */
export function execute(work: Work): Execution {
  checkModule(work.module, work.memoryBytes);
  const run = new Run(work);
  const started = performance.now();
  run.start();
  return run.finish((performance.now() - started) / 1000);
}

class Run {
  private readonly layout: Layout;
  private readonly exports: Record<string, unknown>;
  private readonly memory: WebAssembly.Memory;
  private readonly left: WebAssembly.Global;
  private readonly limit: bigint;
  private failure: FailureCode | null = null;

  constructor(private readonly work: Work) {
    const module = compile(work.module);
    const sections = WebAssembly.Module.customSections(module, LAYOUT_SECTION);
    const section = sections[0];
    if (!section || sections.length !== 1)
      throw new ProgramRefused(`${sections.length} sections ${LAYOUT_SECTION}, one is needed`);
    this.layout = parseLayout(new TextDecoder().decode(section));
    if ((this.layout.kind === "program") !== (work.shard !== null)) {
      throw new ProgramRefused(`${this.layout.name} is a ${this.layout.kind}`);
    }
    this.exports = instantiate(module).exports;
    const { memory, work_left: left } = this.exports;
    if (
      !(memory instanceof WebAssembly.Memory) ||
      !(left instanceof WebAssembly.Global) ||
      typeof left.value !== "bigint"
    ) {
      throw new ProgramRefused(`${this.layout.name} does not export memory and work_left`);
    }
    this.memory = memory;
    this.left = left;
    this.limit = BigInt(work.workLimit);
  }

  start(): void {
    const { work, layout } = this;
    this.write("state", work.state);
    this.write("params", packParams(layout, work.params));
    this.left.value = this.limit;
    if (work.shard) {
      this.write("shard", work.shard);
      this.call("run");
      return;
    }
    let going = this.call("start");
    for (const input of work.inputs) {
      if (!going) return;
      this.write("input", input);
      going = this.call("step");
    }
    if (going) this.call("finish");
  }

  finish(seconds: number): Execution {
    const outputs = buffersOf(this.layout, "output");
    if (!this.failure && outputs.some((buffer) => this.hasNan(buffer))) this.failure = "nan";
    const left = this.left.value as bigint;
    return {
      output: this.failure ? failureBytes(this.failure) : concatBytes(outputs.map((buffer) => this.view(buffer))),
      workUnits: Number(this.limit - (left < 0n ? 0n : left)),
      seconds,
      failure: this.failure,
    };
  }

  /** Runs one entry point; false when the program has failed. */
  private call(name: string): boolean {
    const entry = this.exports[name];
    if (typeof entry !== "function") throw new ProgramRefused(`${this.layout.name} has no function ${name}`);
    let code: FailureCode | null;
    try {
      code = codeOfStatus(Number(entry()));
    } catch (cause) {
      // Only a trap of the program itself is its failure; the depth of the stack is this device's own.
      if (!(cause instanceof WebAssembly.RuntimeError)) throw new DeviceExhausted(String(cause), { cause });
      code = "trap";
    }
    this.failure = (this.left.value as bigint) < 0n ? "work_limit" : code;
    return this.failure === null;
  }

  private write(role: Role, content: Bytes): void {
    const expected = roleBytes(this.layout, role);
    if (content.length !== expected) {
      throw new ProgramRefused(`${this.layout.name} reads ${expected} bytes of ${role}, got ${content.length}`);
    }
    let at = 0;
    for (const buffer of buffersOf(this.layout, role)) {
      this.view(buffer).set(content.subarray(at, at + buffer.bytes));
      at += buffer.bytes;
    }
  }

  private view(buffer: Buffer): Uint8Array {
    try {
      return new Uint8Array(this.memory.buffer, buffer.offset, buffer.bytes);
    } catch (cause) {
      throw new ProgramRefused(`${this.layout.name}: ${buffer.name} lies outside its memory`, { cause });
    }
  }

  private hasNan(buffer: Buffer): boolean {
    const bytes = this.view(buffer).slice().buffer; // a copy: the offset need not be a multiple of the item's size
    if (buffer.dtype === "f32") return new Float32Array(bytes).some(Number.isNaN);
    return buffer.dtype === "f64" && new Float64Array(bytes).some(Number.isNaN);
  }
}

function compile(bytes: Bytes): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new ProgramRefused(`the module does not compile: ${(cause as Error).message}`, { cause });
  }
}

function instantiate(module: WebAssembly.Module): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(module, {});
  } catch (cause) {
    if (cause instanceof RangeError) throw new DeviceExhausted(cause.message, { cause });
    throw new ProgramRefused(`the module does not start: ${(cause as Error).message}`, { cause });
  }
}
