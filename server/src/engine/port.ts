import type { OpenedFile } from "../download.ts";

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

/** How an agent listens: what an engine must be told of its settings beside the words. */
export interface Manners {
  /** Silence after which the caller's turn is over, ms; null: the engine's own. */
  readonly endOfTurnMs: number | null;
  /** How easily the caller breaks in. */
  readonly interruption: "never" | "low" | "medium" | "high";
  /** May the agent end the call? Where the engine has its own way for that, it is offered; a tool named hang_up does the same. */
  readonly hangsUp: boolean;
}

/** As an engine behaves when nobody says otherwise. */
export const plainManners: Manners = { endOfTurnMs: null, interruption: "medium", hangsUp: true };

export interface EngineSession {
  readonly callId: string;
  /** Which agent, at which version, for an engine that keeps settings of its own; null where there is none to name. */
  readonly agent: { readonly id: string; readonly version: number; readonly name: string } | null;
  readonly manners: Manners;
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

/** The longest sound of the caller's that is kept for a session that is not ready, and then given to it in one go, ms. */
export const MOST_AT_ONCE_MS = 10_000;

export interface EngineConnection {
  readonly abilities: EngineAbilities;
  /** Caller audio, s16le mono at inRate, continuous, silence included; after a wait up to MOST_AT_ONCE_MS in one go. Never blocks; drops when not open. */
  audio(pcm: Uint8Array): void;
  say(text: string, how: "exact" | "about"): void;
  context(text: string, answer: boolean): void;
  toolResult(id: string, result: { readonly ok: boolean; readonly text: string }): void;
  /** How much of an utterance the caller really heard. */
  played(utterance: string, ms: number, end: "complete" | "cut"): void;
  /** The bridge tells whether agent audio is still unplayed: the adapter needs it to know a cut-in. */
  playing(on: boolean): void;
  /** `ended` follows, and `ready` does not any more. Words that were under way may come before it. */
  close(): void;
}

/**
 * Overhears the wire for the journal: every message but audio, as it went over the socket; keys are in headers, never in messages. Bytes are good only during
 * the call: copy to keep.
 */
export type WireTap = (way: "heard" | "told", message: string | Uint8Array) => void;

/** An agent as it is to be saved, for an engine to look at. */
export interface EngineAgent {
  readonly prompt: string;
  readonly greeting: string | null;
  readonly voice: string | null;
  readonly language: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly manners: Manners;
  readonly tools: readonly Tool[];
}

/** Something of an agent's settings. `field` is a path in them: "prompt", "options.config_id". */
export interface EngineProblem {
  readonly field: string;
  /** Completes "<field> ...", with what to do: "is longer than 10,000 characters; shorten it". */
  readonly message: string;
}

/** What an engine makes of an agent's settings. */
export interface EngineManner {
  /** Longest prompt it takes, characters, after the variables are filled in; null: no limit is known. */
  readonly mostPromptChars: number | null;
  /** True of every agent: what the engine cannot do or needs. */
  readonly always: readonly EngineProblem[];
  /** Settings that will not do what they say. They may be saved all the same. Pure. */
  notes(agent: EngineAgent): EngineProblem[];
  /** Settings that cannot work: unknown or malformed options, tools it cannot take. They are not saved. Pure. */
  refuses(agent: EngineAgent): EngineProblem[];
}

/** A saved agent at a version, as far as an engine may keep settings of it. */
export type PreparedAgent = Pick<EngineSession, "manners" | "options" | "language"> & {
  readonly agent: NonNullable<EngineSession["agent"]>;
};

/** One session of the engine in a call, as its vendor knows it: a call has several when it was resumed or renewed. */
export interface SessionRef {
  readonly session: string;
  /** What sessions that go on with each other have in common; null where an engine cannot resume. */
  readonly resume: string | null;
}

/** One thing somebody said, as the vendor remembers it. */
export interface Remembered {
  /** The vendor's own id of it. */
  readonly id: string;
  readonly speaker: "caller" | "agent";
  readonly text: string;
  /** By the vendor's clock: of a caller's words the end, of an agent's the beginning. */
  readonly at: Date;
  /** How long it was spoken, ms; null when it does not say. */
  readonly lastsMs: number | null;
  readonly emotions: { readonly set: string; readonly scores: Readonly<Record<string, number>> } | null;
}

/** running: a session is not over at the vendor's, look again later. none: final, nothing is kept. */
export type History =
  | { readonly state: "running" }
  | { readonly state: "kept"; readonly said: readonly Remembered[] }
  | { readonly state: "none"; readonly text: string };

/** What the vendor has of the sound of one session: a file of its own. */
export interface ReconstructedPart {
  readonly session: string;
  /** Good until `expiresAt`; a fresh look gives a fresh one. Never shown to a browser. */
  readonly url: string;
  readonly expiresAt: Date | null;
  /** When the session began by the vendor's clock; null when it does not say. */
  readonly startedAt: Date | null;
}

/**
 * making: look again later. ready: one file a session, oldest first. none: final; nothing was kept, or the vendor gave up.
 */
export type Reconstruction =
  | { readonly state: "making" }
  | { readonly state: "ready"; readonly parts: readonly ReconstructedPart[] }
  | { readonly state: "none"; readonly because: "not_kept" | "failed"; readonly text: string };

/** The vendor's own recording of sessions that are over. All throw EngineFailure (failures.ts). */
export interface Reconstructions {
  /** One look, which waits for nothing: the first makes the vendor begin. */
  look(sessions: readonly SessionRef[], signal?: AbortSignal): Promise<Reconstruction>;
  /** Opens a file for reading, as a carrier's: only allowed hosts, on redirects too; one that falls silent is given up. The reader counts and bounds the bytes. */
  openRecording(url: string, rangeFrom: number): Promise<OpenedFile>;
  /** Would openRecording accept this URL? */
  mayFetch(url: string): boolean;
}

/** Makes sessions. `open` returns at once; `ready` or `ended` follows on the listener. */
export interface Engine {
  readonly abilities: EngineAbilities;
  readonly manner: EngineManner;
  /**
   * Asks the vendor before an agent is saved: is the key good, does what the options name exist? Gives what must be mended; rejects when the vendor
   * cannot be asked (then the agent is saved with a note that says so). Absent: the vendor has nothing cheap to ask.
   */
  check?(agent: EngineAgent, signal: AbortSignal): Promise<readonly EngineProblem[]>;
  /**
   * Told of an agent that was saved, so that what the vendor keeps of it is there before the phone rings; rejects when that failed, and then it
   * is done with the first call. Absent: the vendor keeps nothing.
   */
  prepare?(agent: PreparedAgent): Promise<void>;
  /** What the vendor remembers of sessions that are over, oldest first. Absent where it remembers nothing. Throws EngineFailure (failures.ts). */
  history?(sessions: readonly SessionRef[], signal: AbortSignal): Promise<History>;
  /** Absent where the vendor makes no recording of its own. */
  readonly reconstructions?: Reconstructions;
  open(session: EngineSession, listener: (event: EngineEvent) => void, tap?: WireTap): EngineConnection;
}
