import { EdgebountyError } from "../protocol/errors";

/** The module or its inputs do not fit the market's rules; nothing ran. */
export class ProgramRefused extends EdgebountyError {
  constructor(detail: string, options?: { cause?: unknown }) {
    super("program_refused", detail, options);
  }
}

/** The device gave out (stack, memory, time); this is no result, and says nothing about the program. */
export class DeviceExhausted extends EdgebountyError {
  constructor(detail: string, options?: { cause?: unknown }) {
    super("device_exhausted", detail, options);
  }
}
