import type { FastifyInstance } from "fastify";

/** So many are remembered. */
const KEPT = 50;

/** A request of the application that got an error. */
export interface RefusedRequest {
  readonly id: number;
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** What was wrong, in one line. */
  readonly because: string;
}

/** What the API refused: of a client that says no more than "400" this is where the reason is found. */
export class RefusedRequests {
  readonly all: RefusedRequest[] = [];
  #count = 0;
  readonly #told: (refusal: RefusedRequest) => void;

  constructor(told: (refusal: RefusedRequest) => void) {
    this.#told = told;
  }

  /** Watches every answer of the routes that are added after this. Those without a token (`/emulator`, the pages) are not the API's. */
  watch(app: FastifyInstance): void {
    app.addHook("onSend", async (request, reply, payload) => {
      const path = request.url.split("?", 1)[0] ?? "";
      if (reply.statusCode < 400 || !/^\/(elsewhere\/)?(v\d|account)\//.test(path)) return;
      const refusal = {
        id: ++this.#count,
        at: new Date().toISOString(),
        method: request.method,
        path,
        status: reply.statusCode,
        because: inOneLine(payload),
      };
      this.all.push(refusal);
      if (this.all.length > KEPT) this.all.shift();
      this.#told(refusal);
    });
  }
}

/** An error body of problems.ts as a sentence. */
function inOneLine(payload: unknown): string {
  const body = typeof payload === "string" && payload !== "" ? (JSON.parse(payload) as Record<string, unknown>) : {};
  const parameters = body.invalid_parameters as readonly { readonly name: string; readonly reason: string }[] | undefined;
  if (parameters) return parameters.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  return String(body.detail ?? body.error_title ?? "");
}
