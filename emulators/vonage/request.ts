import http from "node:http";
import https from "node:https";

export interface Budget {
  readonly connectMs: number;
  readonly answerMs: number;
}

export type Answered = {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
};

/** What became of one attempt. `again`: one of the outcomes Vonage tries a second time. `because` is worded as Vonage's fallback `reason`. */
export type Outcome =
  | { readonly ok: true; readonly answered: Answered }
  | { readonly ok: false; readonly again: boolean; readonly because: string; readonly status: number | null };

const agents = {
  http: new http.Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 64 }),
  https: new https.Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 64 }),
};
/** An NCCO or a sound file of more than this is not one. */
const LARGEST_BYTES = 20_000_000;
const TRIED_AGAIN = new Set([429, 503, 504]);

/** One HTTP request with separate limits for connecting and for answering, never thrown from. */
export function request(
  url: URL,
  { method, headers, body }: { method: string; headers: Record<string, string>; body?: string },
  budget: Budget,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const secure = url.protocol === "https:";
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sent = (secure ? https : http).request(url, {
      method,
      headers: { ...headers, ...length },
      agent: secure ? agents.https : agents.http,
    });
    let timer: NodeJS.Timeout;
    let waits: symbol;
    const wait = (ms: number, because: string): void => {
      clearTimeout(timer);
      const mine = Symbol();
      waits = mine;
      // On a busy machine what was waited for may be there already, and only not be looked at yet: it is, before the time counts as over.
      timer = setTimeout(() => {
        setImmediate(() => {
          if (waits !== mine) return;
          finish({ ok: false, again: true, because, status: null });
          sent.destroy();
        });
      }, ms);
    };
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      waits = Symbol();
      resolve(outcome);
    };
    wait(budget.connectMs, "Connect timed out.");
    sent.on("socket", (socket) => {
      const connected = (): void => wait(budget.answerMs, "Read timed out.");
      if (!socket.connecting) connected();
      else socket.once(secure ? "secureConnect" : "connect", connected);
    });
    sent.on("response", (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > LARGEST_BYTES) sent.destroy(new Error("The answer is too large."));
        else parts.push(part);
      });
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300)
          finish({ ok: true, answered: { status, contentType: response.headers["content-type"] ?? "", body: Buffer.concat(parts) } });
        else finish({ ok: false, again: TRIED_AGAIN.has(status), because: `HTTP status ${status}.`, status });
      });
      response.on("error", (problem) => finish({ ok: false, again: true, because: problem.message, status: null }));
    });
    sent.on("error", (problem: NodeJS.ErrnoException) => {
      const tls = /CERT|SSL|TLS|SELF_SIGNED/.test(problem.code ?? "");
      finish({ ok: false, again: !tls, because: `${problem.code ?? "Error"}: ${problem.message}`, status: null });
    });
    sent.end(body);
  });
}

/** Closes the connections that are kept for the next request. */
export function forgetConnections(): void {
  agents.http.destroy();
  agents.https.destroy();
}
