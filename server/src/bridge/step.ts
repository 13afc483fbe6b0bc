import {
  AGAIN_MS,
  APART_MS,
  ENGINE_WITHIN_MS,
  GOODBYE_MS,
  isTimeAgain,
  LAST_SENTENCE_MS,
  LAST_WORDS_MS,
  RESUME_WITHIN_MS,
  silentDue,
  WAIT_MS,
  waitDue,
} from "./deadlines.ts";
import { type Action, type Bridge, type Common, common, type Heard } from "./states.ts";
import { handedOn, isBrokenOff, type Sign, turnAfter } from "./turns.ts";

/** A session that was ready this long has earned another attempt. */
const STEADY_MS = 10_000;
const MOST_ATTEMPTS = 1;
/** While it rings nobody waits: an engine that cannot be reached is tried so often, about once a second. */
const MOST_TRIES = 10;

// The two decisions of every 20 ms are made once, not 100 times a second.
const send: Action[] = [{ do: "send to engine" }];
const hold: Action[] = [{ do: "hold" }];
const queue: Action[] = [{ do: "queue for caller" }];
const nothing: Action[] = [];

/**
 * What the bridge of one call decides (its states: states.ts): from what we know and what we heard to what we know now and what shall happen. No
 * sockets, no clock, no database.
 */
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
      return voiceHeard(bridge, heard);
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

/**
 * Who spoke while one session took another's place, and was silent before the new one was ready, was heard to the end by neither: the agent says
 * that it is back, and they say it again. Of what they said after it the new one has heard something, and owes words as always.
 */
function voiceHeard(bridge: Bridge, voice: Extract<Heard, { on: boolean }>): [Bridge, readonly Action[]] {
  const next = noted(bridge, voice);
  const isMissed = !voice.on && bridge.state === "talking" && bridge.turn.straddles && bridge.turn.owedSince === null;
  if (!isMissed || next.turn.owedSince === null || bridge.readyAt === null || voice.at > bridge.readyAt) return [next, nothing];
  return [{ ...next, revivedAt: bridge.readyAt }, [{ do: "go on", opened: false }]];
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

/**
 * What is known once a session is lost at `at`, of which the caller heard the last at `quietAt`. Who spoke since, and fell silent before the loss was
 * known (of a frozen connection it takes two seconds), has waited from there on: they are asked for patience at once when it is long ago.
 */
function afterLoss(bridge: Bridge, at: number, quietAt: number): Common {
  const steady = bridge.readyAt !== null && at - bridge.readyAt >= STEADY_MS;
  const { turn } = bridge;
  const broken = isBrokenOff(turn) || bridge.midSentence;
  const missedSince = turn.quietSince === null ? quietAt : Math.max(turn.quietSince, quietAt - WAIT_MS);
  return {
    ...common(bridge),
    attempts: (steady ? 0 : bridge.attempts) + 1,
    readyAt: null,
    turn: { ...handedOn(turn, broken ? (turn.owedSince ?? missedSince) : null), straddles: turn.callerSpeaks },
    again: bridge.again || bridge.readyAt !== null,
    revivedAt: null,
    midSentence: false,
  };
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

const noted = (bridge: Bridge, sign: Sign): Bridge => {
  const turn = turnAfter(bridge.turn, sign);
  return turn === bridge.turn ? bridge : { ...bridge, turn };
};

/** The caller comes to an engine that is not ready: from now on they wait for its words. */
const owingSince = (bridge: Bridge, at: number): Bridge => ({ ...bridge, turn: { ...bridge.turn, owedSince: at, askedAt: null } });
/** The caller comes to a ready engine: if words are owed they are waited for from now on. */
const waitingSince = (bridge: Bridge, at: number): Bridge => (bridge.turn.owedSince === null ? bridge : owingSince(bridge, at));
