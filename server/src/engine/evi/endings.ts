import { inWords, type Refusal } from "../../refusal-words.ts";
import type { EngineEndReason } from "../port.ts";

export interface Ending {
  readonly why: EngineEndReason;
  readonly code: string | null;
  readonly text: string;
  readonly retry: boolean;
}

/** Errors after which EVI ends the chat (hume-evi §4.3), whatever it still says in between. The others end nothing by themselves. */
const fatal: Readonly<Record<string, { readonly why: EngineEndReason; readonly retry: boolean }>> = {
  E0300: { why: "refused", retry: false },
  E0705: { why: "lost", retry: true },
  E0714: { why: "idle", retry: false },
  E0715: { why: "expired", retry: true },
  I0116: { why: "lost", retry: true },
  I0118: { why: "lost", retry: true },
};

export const endsTheChat = (code: string | null | undefined): boolean => code != null && Object.hasOwn(fatal, code);

export interface EviError {
  readonly code: string | null;
  readonly text: string;
}

/**
 * Why a chat ended, from the close code and the error before it. 1000 is not success: timeouts and failed transcription close with it too.
 * Without any error, 1000 is the agent's own hang-up where one was to be expected (`hungUp`), and a loss otherwise. `asked` says that we closed.
 */
export function endingOf(close: number, error: EviError | null, asked: boolean, hungUp = false): Ending {
  if (asked) return { why: "asked", code: null, text: "We ended the session.", retry: false };
  if (error !== null) {
    const known = error.code === null ? undefined : fatal[error.code];
    return { why: known?.why ?? "lost", code: error.code, text: error.text, retry: known?.retry ?? true };
  }
  if (close === 1000 && hungUp) return { why: "agent_hung_up", code: null, text: "The agent ended the conversation.", retry: false };
  return { why: "lost", code: `ws_${close}`, text: `The connection to EVI was lost (close code ${close}).`, retry: true };
}

/** A chat nears its end (30 minutes, whatever is configured): we close it, and another goes on with its chat group. */
export const renewal: Ending = { why: "expired", code: "renewal", text: "The chat nears its time limit and is renewed.", retry: true };

/** Why a chat could not begin: EVI answered the handshake with an HTTP status. A refused key, or an account that owes, is refused the second time too. */
export function refusalOf(status: number, refusal: Refusal): Ending {
  const code = `http_${status}`;
  if (status === 401 || status === 403) return { why: "refused", code, text: inWords("EVI refused the API key", refusal), retry: false };
  if (status === 429) return { why: "refused", code, text: inWords("EVI refused another chat: too many at once", refusal), retry: true };
  if (status < 500) return { why: "refused", code, text: inWords(`EVI refused the chat with HTTP ${status}`, refusal), retry: false };
  return { why: "lost", code, text: inWords(`EVI answered with HTTP ${status}`, refusal), retry: true };
}

/** Statuses of a handshake that speak of what was named in it: an unknown Config, an unknown chat group. */
export const namesUnknown = (status: number): boolean => status >= 400 && status < 500 && ![401, 402, 403, 408, 429].includes(status);

/** Why a chat could not begin: no connection came about. */
export const unreachable = (cause: string): Ending => ({
  why: "lost",
  code: "unreachable",
  text: `EVI could not be reached: ${cause}.`,
  retry: true,
});
