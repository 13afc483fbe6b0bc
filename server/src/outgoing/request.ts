import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { publicLookup, urlRefusal } from "./address.ts";

/** A request to an address somebody gave us. */
export interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** From now to the last byte of the answer, ms. */
  readonly timeoutMs: number;
  /** Addresses of this machine are allowed too, also without TLS. */
  readonly local: boolean;
  /** Of a longer answer the rest is not read. */
  readonly mostBytes: number;
  readonly signal?: AbortSignal;
}

/** What came of it. `whole`: the answer's body is complete. */
export type Answered =
  | {
      readonly answered: number;
      readonly type: string;
      readonly encoding: string;
      readonly body: Buffer;
      readonly whole: "yes" | "too long" | "broken off";
    }
  | { readonly failed: string };

/**
 * Sends a request to an address that is checked, looked up, checked again and only then connected to, so that nothing in our own network can be
 * reached by it. Redirects are not followed: they count as an answer. One connection a request. Never throws.
 */
export function ask(address: string, asked: Asked): Promise<Answered> {
  const { method, body, timeoutMs, local, mostBytes } = asked;
  const refusal = urlRefusal(address, local);
  if (refusal !== null) return Promise.resolve({ failed: refusal });
  const url = new URL(address);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const timeout = AbortSignal.timeout(timeoutMs);
  const headers = {
    ...asked.headers,
    "accept-encoding": "identity",
    ...(body === null ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
  };
  return new Promise((resolve) => {
    let begun = false;
    const request = send(
      url,
      {
        method,
        headers,
        lookup: publicLookup(local) as never,
        signal: asked.signal === undefined ? timeout : AbortSignal.any([timeout, asked.signal]),
        agent: false,
      },
      (response) => {
        begun = true;
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes <= mostBytes) chunks.push(chunk);
          else response.destroy();
        });
        response.on("error", () => {});
        response.on("close", () =>
          resolve({
            answered: response.statusCode ?? 0,
            type: response.headers["content-type"] ?? "",
            encoding: response.headers["content-encoding"] ?? "",
            body: Buffer.concat(chunks),
            whole: bytes > mostBytes ? "too long" : response.complete ? "yes" : "broken off",
          }),
        );
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) => {
      // What has begun to answer tells by its own end how far it came.
      if (begun) return;
      const why =
        error.name === "TimeoutError" || error.name === "AbortError"
          ? timeout.aborted
            ? `no answer within ${timeoutMs / 1000} s`
            : "it was given up"
          : (error.code ?? error.message);
      resolve({ failed: why });
    });
    request.end(body ?? undefined);
  });
}
