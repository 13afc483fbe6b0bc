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
  /** Attempts since the engine was last ready for long enough. */
  readonly attempts: number;
  readonly readyAt: number | null;
  /** Has the caller been heard speaking without the final words having come? */
  readonly midSentence: boolean;
}

export type Heard =
  | { readonly what: "media on" | "media off" | "quiet" | "second" | "end"; readonly at: number }
  | { readonly what: "caller spoke" | "agent spoke" }
  | { readonly what: "cut in" }
  /** Words of the caller: still coming, or final. */
  | { readonly what: "caller words"; readonly final: boolean }
  | { readonly what: "engine ready"; readonly at: number; readonly resume: string | null }
  | {
      readonly what: "engine ended";
      readonly at: number;
      readonly why: string;
      readonly code: string | null;
      readonly text: string;
      readonly retry: boolean;
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
  /** Silence as if the line were open, until the engine is closed. */
  | { readonly do: "feed silence" }
  | { readonly do: "close engine" | "hang up" }
  | { readonly do: "report engine lost"; readonly code: string | null; readonly text: string };

/** How long a caller on the line waits for the engine before it counts as lost. The engine opens while it rings: this is for the worst case. */
export const ENGINE_WITHIN_MS = 10_000;
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

export const beginning = (resume: string | null): Bridge => ({
  state: "opening",
  resume,
  attempts: 0,
  readyAt: null,
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
      return [bridge, bridge.state === "over" || bridge.state === "silent" || bridge.state === "listening" ? nothing : queue];
    case "cut in":
      return [bridge, canBeCut(bridge) ? [{ do: "drop speech", cutIn: true }] : nothing];
    case "caller words":
      if (bridge.state === "listening" && heard.final) return [{ ...common(bridge), state: "over" }, [{ do: "close engine" }]];
      return bridge.midSentence === !heard.final ? [bridge, nothing] : [{ ...bridge, midSentence: !heard.final }, nothing];
    case "media on":
      return mediaOn(bridge, heard.at);
    case "media off":
      return mediaOff(bridge, heard.at);
    case "engine ready":
      return bridge.state === "over"
        ? [bridge, nothing]
        : engineReady({ ...bridge, resume: heard.resume ?? bridge.resume, readyAt: heard.at });
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
      return [{ ...common(bridge), state: "holding", until: at + ENGINE_WITHIN_MS }, nothing];
    case "waiting":
      return [{ ...common(bridge), state: "talking" }, nothing];
    case "apart":
      if (bridge.alone)
        return [
          { ...common(bridge), attempts: 0, state: "holding", until: at + ENGINE_WITHIN_MS },
          [{ do: "open engine", resume: bridge.resume }],
        ];
      if (bridge.engineReady) return [{ ...common(bridge), state: "talking" }, nothing];
      return [{ ...common(bridge), state: "holding", until: at + ENGINE_WITHIN_MS }, nothing];
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
        { ...common(bridge), state: "apart", since: at, until: at + APART_MS, engineReady: bridge.state === "talking" },
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

function engineReady(bridge: Bridge): [Bridge, readonly Action[]] {
  switch (bridge.state) {
    case "opening":
      return [{ ...common(bridge), state: "waiting" }, nothing];
    case "holding":
      return [{ ...common(bridge), state: "talking" }, [{ do: "deliver held" }]];
    case "apart":
      return [bridge.alone ? bridge : { ...bridge, engineReady: true }, nothing];
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
  const steady = bridge.readyAt !== null && ended.at - bridge.readyAt >= STEADY_MS;
  const attempts = (steady ? 0 : bridge.attempts) + 1;
  if (!ended.retry || attempts > MOST_ATTEMPTS) return engineLost(bridge, ended.code, ended.text);
  const next = { ...common(bridge), attempts, readyAt: null, midSentence: false };
  const again: Action[] = [{ do: "open engine", resume: bridge.resume }];
  switch (bridge.state) {
    case "opening":
    case "waiting":
      return [{ ...next, state: "opening" }, again];
    case "talking":
      return [{ ...next, state: "holding", until: ended.at + ENGINE_WITHIN_MS }, again];
    case "holding":
      return [{ ...next, state: "holding", until: bridge.until }, again];
    case "apart":
      return [{ ...next, state: "apart", since: bridge.since, until: bridge.until, engineReady: false }, again];
  }
}

function secondPassed(bridge: Bridge, at: number): [Bridge, readonly Action[]] {
  if (bridge.state === "holding" && at >= bridge.until) return engineLost(bridge, "not_ready", "The engine was not ready in time.");
  if (bridge.state === "goodbye" && at >= bridge.until) return goodbyeSaid(bridge);
  if (bridge.state === "listening" && at >= bridge.until) return [{ ...common(bridge), state: "over" }, [{ do: "close engine" }]];
  if (bridge.state === "apart" && !bridge.alone && at >= bridge.until)
    return [{ ...bridge, engineReady: false, alone: true }, [{ do: "close engine" }]];
  return [bridge, nothing];
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

const common = ({ resume, attempts, readyAt, midSentence }: Bridge): Common => ({ resume, attempts, readyAt, midSentence });
