import { type Door, doors } from "./dialects.ts";

/** What makes an emulated server another one, or goes wrong on purpose, as data. Each absent: it is as OpenAI's documents say. */
export interface Faults {
  /** Another door than OpenAI's: for the whole server, so only by --as. */
  readonly door?: Door;
  /** Voice and turn detection stand at the top of the session. */
  readonly flat?: true;
  /** The caller is written down whatever the session says; the text so far comes whole each time, and once as completed before it is. */
  readonly wholeTexts?: true;
  /** Knows items that are said word for word, without the model. */
  readonly forcedMessages?: true;
  /** A cancelled response never gets its `response.done`. */
  readonly cutWithoutDone?: true;
  /** Any PCM rate, as self-hosted servers take it. */
  readonly lenientRates?: true;
  /** All the sound of an answer in one delta. */
  readonly oneDelta?: true;
  /** The event names of the beta protocol. */
  readonly betaNames?: true;
  /** `conversation.item.created` in place of `.added` and `.done`; no `input_audio_buffer.committed`. */
  readonly fewerEvents?: true;
  readonly noRateLimits?: true;
  /** `conversation.created` comes first, and events of the server's own are strewn in. */
  readonly ownEvents?: true;
  /** `conversation.item.truncate` is not known, or accepted without an answer. */
  readonly truncate?: "unknown" | "ignored";
  /** The caller's text comes after the answer, never, or as a failure. */
  readonly transcription?: "late" | "never" | "failed";
  /** So many audio deltas still arrive after a response was cancelled. */
  readonly lateDeltas?: number;
  readonly slowMs?: number;
  /** Hears and transcribes, and never answers. */
  readonly silent?: true;
  /** Opens, and never says anything, not even session.created. */
  readonly mute?: true;
  readonly freezesAtTurn?: number;
  readonly handshake?: 401 | 403 | 429 | 500 | 503 | "never";
  /** The connection ends; 1006 is an abrupt drop. Turn 0 is the greeting. */
  readonly closes?: { readonly code: number; readonly reason: string; readonly turn: number; readonly at: Moment };
  /** A response ends as failed, that many times from this turn on. */
  readonly fails?: { readonly code: string; readonly message: string; readonly turn: number; readonly times: number };
  /** `session.update` is refused, whatever it says. */
  readonly refusesUpdate?: true;
  readonly unknownTypes?: number;
  readonly malformed?: number;
  readonly sessionS?: number;
}

export type Moment = "heard" | "speaking";

export interface FaultRow {
  readonly name: string;
  /** One sentence for the README. */
  readonly does: string;
  readonly faults: Faults;
}

/** The table: each name is a model name and a directive, several joined by `+`. The README's table is checked against it. */
export const faultTable: readonly FaultRow[] = [
  {
    name: "local",
    does: "a self-hosted server like LocalAI: any rate, the whole answer in one delta, no rate limits, events of its own",
    faults: { lenientRates: true, oneDelta: true, noRateLimits: true, ownEvents: true },
  },
  {
    name: "speech-to-speech",
    does: "a self-hosted server like Hugging Face's: any rate, fewer events, truncate accepted and ignored",
    faults: { lenientRates: true, fewerEvents: true, noRateLimits: true, truncate: "ignored" },
  },
  { name: "azure", does: "OpenAI at Azure: met at `/openai/v1/realtime` only, the key in `api-key` only", faults: { door: doors.azure } },
  {
    name: "xai",
    does: "xAI's: voice and turn detection at the top of the session, any rate, texts whole each time, `force_message`, `ping`, no `response.done` for what was cut",
    faults: {
      door: doors.xai,
      flat: true,
      lenientRates: true,
      wholeTexts: true,
      forcedMessages: true,
      cutWithoutDone: true,
      ownEvents: true,
    },
  },
  {
    name: "inworld",
    does: "Inworld's: met at `/api/v1/realtime/session?key=…&protocol=realtime`, Basic, cannot truncate",
    faults: { door: doors.inworld, truncate: "unknown" },
  },
  { name: "lenient-rates", does: "takes any PCM rate, not only 24000", faults: { lenientRates: true } },
  { name: "one-delta", does: "sends all the sound of an answer in one delta", faults: { oneDelta: true } },
  { name: "beta-names", does: "uses the event names of the beta protocol (`response.audio.delta`, ...)", faults: { betaNames: true } },
  { name: "no-truncate", does: "does not know `conversation.item.truncate`", faults: { truncate: "unknown" } },
  { name: "late-text", does: "sends the caller's text after the answer", faults: { transcription: "late" } },
  { name: "no-text", does: "never sends the caller's text", faults: { transcription: "never" } },
  { name: "text-fails", does: "fails to transcribe the caller", faults: { transcription: "failed" } },
  { name: "late-deltas", does: "sends two more audio deltas after a response was cancelled", faults: { lateDeltas: 2 } },
  { name: "slow", does: "waits six seconds before each answer", faults: { slowMs: 6_000 } },
  { name: "silent", does: "hears, and never answers", faults: { silent: true } },
  { name: "mute", does: "opens the socket and never says anything, not even session.created", faults: { mute: true } },
  { name: "freeze", does: "stops reading and answering anything, pings included, at the second turn", faults: { freezesAtTurn: 2 } },
  { name: "refuse", does: "refuses the handshake with 401", faults: { handshake: 401 } },
  { name: "forbidden", does: "refuses the handshake with 403", faults: { handshake: 403 } },
  { name: "too-many", does: "refuses the handshake with 429", faults: { handshake: 429 } },
  { name: "unavailable", does: "refuses the handshake with 503", faults: { handshake: 503 } },
  { name: "hang", does: "never answers the handshake", faults: { handshake: "never" } },
  { name: "refuse-update", does: "refuses every session.update", faults: { refusesUpdate: true } },
  {
    name: "drop",
    does: "drops the connection (1006) in the middle of the second answer",
    faults: { closes: { code: 1006, reason: "", turn: 2, at: "speaking" } },
  },
  {
    name: "drop-heard",
    does: "drops the connection (1006) when the second turn was heard, before its text",
    faults: { closes: { code: 1006, reason: "", turn: 2, at: "heard" } },
  },
  {
    name: "restart",
    does: "closes with 1012 at the second turn",
    faults: { closes: { code: 1012, reason: "Service restart", turn: 2, at: "heard" } },
  },
  {
    name: "rate-limited",
    does: "fails one response with rate_limit_exceeded at the second turn",
    faults: { fails: { code: "rate_limit_exceeded", message: "Rate limit reached for tokens per minute.", turn: 2, times: 1 } },
  },
  {
    name: "server-error",
    does: "fails every response from the second turn on with server_error",
    faults: { fails: { code: "server_error", message: "The server had an error while processing your request.", turn: 2, times: 1_000 } },
  },
  {
    name: "no-quota",
    does: "fails the responses from the first turn on with insufficient_quota",
    faults: { fails: { code: "insufficient_quota", message: "You exceeded your current quota.", turn: 1, times: 1_000 } },
  },
  { name: "flood", does: "10,000 messages of unknown types before each answer", faults: { unknownTypes: 10_000 } },
  {
    name: "flood-malformed",
    does: "10,000 frames that are not JSON or lack what they must have before each answer",
    faults: { malformed: 10_000 },
  },
  { name: "expire", does: "closes the session with 1001 after twenty seconds", faults: { sessionS: 20 } },
];
