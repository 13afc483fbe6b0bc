import type { Tool } from "./wire.ts";

/** What a Config makes of a chat, with Hume's defaults where a Config says nothing. */
export interface Behaviour {
  readonly config: { readonly id: string; readonly version: number } | null;
  readonly prompt: string;
  readonly onNewChat: EventMessage;
  readonly onInactivity: EventMessage;
  readonly onMaxDuration: EventMessage;
  /** Ms; null when the timeout is disabled. */
  readonly inactivityMs: number | null;
  readonly maxDurationMs: number | null;
  /** Ms of the caller's silence after which the agent speaks up; null when off. */
  readonly nudgeMs: number | null;
  readonly endOfTurnMs: number;
  readonly minInterruptionMs: number;
  readonly tools: readonly Tool[];
  readonly builtinTools: readonly ("web_search" | "hang_up")[];
  readonly webhooks: readonly { readonly url: string; readonly events: readonly string[] }[];
}

export interface EventMessage {
  readonly enabled: boolean;
  /** Spoken word for word; without it the agent finds words of its own. */
  readonly text: string | null;
}

/** The socket ends here even when max_duration is disabled. */
export const HARD_LIMIT_MS = 1_800_000;
/** More time for an answer after the inactivity message was spoken. */
export const GRACE_MS = 15_000;

const off: EventMessage = { enabled: false, text: null };

/**
 * A chat without a Config. Hume's documents disagree about the inactivity default (120 s and 600 s); the longer one is emulated. It does
 * not greet by itself: a client that wants a greeting sends `assistant_input`, or names a Config with `on_new_chat`.
 */
export const byDefault: Behaviour = {
  config: null,
  prompt: "",
  onNewChat: off,
  onInactivity: off,
  onMaxDuration: off,
  inactivityMs: 600_000,
  maxDurationMs: HARD_LIMIT_MS,
  nudgeMs: null,
  endOfTurnMs: 800,
  minInterruptionMs: 800,
  tools: [],
  builtinTools: [],
  webhooks: [],
};
