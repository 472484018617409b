/** The one base of our errors: a stable code for programs, a sentence for people, and the cause kept. */
export class EdgebountyError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Bytes or text that are not what they claim to be; `field` names the place. */
export class Malformed extends EdgebountyError {
  constructor(
    readonly field: string,
    detail: string,
    options?: { cause?: unknown },
  ) {
    super("malformed", `${field}: ${detail}`, options);
  }
}
