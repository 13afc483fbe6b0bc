import type { z } from "zod";
import { type OpenedFile, openFile } from "../../download.ts";
import { refusalIn } from "../../refusal-words.ts";
import {
  type EngineFailure,
  EngineHasNot,
  EngineHostForbidden,
  EngineRefused,
  EngineUnauthorized,
  EngineUnreachable,
} from "../failures.ts";
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
  /** The same, of an answer that must be such. What is none is a failure as any other: a stranger may sit at EVI_URL. */
  read<T extends z.ZodType>(what: T, method: "GET" | "POST", path: string, body?: unknown, signal?: AbortSignal): Promise<z.output<T>>;
  openFile(url: string, rangeFrom: number): Promise<OpenedFile>;
  mayFetch(url: string): boolean;
}

/** One answer; whoever asks in a hurry gives a signal of their own. */
const TIMEOUT_MS = 10_000;
/** 100 events with the embeddings that come in their metadata. */
const LARGEST_ANSWER = 16 * 1024 * 1024;

/** wss://api.hume.ai/v0/evi/chat -> https://api.hume.ai: one host serves all of it (hume-evi §1.1). */
export const restOrigin = (chatUrl: string): string => new URL(chatUrl.replace(/^ws/, "http")).origin;

/** Hume's REST interface (hume-evi §5) over fetch, with the key in the header. Nothing is repeated here: who asks has jobs that do. */
export function humeRest({ url, apiKey, timeoutMs = TIMEOUT_MS }: HumeRestParts): HumeRest {
  const origin = restOrigin(url);
  const { host } = new URL(origin);
  const rest: HumeRest = {
    origin,
    async read(what, method, path, body, signal) {
      const read = what.safeParse(await rest.ask(method, path, body, signal));
      if (read.success) return read.data;
      const place = read.error.issues[0]?.path.join(".") || "all of it";
      throw new EngineUnreachable(host, `what it answered to ${method} ${path.split("?")[0]} is none of Hume's answers (${place})`);
    },
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
      if (!response.ok) throw failureOf(response.status, `${method} ${path.split("?")[0]}`, host, text);
      return parsed(text);
    },
    mayFetch: (address) => hostRefusal(address, origin) === null,
    openFile: (address, rangeFrom) => openSigned(address, rangeFrom, origin),
  };
  return rest;
}

function failureOf(status: number, what: string, host: string, text: string): EngineFailure {
  const { words } = refusalIn(text);
  if (status === 401 || status === 403) return new EngineUnauthorized(host, status, words);
  if (status === 404 || status === 410) return new EngineHasNot(what, status, words);
  if (status === 429 || status === 408 || status >= 500)
    return new EngineUnreachable(host, `it answered HTTP ${status}${words === "" ? "" : ` (${words})`}`, status);
  return new EngineRefused(what, status, words);
}

/** Opens a file whose URL is signed: no key goes with it. Throws EngineFailure. */
function openSigned(address: string, rangeFrom: number, origin: string): Promise<OpenedFile> {
  return openFile(address, rangeFrom, {
    admit(url) {
      const refusal = hostRefusal(url, origin);
      if (refusal !== null) throw new EngineHostForbidden(URL.parse(url)?.host ?? "nowhere", refusal);
    },
    unreachable: (host, error) => new EngineUnreachable(host, reasonOf(error), null, error),
    async refused(host, response) {
      const text = await textOf(response).catch(() => "");
      // An expired signature is a 400 of the storage (ExpiredToken), a wrong one a 403: either way this address has had its time.
      if ([400, 403].includes(response.status)) return new EngineHasNot("this file", response.status);
      return failureOf(response.status, "this file", host, text);
    },
  });
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

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
  if (name === "TimeoutError") return "no answer came in time";
  return cause?.code ?? cause?.message ?? message;
}
