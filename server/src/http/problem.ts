import type { Problem } from "@earshot/contract/problem";
import { Failure } from "../failure.ts";
import {
  BodyTooLarge,
  InvalidRequest,
  MethodNotAllowed,
  NoSuchRoute,
  NotReady,
  RangeNotThere,
  RequestRefused,
  TookTooLong,
  Unforeseen,
  UnreadableJson,
  UnreadableUrl,
  WrongMediaType,
} from "./failures.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
}

/** What fastify throws, as failures with a remedy. */
const frameworks: Readonly<Record<string, (cause: unknown) => Failure>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: (cause) => new UnreadableJson(cause),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new InvalidRequest([{ field: "body", message: "is missing" }]),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: (cause) => new UnreadableJson(cause),
  FST_ERR_CTP_BODY_TOO_LARGE: (cause) => new BodyTooLarge(cause),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (cause) => new WrongMediaType(cause),
  FST_ERR_BAD_URL: () => new UnreadableUrl(),
  FST_ERR_MAX_PARAM_LENGTH: () => new UnreadableUrl(),
  FST_ERR_HANDLER_TIMEOUT: (cause) => new TookTooLong(cause),
};

/** A statement cut off by its time limit; and what pg 8 says, without a code, when no connection of the pool came free in time. */
const QUERY_CANCELED = "57014";
const NO_CONNECTION = "timeout exceeded when trying to connect";
/** Postgres and sockets saying that nobody is there: class 08, 57P0x, and Node's own words. */
const unreachable = /^(08\w{3}|57P0\d|53300|ECONNREFUSED|ECONNRESET|ENOTFOUND|EPIPE)$/;

/** Whatever was thrown, as a failure that may leave the house. */
export function foreseen(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  const known = frameworks[code];
  if (known) return known(error);
  if (code === QUERY_CANCELED || (error instanceof Error && error.message === NO_CONNECTION)) return new TookTooLong(error);
  if (unreachable.test(code)) return Object.assign(new NotReady("the database does not answer"), { cause: error });
  const status = Number((error as { statusCode?: unknown } | null)?.statusCode);
  if (error instanceof SyntaxError && status === 400) return new UnreadableJson(error);
  if (status === 403 || status === 404) return new NoSuchRoute();
  if (status >= 400 && status < 500) return new RequestRefused(status, error);
  return new Unforeseen(error);
}

/** A failure as RFC 9457 problem+json. `request` is the id the log knows this request by. */
export function problemOf(failure: Failure, request: string): Answer {
  const headers: Record<string, string> = { "content-type": "application/problem+json; charset=utf-8" };
  if (failure.status === 401) headers["www-authenticate"] = 'Bearer realm="earshot"';
  if (failure instanceof MethodNotAllowed) headers.allow = failure.allow;
  if (failure instanceof RangeNotThere) headers["content-range"] = `bytes */${failure.sizeBytes}`;
  const wait = (failure as { retryAfterS?: unknown }).retryAfterS;
  if (typeof wait === "number") headers["retry-after"] = String(Math.max(1, Math.ceil(wait)));
  const status = failure.status >= 400 && failure.status <= 599 ? failure.status : 500;
  return {
    status,
    headers,
    body: {
      type: `urn:earshot:failure:${failure.code.toLowerCase()}`,
      title: failure.message,
      status,
      code: failure.code,
      remedy: failure.remedy,
      ...(failure.fields.length > 0 ? { errors: failure.fields.map(({ field, message }) => ({ field, message })) } : {}),
      instance: `urn:earshot:request:${request}`,
    },
  };
}

/**
 * What the log may hold of an unforeseen error: its kind, where it was thrown, and its message without what may be a number or a word of
 * a call (runs of digits, quoted values). Of a database error also its code and the rule it broke, never its rows or parameters.
 */
export function logOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const extra = error as { code?: unknown; constraint?: unknown; table?: unknown; routine?: unknown };
  const facts: Record<string, unknown> = { type: error.name, message: withoutValues(error.message) };
  for (const name of ["code", "constraint", "table", "routine"] as const) if (typeof extra[name] === "string") facts[name] = extra[name];
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  if (frames.length > 0) facts.stack = frames.slice(0, 12).map((line) => line.trim());
  if (error.cause !== undefined) facts.cause = logOf(error.cause);
  return facts;
}

const withoutValues = (message: string): string =>
  message
    .slice(0, 300)
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, "***")
    .replace(/\+?\d[\d\s-]{4,}/g, "#");
