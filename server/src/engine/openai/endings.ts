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

/** Why a session could not begin: the handshake was answered with an HTTP status. */
export function refusalOf(status: number): Ending {
  const code = `http_${status}`;
  if (status === 401 || status === 403) return { why: "refused", code, text: "The engine refused the API key.", retry: false };
  if (status === 429) return { why: "refused", code, text: "The engine refused another session: too many at once.", retry: true };
  if (status < 500) return { why: "refused", code, text: `The engine refused the session with HTTP ${status}.`, retry: false };
  return { why: "lost", code, text: `The engine answered with HTTP ${status}.`, retry: true };
}

/** The settings were refused: going on would be another agent (openai-realtime §0, 4). */
export const settingsRefused = (error: RealtimeError): Ending => ({
  why: "refused",
  code: error.code ?? "settings_refused",
  text: `The engine refused the agent's settings: ${error.text}`,
  retry: false,
});

export const unreachable = (cause: string): Ending => ({
  why: "lost",
  code: "unreachable",
  text: `The engine could not be reached: ${cause}.`,
  retry: true,
});

/** We end a session shortly before its limit, in a pause, to go on in another one. */
export const renewal: Ending = { why: "expired", code: "renewal", text: "The session nears its time limit and is renewed.", retry: true };

export const agentHungUp: Ending = { why: "agent_hung_up", code: null, text: "The agent ended the conversation.", retry: false };

/** It answers our turns with failures only. */
export const keepsFailing = (error: RealtimeError): Ending => ({
  why: isHopeless(error.code) ? "refused" : "lost",
  code: error.code ?? "response_failed",
  text: `The engine could not answer: ${error.text}`,
  retry: !isHopeless(error.code),
});
