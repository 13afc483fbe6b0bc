import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { publicLookup, urlRefusal } from "./address.ts";

/** What came of one attempt. */
export type Posted = { readonly answered: number } | { readonly failed: string };

/** An answer is for the status; of its body nothing is kept. */
const MOST_ANSWER_BYTES = 64 * 1024;

/**
 * Posts JSON to an address that is checked, looked up, checked again and only then connected to. Redirects are not followed: they count as an answer.
 * Never throws. @param local addresses of this machine are allowed
 */
export function post(
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  { timeoutMs, local }: { timeoutMs: number; local: boolean },
): Promise<Posted> {
  const refusal = urlRefusal(address, local);
  if (refusal !== null) return Promise.resolve({ failed: refusal });
  const url = new URL(address);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const request = send(
      url,
      {
        method: "POST",
        headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        lookup: publicLookup(local) as never,
        signal: AbortSignal.timeout(timeoutMs),
        agent: false,
      },
      (response) => {
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MOST_ANSWER_BYTES) response.destroy();
        });
        response.on("error", () => {});
        response.on("close", () => resolve({ answered: response.statusCode ?? 0 }));
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.name === "TimeoutError" || error.name === "AbortError"
          ? `no answer within ${timeoutMs / 1000} s`
          : (error.code ?? error.message);
      resolve({ failed: why });
    });
    request.end(body);
  });
}
