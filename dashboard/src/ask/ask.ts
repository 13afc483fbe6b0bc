import { z } from "zod";
import { AnswerDoesNotFit, NoAnswer, Refused } from "./failures.ts";
import { Problem } from "./shapes.ts";

/** The token GET /api/session gave us; every change made by cookie carries it. */
let csrf: string | null = null;
export const rememberCsrf = (token: string | null): void => {
  csrf = token;
};

export type Change = { method: "POST" | "PUT" | "PATCH" | "DELETE"; body?: unknown; headers?: Record<string, string> };

/**
 * The only way to the server. Asks `/api${path}` and gives back what `shape` says it is.
 * Throws Refused (the server's problem+json), AnswerDoesNotFit (not the contract) or NoAnswer (no network).
 */
export async function ask<T>(shape: z.ZodType<T>, path: string, change?: Change, signal?: AbortSignal): Promise<T> {
  const response = await send(path, change, signal);
  const text = await response.text().catch((cause: unknown) => {
    throw new NoAnswer(cause);
  });
  const body = parsed(text);
  if (!response.ok) throw refusal(path, response.status, body);
  const fits = shape.safeParse(body);
  if (!fits.success) throw new AnswerDoesNotFit(path, z.prettifyError(fits.error));
  return fits.data;
}

/** For answers without a body (204). */
export const Nothing = z.unknown().transform(() => null);

async function send(path: string, change: Change | undefined, signal: AbortSignal | undefined): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...change?.headers };
  if (change && csrf !== null) headers["x-csrf-token"] = csrf;
  const init: RequestInit = { headers, method: change?.method ?? "GET", credentials: "same-origin" };
  if (signal) init.signal = signal;
  if (change?.body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(change.body);
  }
  try {
    return await fetch(`/api${path}`, init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new NoAnswer(cause);
  }
}

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(path: string, status: number, body: unknown): Error {
  const problem = Problem.safeParse(body);
  if (problem.success) return new Refused(problem.data);
  if (status === 502 || status === 503 || status === 504) return new NoAnswer(`${status} from ${path}`);
  return new AnswerDoesNotFit(path, `HTTP ${status} without a reason.`);
}
