import { Failure } from "../../failure.ts";

export class CallHeld extends Failure {
  readonly code = "CALL_HELD";
  readonly blame = "caller";
  readonly status = 409;
  constructor(call: string, why: string) {
    super(`Call ${call} is on hold: ${why}`, {
      remedy: "Nothing of it is deleted or redacted until the hold is lifted, by somebody who may.",
    });
  }
}

export class CallStillRuns extends Failure {
  readonly code = "CALL_STILL_RUNS";
  readonly blame = "caller";
  readonly status = 409;
  constructor(call: string) {
    super(`Call ${call} has not ended.`, { remedy: "Wait for its end, or hang up first; then ask again." });
  }
}

export class StretchOutside extends Failure {
  readonly code = "STRETCH_OUTSIDE";
  readonly blame = "caller";
  readonly status = 422;
  constructor(fromMs: number, toMs: number, talkMs: number) {
    super(`${fromMs} to ${toMs} ms is no stretch of this call, which lasted ${talkMs} ms.`, {
      remedy: "Give from_ms and to_ms in milliseconds from the answer, the first before the second.",
      fields: [{ field: "from_ms", message: "must lie within the call and before to_ms" }],
    });
  }
}
