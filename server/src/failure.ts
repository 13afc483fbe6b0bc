/** Who is to blame for a failure. Only `us` is logged as an error. */
export type Blame = "caller" | "operator" | "carrier" | "engine" | "us";

/** A failure with a name, a culprit and a remedy. Each room's are in its failures.ts; docs/failures.md lists every code. */
export abstract class Failure extends Error {
  abstract readonly code: string;
  abstract readonly blame: Blame;
  /** HTTP status when it reaches the door. */
  abstract readonly status: number;
  readonly remedy: string;
  readonly fields: readonly { field: string; message: string }[];

  constructor(message: string, more: { remedy: string; cause?: unknown; fields?: readonly { field: string; message: string }[] }) {
    super(message, { cause: more.cause });
    this.name = new.target.name;
    this.remedy = more.remedy;
    this.fields = more.fields ?? [];
  }
}
