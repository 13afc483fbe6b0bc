import type { Exchange } from "../exchanges.ts";
import {
  type CarrierFailure,
  CarrierHasNot,
  CarrierHostForbidden,
  CarrierLimited,
  CarrierRefused,
  CarrierUnauthorized,
  CarrierUnreachable,
} from "../failures.ts";
import { parsed, readText, reasonOf, wordsOf } from "./answers.ts";
import { hostRefusal } from "./hosts.ts";

/** Silence in a download after which it is given up. */
const IDLE_MS = 30_000;
const MOST_REDIRECTS = 3;

/**
 * Opens a recording: our token only to hosts on the list, redirects walked by hand with the token dropped on another host, and given up when the
 * other side falls silent. The caller counts and bounds the bytes. Each request is told to `tell`: when it is answered, not when the bytes are here.
 */
export async function openRecording(
  address: string,
  rangeFrom: number,
  apiUrl: string,
  token: () => Promise<string>,
  tell: (exchange: Exchange) => void,
): Promise<{ body: AsyncIterable<Uint8Array>; sizeBytes: number | null; type: string | null; from: number }> {
  let url = address;
  const first = URL.parse(address)?.host;
  const idle = new AbortController();
  for (let hops = 0; ; hops++) {
    const refusal = hostRefusal(url, apiUrl);
    if (refusal !== null) throw new CarrierHostForbidden(url, refusal);
    const { host, origin, pathname } = new URL(url);
    const at = new Date();
    const started = performance.now();
    // Without what follows the path: of where we were sent on to, that may be a signature. Never a body: it is somebody's voice.
    const told = (status: number | null, answer: string | null, trace: string | null): void =>
      tell({
        at,
        method: "GET",
        url: `${origin}${pathname}`,
        request: rangeFrom > 0 ? `from byte ${rangeFrom}` : null,
        status,
        answer,
        tookMs: performance.now() - started,
        trace,
      });
    const timer = setTimeout(() => idle.abort(new Error("it fell silent")), IDLE_MS);
    let response: Response;
    try {
      response = await fetch(url, {
        redirect: "manual",
        signal: idle.signal,
        headers: {
          ...(host === first ? { authorization: `Bearer ${await token()}` } : {}),
          // As it is stored, so that its length is the announced one.
          "accept-encoding": "identity",
          ...(rangeFrom > 0 ? { range: `bytes=${rangeFrom}-` } : {}),
        },
      });
    } catch (error) {
      told(null, reasonOf(error), null);
      throw new CarrierUnreachable(host, reasonOf(error), error);
    } finally {
      clearTimeout(timer);
    }
    told(response.status, null, response.headers.get("x-nexmo-trace-id"));
    const to = response.headers.get("location");
    if ([301, 302, 303, 307, 308].includes(response.status) && to !== null) {
      await response.body?.cancel();
      if (hops >= MOST_REDIRECTS) throw new CarrierUnreachable(host, "it redirects without end");
      url = URL.parse(to, url)?.href ?? to;
      continue;
    }
    if (response.status !== 200 && response.status !== 206) throw await refusedRecording(response, host);
    const range = /^bytes (\d+)-\d*\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
    const from = response.status === 206 ? Number(range?.[1] ?? rangeFrom) : 0;
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    return {
      body: chunks(response, host, idle),
      sizeBytes: range?.[2] && range[2] !== "*" ? Number(range[2]) : Number.isFinite(length) ? from + length : null,
      type: response.headers.get("content-type"),
      from,
    };
  }
}

async function refusedRecording(response: Response, host: string): Promise<CarrierFailure> {
  const text = await readText(response).catch(() => "");
  const { status } = response;
  if (status === 401 || status === 403) return new CarrierUnauthorized(host, status);
  if (status === 404 || status === 410) return new CarrierHasNot("this recording", status);
  if (status === 429) return new CarrierLimited(host);
  if (status >= 500) return new CarrierUnreachable(host, `it answered HTTP ${status}`);
  return new CarrierRefused("to hand out a recording", status, wordsOf(parsed(text), text));
}

async function* chunks(response: Response, host: string, idle: AbortController): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      // Only the carrier's silence counts, not the time the reader of these chunks takes.
      const timer = setTimeout(() => idle.abort(new Error("it fell silent")), IDLE_MS);
      const chunk = await reader
        .read()
        .catch((error: unknown) => {
          throw new CarrierUnreachable(host, reasonOf(error), error);
        })
        .finally(() => clearTimeout(timer));
      if (chunk.done) return;
      yield chunk.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
