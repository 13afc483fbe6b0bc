import { handedOn, isBrokenOff, nobodysTurn, type Sign, type Turn, turnAfter } from "./turns.ts";

/**
 * What the bridge of one call decides: no sockets, no clock, no database. Times are milliseconds of the monotonic clock.
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
 * word for a moment, or its apology. `dueAt` says when something is to be decided although nothing was heard.
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

interface Common {
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

/** How long a caller on the line waits for the call's first session, asked to wait meanwhile. It opens while it rings: this is for the worst case. */
export const ENGINE_WITHIN_MS = 5_000;
/** How long a session that follows a lost one may take to be ready; then the carrier apologises, which takes it most of a second. */
export const RESUME_WITHIN_MS = 2_000;
/** An engine that cannot be reached is tried again so soon. */
export const AGAIN_MS = 400;
/** A caller who has waited so long for words is asked to wait. Engines answer in about one second, slow ones in two; the carrier's word takes half a second. */
export const WAIT_MS = 2_300;
/** That word is heard at least so long. */
export const WORD_LASTS_MS = 1_000;
/** An engine that owes words and has said nothing for so long counts as silent. Servers that make a whole answer before its first sound take seconds; the caller is asked to wait meanwhile. */
export const SILENT_MS = 7_000;
/** As long as written words of an answer come, its sound is waited for; at most so long. */
export const SLOWEST_MS = 20_000;
/** The first words of a session that was opened because the one before it was lost. */
export const FIRST_WORDS_MS = 4_000;
/** The caller spoke, and for so long after the end of it the engine gave no sign of having heard. */
export const DEAF_MS = 3_500;
/** Sound that is like speech and no engine reacts to may be anything: no oftener than this is it taken for deafness, and never does it end a call. */
export const DEAF_AGAIN_MS = 15_000;
/**
 * How long the engine is kept for a caller whose audio connection broke: the carrier needs about a second to open another. Who is handed to a
 * person that does not answer comes back later than that, to an engine that is opened for it.
 */
export const APART_MS = 20_000;
/** The longest goodbye. */
export const GOODBYE_MS = 30_000;
/** How long the engine may take to write down the last words of a caller who is gone: its end-of-turn silence and a little; more when words were coming. */
export const LAST_WORDS_MS = 1_500;
export const LAST_SENTENCE_MS = 3_000;
/** A session that was ready this long has earned another attempt. */
const STEADY_MS = 10_000;
const MOST_ATTEMPTS = 1;
/** While it rings nobody waits: an engine that cannot be reached is tried so often, about once a second. */
const MOST_TRIES = 10;

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

// The two decisions of every 20 ms are made once, not 100 times a second.
const send: Action[] = [{ do: "send to engine" }];
const hold: Action[] = [{ do: "hold" }];
const queue: Action[] = [{ do: "queue for caller" }];
const nothing: Action[] = [];

/** From what we know and what we heard to what we know now and what shall happen. */
export function step(bridge: Bridge, heard: Heard): [Bridge, readonly Action[]] {
  switch (heard.what) {
    case "caller spoke":
      return [bridge, bridge.state === "talking" ? send : bridge.state === "holding" ? hold : nothing];
    case "agent spoke":
      if (bridge.state === "over" || bridge.state === "silent" || bridge.state === "listening") return [bridge, nothing];
      return [noted(bridge.revivedAt === null ? bridge : { ...bridge, revivedAt: null }, heard), queue];
    case "cut in":
      return [noted(bridge, heard), canBeCut(bridge) ? [{ do: "drop speech", cutIn: true }] : nothing];
    case "caller words":
      if (bridge.state === "listening" && heard.final) return [{ ...common(bridge), state: "over" }, [{ do: "close engine" }]];
      return [noted(bridge.midSentence === !heard.final ? bridge : { ...bridge, midSentence: !heard.final }, heard), nothing];
    case "voice":
    case "caller speech":
    case "agent words":
    case "agent done":
    case "tool":
    case "tool answered":
    case "asked to speak":
      return [noted(bridge, heard), nothing];
    case "media on":
      return mediaOn(bridge, heard.at);
    case "media off":
      return mediaOff(bridge, heard.at);
    case "engine ready":
      return bridge.state === "over"
        ? [bridge, nothing]
        : engineReady({ ...bridge, resume: heard.resume ?? bridge.resume, readyAt: heard.at, againAt: null, tries: 0 }, heard);
    case "engine ended":
      return engineEnded(bridge, heard);
    case "quiet":
      return bridge.state === "goodbye" ? goodbyeSaid(bridge) : [bridge, nothing];
    case "second":
      return secondPassed(bridge, heard.at);
    case "end":
      return ended(bridge, heard.at);
  }
}

function mediaOn(bridge: Bridge, at: number): [Bridge, readonly Action[]] {
  switch (bridge.state) {
    case "opening":
      return [{ ...common(owingSince(bridge, at)), state: "holding", until: at + ENGINE_WITHIN_MS }, nothing];
    case "waiting":
      return [{ ...common(waitingSince(bridge, at)), state: "talking" }, nothing];
    case "apart":
      if (bridge.alone)
        return [
          { ...common(owingSince(bridge, at)), attempts: 0, again: false, state: "holding", until: at + ENGINE_WITHIN_MS },
          [{ do: "open engine", resume: bridge.resume }],
        ];
      if (bridge.engineReady)
        return [
          { ...common(waitingSince(bridge, at)), state: "talking" },
          bridge.turn.owedSince === null ? nothing : [{ do: "go on", opened: false }],
        ];
      return [{ ...common(owingSince(bridge, at)), state: "holding", until: at + ENGINE_WITHIN_MS }, nothing];
    case "holding":
    case "talking":
    case "goodbye":
    case "silent":
    case "listening":
    case "over":
      return [bridge, nothing];
  }
}

function mediaOff(bridge: Bridge, at: number): [Bridge, readonly Action[]] {
  switch (bridge.state) {
    case "holding":
    case "talking":
      return [
        {
          ...common(bridge.turn.answering ? owingSince(bridge, at) : bridge),
          state: "apart",
          since: at,
          until: at + APART_MS,
          engineReady: bridge.state === "talking",
        },
        [
          { do: "drop speech", cutIn: false },
          ...(bridge.state === "talking" ? [{ do: "feed silence" } as const] : [{ do: "drop held" } as const]),
        ],
      ];
    case "goodbye":
      return goodbyeSaid(bridge);
    case "opening":
    case "waiting":
    case "apart":
    case "silent":
    case "listening":
    case "over":
      return [bridge, nothing];
  }
}

function engineReady(bridge: Bridge, ready: Extract<Heard, { what: "engine ready" }>): [Bridge, readonly Action[]] {
  const { at, greets = false, goesOn = false } = ready;
  // What a lost session owed is asked of this one, unless the caller speaks: then they go on, and it hears them.
  const goOn = bridge.again && isBrokenOff(bridge.turn) && goesOn && !greets && !bridge.turn.callerSpeaks;
  const owes = greets || goOn;
  const since = owes ? (bridge.turn.owedSince ?? at) : null;
  const next = { ...common(bridge), turn: handedOn(bridge.turn, since), again: false, revivedAt: owes && bridge.again ? at : null };
  const ask: Action[] = goOn ? [{ do: "go on", opened: true }] : nothing;
  switch (bridge.state) {
    case "opening":
      return [{ ...next, state: "waiting" }, nothing];
    case "holding":
      return [{ ...next, state: "talking" }, [{ do: "deliver held" }, ...ask]];
    case "apart":
      if (bridge.alone) return [bridge, nothing];
      return [{ ...next, state: "apart", since: bridge.since, until: bridge.until, engineReady: true }, nothing];
    case "waiting":
    case "talking":
    case "goodbye":
    case "silent":
    case "listening":
    case "over":
      return [bridge, nothing];
  }
}

function engineEnded(bridge: Bridge, ended: Extract<Heard, { what: "engine ended" }>): [Bridge, readonly Action[]] {
  if (bridge.state === "over" || bridge.state === "silent" || bridge.state === "goodbye") return [bridge, nothing];
  if (bridge.state === "listening") return [{ ...common(bridge), state: "over" }, nothing];
  if (bridge.state === "apart" && bridge.alone) return [bridge, nothing];
  if (ended.why === "agent_hung_up") {
    if (bridge.state === "talking" || bridge.state === "holding")
      return [{ ...common(bridge), state: "goodbye", until: ended.at + GOODBYE_MS }, [{ do: "finish speech" }]];
    if (bridge.state === "apart") return goodbyeSaid(bridge);
  }
  if (!ended.retry) return engineLost(bridge, ended.code, ended.text);
  // It could not be reached: while the caller can still wait, it is tried again.
  if (bridge.state === "holding" && bridge.readyAt === null) {
    if (ended.at + AGAIN_MS >= bridge.until) return engineLost(bridge, ended.code, ended.text);
    return [{ ...bridge, againAt: ended.at + AGAIN_MS }, nothing];
  }
  if ((bridge.state === "opening" || bridge.state === "apart") && bridge.readyAt === null && bridge.tries < MOST_TRIES)
    return [{ ...bridge, tries: bridge.tries + 1, againAt: ended.at + AGAIN_MS }, nothing];
  const next = afterLoss(bridge, ended.at, Math.max(ended.at, ended.playsUntil ?? 0));
  if (next.attempts > MOST_ATTEMPTS) return engineLost(bridge, ended.code, ended.text);
  const again: Action[] = [{ do: "open engine", resume: bridge.resume }];
  switch (bridge.state) {
    case "opening":
    case "waiting":
      return [{ ...next, state: "opening" }, again];
    case "talking":
    case "holding":
      return [{ ...next, state: "holding", until: Math.max(ended.at, ended.playsUntil ?? 0) + RESUME_WITHIN_MS }, again];
    case "apart":
      return [{ ...next, state: "apart", since: bridge.since, until: bridge.until, engineReady: false }, again];
  }
}

/** What is known once a session is lost at `at`, of which the caller heard the last at `quietAt`. */
function afterLoss(bridge: Bridge, at: number, quietAt: number): Common {
  const steady = bridge.readyAt !== null && at - bridge.readyAt >= STEADY_MS;
  const { turn } = bridge;
  const broken = isBrokenOff(turn) || bridge.midSentence;
  return {
    ...common(bridge),
    attempts: (steady ? 0 : bridge.attempts) + 1,
    readyAt: null,
    turn: handedOn(turn, broken ? (turn.owedSince ?? quietAt) : null),
    again: bridge.again || bridge.readyAt !== null,
    revivedAt: null,
    midSentence: false,
  };
}

/** When `second` is to be told at the latest, though nothing be heard: the earliest deadline of the state; null where there is none. */
export function dueAt(bridge: Bridge): number | null {
  switch (bridge.state) {
    case "holding":
      return earliest(bridge.until, bridge.againAt, waitDue(bridge.turn));
    case "talking":
      return earliest(silentDue(bridge)?.at ?? null, waitDue(bridge.turn));
    case "goodbye":
    case "listening":
      return bridge.until;
    case "apart":
      return bridge.alone ? null : earliest(bridge.until, bridge.againAt);
    case "opening":
      return bridge.againAt;
    case "waiting":
    case "silent":
    case "over":
      return null;
  }
}

const waitDue = ({ owedSince, askedAt, callerSpeaks }: Turn): number | null => {
  if (owedSince === null || callerSpeaks) return null;
  return askedAt === null ? owedSince + WAIT_MS : askedAt + WORD_LASTS_MS + WAIT_MS;
};

/** When the engine of a talk counts as silent, and since when the caller hears nothing; null while it owes nothing. */
function silentDue({ turn, readyAt, revivedAt, deafAt }: Common): { readonly at: number; readonly since: number } | null {
  if (turn.callerSpeaks) return null;
  if (turn.owedSince !== null) {
    const from = Math.max(turn.owedSince, revivedAt ?? readyAt ?? 0);
    const within = revivedAt === null ? SILENT_MS : FIRST_WORDS_MS;
    return { at: Math.min(Math.max(from, turn.wordsAt ?? 0) + within, from + SLOWEST_MS), since: turn.owedSince };
  }
  if (turn.unheardSince === null || turn.toolWorks) return null;
  return { at: Math.max(turn.unheardSince + DEAF_MS, deafAt === null ? 0 : deafAt + DEAF_AGAIN_MS), since: turn.unheardSince };
}

function secondPassed(bridge: Bridge, at: number): [Bridge, readonly Action[]] {
  switch (bridge.state) {
    case "holding":
      if (at >= bridge.until) return engineLost(bridge, "not_ready", "The engine was not ready in time.");
      if (isTimeAgain(bridge, at)) return triedAgain(bridge);
      return withWord(bridge, at);
    case "talking": {
      const silent = silentDue(bridge);
      return silent !== null && at >= silent.at ? fellSilent(bridge, at, silent.since) : withWord(bridge, at);
    }
    case "goodbye":
      return at >= bridge.until ? goodbyeSaid(bridge) : [bridge, nothing];
    case "listening":
      return at >= bridge.until ? [{ ...common(bridge), state: "over" }, [{ do: "close engine" }]] : [bridge, nothing];
    case "apart":
      if (!bridge.alone && isTimeAgain(bridge, at)) return triedAgain(bridge);
      if (bridge.alone || at < bridge.until) return [bridge, nothing];
      return [{ ...bridge, engineReady: false, alone: true }, [{ do: "close engine" }]];
    case "opening":
      return isTimeAgain(bridge, at) ? triedAgain(bridge) : [bridge, nothing];
    case "waiting":
    case "silent":
    case "over":
      return [bridge, nothing];
  }
}

const isTimeAgain = ({ againAt }: Bridge, at: number): boolean => againAt !== null && at >= againAt;
const triedAgain = (bridge: Bridge): [Bridge, readonly Action[]] => [
  { ...bridge, againAt: null },
  [{ do: "open engine", resume: bridge.resume }],
];

function withWord(bridge: Bridge, at: number): [Bridge, readonly Action[]] {
  const due = waitDue(bridge.turn);
  if (due === null || at < due) return [bridge, nothing];
  const again = bridge.turn.askedAt !== null;
  return [{ ...bridge, turn: { ...bridge.turn, askedAt: at } }, [{ do: "ask to wait", again }]];
}

/**
 * Connected, and without a word although words are owed: another session is tried once, and if that does not speak either, the engine is lost. For an
 * engine that only seems deaf another session is all that is tried.
 */
function fellSilent(bridge: Bridge, at: number, since: number): [Bridge, readonly Action[]] {
  const seemsDeaf = bridge.turn.owedSince === null;
  const { attempts, ...next } = afterLoss(bridge, at, since);
  if (!seemsDeaf && (bridge.revivedAt !== null || attempts > MOST_ATTEMPTS))
    return engineLost(bridge, "silent", `The engine was connected and said nothing for ${Math.round((at - since) / 100) / 10} s.`);
  const counted = seemsDeaf ? { attempts: bridge.attempts, deafAt: at } : { attempts };
  return [
    { ...next, ...counted, state: "holding", until: at + RESUME_WITHIN_MS },
    [{ do: "note silence", silentMs: at - since }, { do: "close engine" }, { do: "open engine", resume: bridge.resume }],
  ];
}

/** The call is over. Where an engine was listening to a caller, it gets the time to write down their last words. */
function ended(bridge: Bridge, at: number): [Bridge, readonly Action[]] {
  if (bridge.state === "over" || bridge.state === "listening") return [bridge, nothing];
  const gone = bridge.state === "talking" ? at : bridge.state === "apart" && bridge.engineReady ? bridge.since : null;
  const until = (gone ?? at) + (bridge.midSentence ? LAST_SENTENCE_MS : LAST_WORDS_MS);
  if (gone === null || until <= at)
    return [{ ...common(bridge), state: "over" }, [{ do: "drop speech", cutIn: false }, { do: "close engine" }]];
  return [{ ...common(bridge), state: "listening", until }, [{ do: "drop speech", cutIn: false }, { do: "feed silence" }]];
}

const engineLost = (bridge: Bridge, code: string | null, text: string): [Bridge, readonly Action[]] => [
  { ...common(bridge), state: "silent" },
  [{ do: "close engine" }, { do: "drop held" }, { do: "report engine lost", code, text }],
];

const goodbyeSaid = (bridge: Bridge): [Bridge, readonly Action[]] => [
  { ...common(bridge), state: "over" },
  [{ do: "close engine" }, { do: "hang up" }],
];

/** Before the caller is on the line there is nobody to cut in; a goodbye is said to its end. */
const canBeCut = ({ state }: Bridge): boolean => state === "talking" || state === "holding" || state === "apart";

const common = (bridge: Bridge): Common => {
  const { resume, attempts, tries, readyAt, againAt, turn, again, revivedAt, deafAt, midSentence } = bridge;
  return { resume, attempts, tries, readyAt, againAt, turn, again, revivedAt, deafAt, midSentence };
};

const noted = (bridge: Bridge, sign: Sign): Bridge => {
  const turn = turnAfter(bridge.turn, sign);
  return turn === bridge.turn ? bridge : { ...bridge, turn };
};

/** The caller comes to an engine that is not ready: from now on they wait for its words. */
const owingSince = (bridge: Bridge, at: number): Bridge => ({ ...bridge, turn: { ...bridge.turn, owedSince: at, askedAt: null } });
/** The caller comes to a ready engine: if words are owed they are waited for from now on. */
const waitingSince = (bridge: Bridge, at: number): Bridge => (bridge.turn.owedSince === null ? bridge : owingSince(bridge, at));

const earliest = (...times: readonly (number | null)[]): number | null => {
  let first: number | null = null;
  for (const time of times) if (time !== null && (first === null || time < first)) first = time;
  return first;
};
