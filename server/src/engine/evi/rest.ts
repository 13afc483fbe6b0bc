import { EngineHasNot, EngineHostForbidden, EngineRefused, EngineUnauthorized, EngineUnreachable } from "../failures.ts";
import { hostRefusal } from "./hosts.ts";

export interface HumeRestParts {
  /** The chat socket's address: REST lies beside it. */
  readonly url: string;
  readonly apiKey: string;
  readonly timeoutMs?: number;
}

export interface HumeRest {
  /** https://api.hume.ai, or wherever EVI_URL points. */
  readonly origin: string;
  /** One request of /v0/..., once. Gives the parsed body, null when it is empty or no JSON. Throws EngineFailure. */
  ask(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown, signal?: AbortSignal): Promise<unknown>;
  openFile(
    url: string,
    rangeFrom: number,
  ): Promise<{ body: AsyncIterable<Uint8Array>; sizeBytes: number | null; type: string | null; from: number }>;
  mayFetch(url: string): boolean;
}

/** One answer; whoever asks in a hurry gives a signal of their own. */
const TIMEOUT_MS = 10_000;
/** Silence in a download after which it is given up. */
const IDLE_MS = 30_000;
/** 100 events with the embeddings that come in their metadata. */
const LARGEST_ANSWER = 16 * 1024 * 1024;
const MOST_REDIRECTS = 3;

/** wss://api.hume.ai/v0/evi/chat -> https://api.hume.ai: one host serves all of it (hume-evi §1.1). */
export const restOrigin = (chatUrl: string): string => new URL(chatUrl.replace(/^ws/, "http")).origin;

/** Hume's REST interface (hume-evi §5) over fetch, with the key in the header. Nothing is repeated here: who asks has jobs that do. */
export function humeRest({ url, apiKey, timeoutMs = TIMEOUT_MS }: HumeRestParts): HumeRest {
  const origin = restOrigin(url);
  const { host } = new URL(origin);
  return {
    origin,
    async ask(method, path, body, signal) {
      const deadline = AbortSignal.timeout(timeoutMs);
      let response: Response;
      let text: string;
      try {
        response = await fetch(`${origin}${path}`, {
          method,
          redirect: "error",
          signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
          headers: {
            "x-hume-api-key": apiKey,
            accept: "application/json",
            ...(body !== undefined && { "content-type": "application/json" }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        text = await textOf(response);
      } catch (error) {
        throw new EngineUnreachable(host, reasonOf(error), null, error);
      }
      refuseBad(response.status, `${method} ${path.split("?")[0]}`, host, text);
      return parsed(text);
    },
    mayFetch: (address) => hostRefusal(address, origin) === null,
    openFile: (address, rangeFrom) => openFile(address, rangeFrom, origin),
  };
}

function refuseBad(status: number, what: string, host: string, text: string): void {
  if (status >= 200 && status < 300) return;
  if (status === 401 || status === 403) throw new EngineUnauthorized(host, status);
  if (status === 404 || status === 410) throw new EngineHasNot(what, status);
  if (status === 429 || status === 408 || status >= 500) throw new EngineUnreachable(host, `it answered HTTP ${status}`, status);
  throw new EngineRefused(what, status, wordsOf(text));
}

/**
 * Opens a file whose URL is signed: no key goes with it. Redirects are walked by hand, each to an allowed host, and a download that falls silent
 * is given up.
 */
async function openFile(
  address: string,
  rangeFrom: number,
  origin: string,
): Promise<{ body: AsyncIterable<Uint8Array>; sizeBytes: number | null; type: string | null; from: number }> {
  let url = address;
  const idle = new AbortController();
  for (let hops = 0; ; hops++) {
    const refusal = hostRefusal(url, origin);
    const host = URL.parse(url)?.host ?? "nowhere";
    if (refusal !== null) throw new EngineHostForbidden(host, refusal);
    const response = await orSilent(host, idle, () =>
      fetch(url, {
        redirect: "manual",
        signal: idle.signal,
        headers: { "accept-encoding": "identity", ...(rangeFrom > 0 && { range: `bytes=${rangeFrom}-` }) },
      }),
    );
    const to = response.headers.get("location");
    if ([301, 302, 303, 307, 308].includes(response.status) && to !== null) {
      await response.body?.cancel();
      if (hops >= MOST_REDIRECTS) throw new EngineUnreachable(host, "it redirects without end");
      url = URL.parse(to, url)?.href ?? to;
      continue;
    }
    if (response.status !== 200 && response.status !== 206) {
      const text = await textOf(response).catch(() => "");
      // An expired signature is a 400 of the storage (ExpiredToken), a wrong one a 403: either way this address has had its time.
      if ([400, 403].includes(response.status)) throw new EngineHasNot("this file", response.status);
      refuseBad(response.status, "this file", host, text);
    }
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

async function* chunks(response: Response, host: string, idle: AbortController): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      // Only the other side's silence counts, not the time the reader of these chunks takes.
      const chunk = await orSilent(host, idle, () => reader.read());
      if (chunk.done) return;
      yield chunk.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Does something with the other side that may fall silent for too long, or break. */
async function orSilent<T>(host: string, idle: AbortController, deed: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => idle.abort(new Error("it fell silent")), IDLE_MS);
  try {
    return await deed();
  } catch (error) {
    throw new EngineUnreachable(host, reasonOf(error), null, error);
  } finally {
    clearTimeout(timer);
  }
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.byteLength;
    if (size > LARGEST_ANSWER) throw new Error("its answer is too long");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Hume's reason: `message` or `error` of a 400, the first of `detail` of a 422 (hume-evi §5). */
function wordsOf(text: string): string {
  const body = parsed(text) as { message?: unknown; error?: unknown; detail?: unknown } | null;
  const detail = Array.isArray(body?.detail) ? (body.detail[0] as { msg?: unknown } | undefined)?.msg : body?.detail;
  const words = [body?.message, body?.error, detail].find((one) => typeof one === "string" && one !== "");
  return String(words ?? text)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300);
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
  if (name === "TimeoutError") return "no answer came in time";
  return cause?.code ?? cause?.message ?? message;
}
