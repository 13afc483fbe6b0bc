/**
 * A speech-to-speech engine in our words. What an engine can do is data (`EngineAbilities`); what it says is `EngineEvent`.
 * Texts are whole-so-far (each replaces the last for the same utterance); ids are opaque and made by the adapter;
 * times are milliseconds on the caller-audio clock: samples sent to the engine since the session opened, divided by the rate.
 */
export interface EngineAbilities {
  readonly name: string;
  /** Sample rates accepted for caller audio, Hz, best first. */
  readonly inRates: readonly number[];
  /** Rates the adapter can hand out agent audio in, Hz. */
  readonly outRates: readonly number[];
  readonly turns: boolean;
  /** Does it pace its own output in real time? Then the bridge must not queue. */
  readonly paced: boolean;
  /** Can it be made to say exact words? */
  readonly verbatim: boolean;
  readonly interim: boolean;
  readonly emotions: "none" | "caller" | "both";
  /** Does it want to be told what was really played? */
  readonly wantsPlayed: boolean;
  readonly resume: boolean;
  /** Longest session, ms. */
  readonly maxMs: number | null;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: Record<string, unknown>;
}

export interface EngineSession {
  readonly callId: string;
  readonly prompt: string;
  readonly variables: Readonly<Record<string, string | number | boolean>>;
  readonly greeting: string | null;
  readonly voice: string | null;
  readonly language: string;
  readonly tools: readonly Tool[];
  /** Hz of `audio()`; one of the abilities' inRates. */
  readonly inRate: number;
  /** Hz wanted of agentAudio. */
  readonly outRate: number;
  /** Token of an earlier session to go on with; then no greeting is spoken again. */
  readonly resume: string | null;
  readonly history: readonly { speaker: "caller" | "agent"; text: string }[];
  /** Untouched engine-specific settings of the agent. */
  readonly options: Readonly<Record<string, unknown>>;
}

export type EngineEndReason = "asked" | "expired" | "idle" | "agent_hung_up" | "refused" | "lost";

export type EngineEvent =
  | { readonly what: "ready"; readonly session: string; readonly resume: string | null; readonly expiresAt: Date | null }
  | { readonly what: "caller speech"; readonly on: boolean; readonly atMs: number; readonly utterance: string | null }
  | {
      readonly what: "caller text";
      readonly utterance: string;
      readonly text: string;
      readonly final: boolean;
      readonly fromMs: number;
      readonly toMs: number;
      readonly language: string | null;
    }
  | {
      readonly what: "agent text";
      readonly utterance: string;
      readonly text: string;
      readonly final: boolean;
      readonly language: string | null;
    }
  /** s16le mono at outRate; any length. Valid only during the call of the listener: copy to keep. */
  | { readonly what: "agent audio"; readonly utterance: string; readonly pcm: Int16Array }
  /** The adapter says the caller broke in: drop what is queued. */
  | { readonly what: "cut in" }
  | { readonly what: "agent done"; readonly how: "complete" | "cut" | "limit" | "failed" }
  | { readonly what: "tool"; readonly id: string; readonly name: string; readonly args: string }
  | {
      readonly what: "emotion";
      readonly speaker: "caller" | "agent";
      readonly utterance: string | null;
      readonly fromMs: number | null;
      readonly toMs: number | null;
      readonly set: string;
      readonly scores: Readonly<Record<string, number>>;
    }
  | { readonly what: "usage"; readonly raw: Record<string, unknown> }
  | { readonly what: "trouble"; readonly code: string; readonly text: string }
  /** Last event of a session. `retry`: may a new session go on where this one stopped? */
  | { readonly what: "ended"; readonly why: EngineEndReason; readonly code: string | null; readonly text: string; readonly retry: boolean };

export interface EngineConnection {
  readonly abilities: EngineAbilities;
  /** Caller audio, s16le mono at inRate, continuous, silence included. Never blocks; drops when not open. */
  audio(pcm: Uint8Array): void;
  say(text: string, how: "exact" | "about"): void;
  context(text: string, answer: boolean): void;
  toolResult(id: string, result: { readonly ok: boolean; readonly text: string }): void;
  /** How much of an utterance the caller really heard. */
  played(utterance: string, ms: number, end: "complete" | "cut"): void;
  /** The bridge tells whether agent audio is still unplayed: the adapter needs it to know a cut-in. */
  playing(on: boolean): void;
  close(): void;
}

/** Overhears the wire for the journal: every message but audio, as it went over the socket; keys are in headers, never in messages. */
export type WireTap = (way: "heard" | "told", message: string) => void;

/** Makes sessions. `open` returns at once; `ready` or `ended` follows on the listener. */
export interface Engine {
  readonly abilities: EngineAbilities;
  open(session: EngineSession, listener: (event: EngineEvent) => void, tap?: WireTap): EngineConnection;
}
