import { inWords, type Refusal } from "../../refusal-words.ts";
import type { EngineEndReason } from "../port.ts";

export interface Ending {
  readonly why: EngineEndReason;
  readonly code: string | null;
  readonly text: string;
  readonly retry: boolean;
}

export interface RealtimeError {
  readonly code: string | null;
  readonly text: string;
}

/** Errors that a second attempt would meet again (openai-realtime §10; the list is that of other serious clients). */
const hopeless = new Set([
  "invalid_api_key",
  "insufficient_quota",
  "account_deactivated",
  "billing_hard_limit_reached",
  "model_not_found",
  "model_load_error",
  "missing_model",
  "beta_api_shape_disabled",
]);
export const isHopeless = (code: string | null): boolean => code !== null && hopeless.has(code);

export const weClosed: Ending = { why: "asked", code: null, text: "We ended the session.", retry: false };

/**
 * Why a session ended, from its close and the last error before it. An `error` by itself ends nothing (openai-realtime §10); the close does.
 * Reasons carry the code too: `invalid_request_error.invalid_api_key`.
 */
export function endingOf(close: number, reason: string, error: RealtimeError | null): Ending {
  const named = /\.([a-z_]+)$/.exec(reason)?.[1] ?? null;
  const code = named ?? error?.code ?? null;
  const text = error?.text || reason || `The connection to the engine was lost (close code ${close}).`;
  if (isHopeless(code)) return { why: "refused", code, text, retry: false };
  if (close === 1001 && (code === "session_expired" || /maximum duration/i.test(reason)))
    return { why: "expired", code: "session_expired", text, retry: true };
  if (close === 3000) return { why: "refused", code: code ?? "ws_3000", text, retry: false };
  if (close >= 4000 && close < 5000) return { why: "refused", code: code ?? `ws_${close}`, text, retry: false };
  return { why: "lost", code: code ?? `ws_${close}`, text, retry: true };
}

/** Why a session could not begin: the handshake was answered with an HTTP status. An empty account answers 429 as one that asks too often does. */
export function refusalOf(status: number, refusal: Refusal): Ending {
  if (isHopeless(refusal.code)) return refusedFor({ code: refusal.code, text: inWords("The engine refused the session", refusal) });
  const code = `http_${status}`;
  if (status === 401) return { why: "refused", code, text: inWords("The engine refused the API key", refusal), retry: false };
  if (status === 403)
    return { why: "refused", code, text: inWords("The engine refused the API key, or what it may be used for", refusal), retry: false };
  if (status === 429)
    return { why: "refused", code, text: inWords("The engine refused another session: too many at once", refusal), retry: true };
  if (status < 500)
    return { why: "refused", code, text: inWords(`The engine refused the session with HTTP ${status}`, refusal), retry: false };
  return { why: "lost", code, text: inWords(`The engine answered with HTTP ${status}`, refusal), retry: true };
}

/** It named a reason that a second attempt would meet again. */
export const refusedFor = ({ code, text }: RealtimeError): Ending => ({ why: "refused", code, text, retry: false });

/**
 * The settings were refused: going on would be another agent (openai-realtime §0, 4). `param` is the place in them, which the server's words often leave
 * out: "Invalid schema for function 'book'".
 */
export const settingsRefused = ({ code, text }: RealtimeError, param: string | null): Ending => ({
  why: "refused",
  code: code ?? "settings_refused",
  text: `The engine refused the agent's settings: ${text}${param === null || text.includes(param) ? "" : ` (${param})`}`,
  retry: false,
});

/** It did not come to `session.updated` in time: what it said instead, if it said anything. */
export const notReady = (error: RealtimeError | null): Ending =>
  error === null
    ? unreachable("no answer came in time")
    : { why: "lost", code: error.code ?? "not_ready", text: `The engine was not ready in time: ${error.text}`, retry: true };

export const unreachable = (cause: string): Ending => ({
  why: "lost",
  code: "unreachable",
  text: `The engine could not be reached: ${cause}.`,
  retry: true,
});

/** We end a session shortly before its limit, in a pause, to go on in another one. */
export const renewal: Ending = { why: "expired", code: "renewal", text: "The session nears its time limit and is renewed.", retry: true };

export const agentHungUp: Ending = { why: "agent_hung_up", code: null, text: "The agent ended the conversation.", retry: false };

/** A caller who waits for an answer is asked for patience meanwhile, and given up on after seven seconds (bridge/deadlines.ts): so long may it take together. */
const MOST_WAIT_MS = 3_000;
const MOST_TIMES = 3;

/**
 * After how many ms is an answer asked for again that failed, `times` having failed right before it? Null: not. At once, and once; of an account that has had
 * its minute's share, when it says ("Please try again in 1.2s"), or after a second and then two. Pure.
 */
export function askAgainMs({ code, text }: RealtimeError, times: number): number | null {
  if (code !== "rate_limit_exceeded") return times === 0 ? 0 : null;
  const [, minutes, number, unit] = /try again in (?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?/.exec(text) ?? [];
  const said = Number(minutes ?? 0) * 60_000 + Number(number ?? 0) * (unit === "ms" ? 1 : 1_000);
  const waitMs = said > 0 ? said + 50 : 1_000 * (times + 1);
  return times < MOST_TIMES && waitMs <= MOST_WAIT_MS ? waitMs : null;
}

/** It answers our turns with failures only. */
export const keepsFailing = (error: RealtimeError): Ending => ({
  why: isHopeless(error.code) ? "refused" : "lost",
  code: error.code ?? "response_failed",
  text: `The engine could not answer: ${error.text}`,
  retry: !isHopeless(error.code),
});
