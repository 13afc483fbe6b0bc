import { nobodysTurn, type Sign, type Turn } from "./turns.ts";

/**
 * What the bridge of one call can be, hear and do, as data; step.ts decides. Times are milliseconds of the monotonic clock.
 *
 * | state | means | entered by | left by |
 * |---|---|---|---|
 * | opening | nobody on the line yet, engine connecting | the start | media on, engine ready, end |
 * | waiting | nobody on the line yet, engine ready; its greeting may already wait | engine ready | media on, engine ended, end |
 * | holding | caller on the line, engine not ready: their audio is kept | media on, engine lost and tried again | engine ready, deadline |
 * | talking | both there | engine ready, media on | media off, engine ended, end |
 * | apart | the caller's connection is gone, the call perhaps not; after the deadline the engine is too | media off | media on, end |
 * | goodbye | the agent hung up: its last words are played, then the phone call ends | engine ended by the agent | quiet, deadline, media off |
 * | silent | the engine is lost for good; others decide what the caller hears | engine ended, deadline | end |
 * | listening | the call is over, but the engine may still be writing down the caller's last words: it is given silence to hear their end | end | last words, deadline, engine ended |
 * | over | nothing happens any more | end, goodbye said | - |
 *
 * A caller on the line is never left in silence: whoever waits for words (turns.ts) hears something within three seconds, be it the agent, the carrier's
 * word for a moment, or its apology. deadlines.ts says when something is to be decided although nothing was heard.
 */
export type Bridge =
  | (Common & { readonly state: "opening" | "waiting" | "talking" | "silent" | "over" })
  | (Common & { readonly state: "holding" | "goodbye" | "listening"; readonly until: number })
  | (Common & {
      readonly state: "apart";
      readonly since: number;
      readonly until: number;
      readonly engineReady: boolean;
      /** It was away too long to keep an engine for it: one is opened when it comes back. */
      readonly alone?: true;
    });

export interface Common {
  /** Token to go on with the engine's conversation. */
  readonly resume: string | null;
  /** Sessions lost since the engine was last ready for long enough. */
  readonly attempts: number;
  /** Attempts since the last session that could not reach the engine while nobody was on the line. */
  readonly tries: number;
  readonly readyAt: number | null;
  /** When the engine, which could not be reached, is tried again. */
  readonly againAt: number | null;
  readonly turn: Turn;
  /** Was the session before this one lost? Then what the agent owes has to be asked for. */
  readonly again: boolean;
  /** When a session that followed a lost one was asked for words of which none has come. */
  readonly revivedAt: number | null;
  /** When an engine was last taken for deaf. */
  readonly deafAt: number | null;
  /** Has the caller been heard speaking without the final words having come? */
  readonly midSentence: boolean;
}

export type Heard =
  | { readonly what: "media on" | "media off" | "quiet" | "second" | "end"; readonly at: number }
  | { readonly what: "caller spoke" }
  | Sign
  | {
      readonly what: "engine ready";
      readonly at: number;
      readonly resume: string | null;
      /** Has it been given a greeting to say? */
      readonly greets?: boolean;
      /** Can it be made to take up a conversation that broke off? */
      readonly goesOn?: boolean;
    }
  | {
      readonly what: "engine ended";
      readonly at: number;
      readonly why: string;
      readonly code: string | null;
      readonly text: string;
      readonly retry: boolean;
      /** Until when the caller still has words of the lost session to hear. */
      readonly playsUntil?: number;
    };

export type Action =
  /** The frame just heard. */
  | { readonly do: "send to engine" | "hold" }
  | { readonly do: "deliver held" | "drop held" }
  /** The sound just heard. */
  | { readonly do: "queue for caller" }
  /** `cutIn`: the caller is there and broke in, so that the carrier must drop what it holds too. */
  | { readonly do: "drop speech"; readonly cutIn: boolean }
  | { readonly do: "finish speech" }
  | { readonly do: "open engine"; readonly resume: string | null }
  /** The engine is connected and says nothing: for how long. */
  | { readonly do: "note silence"; readonly silentMs: number }
  /** The carrier asks the caller for a moment; `again`: not for the first time. */
  | { readonly do: "ask to wait"; readonly again: boolean }
  /** The engine is made to take up the conversation that broke off; `opened`: in a new session. */
  | { readonly do: "go on"; readonly opened: boolean }
  /** Silence as if the line were open, until the engine is closed. */
  | { readonly do: "feed silence" }
  | { readonly do: "close engine" | "hang up" }
  | { readonly do: "report engine lost"; readonly code: string | null; readonly text: string };

export const beginning = (resume: string | null): Bridge => ({
  state: "opening",
  resume,
  attempts: 0,
  tries: 0,
  readyAt: null,
  againAt: null,
  turn: nobodysTurn,
  again: false,
  revivedAt: null,
  deafAt: null,
  midSentence: false,
});

/** What is known in every state. */
export const common = (bridge: Bridge): Common => {
  const { resume, attempts, tries, readyAt, againAt, turn, again, revivedAt, deafAt, midSentence } = bridge;
  return { resume, attempts, tries, readyAt, againAt, turn, again, revivedAt, deafAt, midSentence };
};
