import { Failure } from "../failure.ts";

export class SecretUnknown extends Failure {
  readonly code = "TOOL_SECRET_UNKNOWN";
  readonly blame = "caller";
  readonly status = 422;
  constructor(places: readonly string[]) {
    super("A secret header names a secret that is not kept for this address and this header.", {
      remedy: "Give its value again. A secret belongs to the host and header it was given for: changing the tool's host needs it anew.",
      fields: places.map((field) => ({ field, message: "is not kept for this host and header; give its value" })),
    });
  }
}
