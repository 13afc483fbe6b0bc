/**
 * Whose turn it is to speak, as far as a bridge can tell: so that a caller who waits for words that do not come is not left waiting. Pure; times
 * are milliseconds of the monotonic clock.
 *
 * The agent owes words after the engine has said that the caller's turn is over, after a greeting, a sentence or a tool's answer was given to it, and
 * when it broke off in the middle of speaking. It owes nothing while the caller speaks, while a tool works (for which an engine breaks its answer off), and after it chose to be done. That the
 * caller spoke is also known from the sound itself (voice.ts): an engine that shows no sign of having heard it may be deaf, which is less certain,
 * since what sounds like speech may be a passing car.
 */
export interface Turn {
  /** Since when the caller has waited for the agent's words; null: nothing is owed. */
  readonly owedSince: number | null;
  /** Since when the caller is silent, by the sound itself; null while they speak, and once the agent has spoken since. */
  readonly quietSince: number | null;
  /** When the caller was last asked to wait since. */
  readonly askedAt: number | null;
  /** When words of the answer last came that were not to be heard yet: it works, however slowly. */
  readonly wordsAt: number | null;
  /** An answer has begun and is not known to be over. */
  readonly answering: boolean;
  /** Does the engine wait for a tool? */
  readonly toolWorks: boolean;
  /** Does the caller speak now, by the sound itself? */
  readonly callerSpeaks: boolean;
  /** The end of the last thing the caller said, while the engine has not shown that it heard anything of it. */
  readonly unheardSince: number | null;
  /** Has the engine given a sign since the caller began to speak? */
  readonly heardThem: boolean;
  /** Did the caller speak when a session was lost, and do they still? Then neither that one nor the next has heard all of it. */
  readonly straddles: boolean;
  /** It says itself when the caller begins and ends to speak: then their written words, which may come late, tell nothing of it. */
  readonly tellsSpeech: boolean;
}

export const nobodysTurn: Turn = {
  owedSince: null,
  quietSince: null,
  askedAt: null,
  wordsAt: null,
  answering: false,
  toolWorks: false,
  callerSpeaks: false,
  unheardSince: null,
  heardThem: true,
  straddles: false,
  tellsSpeech: false,
};

/** What says something about the turn. `voice` is our own estimate, its end dated back to the last sound; the rest is the engine, or what we asked of it. */
export type Sign =
  | { readonly what: "voice" | "caller speech"; readonly on: boolean; readonly at: number }
  | { readonly what: "caller words"; readonly final: boolean; readonly at: number }
  | { readonly what: "agent spoke" | "cut in" | "tool" }
  | { readonly what: "agent words"; readonly at: number }
  | { readonly what: "agent done"; readonly cut: boolean }
  /** `busy`: other tools are still at work. */
  | { readonly what: "tool answered"; readonly busy: boolean; readonly at: number }
  | { readonly what: "asked to speak"; readonly at: number };

/** The turn after a sign of it; the same object when it changes nothing. */
export function turnAfter(turn: Turn, sign: Sign): Turn {
  switch (sign.what) {
    case "voice":
      return sign.on
        ? changed(turn, { callerSpeaks: true, quietSince: null, straddles: false, heardThem: false, unheardSince: null })
        : voiceEnded(turn, sign.at);
    case "caller speech":
      return changed(heard(turn), { tellsSpeech: true, ...(sign.on ? paid : overFor(turn, sign.at)) });
    case "caller words":
      if (turn.tellsSpeech) return heard(turn);
      return changed(heard(turn), sign.final ? overFor(turn, sign.at) : paid);
    case "agent spoke":
      if (turn.answering && turn.owedSince === null && turn.heardThem) return turn;
      return changed(heard(turn), { ...paid, answering: true });
    case "agent words":
      return turn.owedSince === null ? heard(turn) : changed(heard(turn), { wordsAt: sign.at });
    case "agent done":
      return changed(heard(turn), sign.cut ? { answering: false } : { ...paid, answering: false });
    case "cut in":
      return changed(heard(turn), { ...paid, answering: false });
    case "tool":
      return changed(heard(turn), { ...paid, toolWorks: true, answering: false });
    case "tool answered":
      return changed(turn, { toolWorks: sign.busy, ...(sign.busy || turn.answering ? {} : owing(sign.at)) });
    case "asked to speak":
      return turn.answering || turn.owedSince !== null ? turn : changed(turn, owing(sign.at));
  }
}

/** Would anybody miss words if the engine were lost now? */
export const isBrokenOff = (turn: Turn): boolean =>
  turn.owedSince !== null || turn.answering || turn.toolWorks || turn.callerSpeaks || turn.unheardSince !== null;

/** For the session that follows one that is lost; `owedSince` as the caller sees it. */
export const handedOn = (turn: Turn, owedSince: number | null): Turn => ({
  ...nobodysTurn,
  owedSince,
  askedAt: owedSince === null ? null : turn.askedAt,
  callerSpeaks: turn.callerSpeaks,
  straddles: turn.straddles,
});

function voiceEnded(turn: Turn, at: number): Turn {
  const base = { callerSpeaks: false, quietSince: at, straddles: false };
  if (turn.straddles && turn.owedSince === null && !turn.answering && !turn.toolWorks) return changed(turn, { ...base, ...owing(at) });
  if (turn.owedSince !== null) return changed(turn, { ...base, owedSince: Math.max(turn.owedSince, at), askedAt: null });
  return changed(turn, { ...base, unheardSince: turn.heardThem || turn.answering || turn.toolWorks ? null : at });
}

/** The engine has found the caller's turn to be over: what still sounds like speech is none. */
const overFor = (turn: Turn, at: number) => ({ callerSpeaks: false, ...(turn.answering ? {} : owing(at)) });
const paid = { owedSince: null, quietSince: null, askedAt: null, wordsAt: null } as const;
const owing = (at: number) => ({ owedSince: at, askedAt: null, wordsAt: null });
const heard = (turn: Turn): Turn =>
  turn.heardThem && turn.unheardSince === null ? turn : { ...turn, heardThem: true, unheardSince: null };

function changed(turn: Turn, change: Partial<Turn>): Turn {
  for (const key of Object.keys(change) as (keyof Turn)[]) if (turn[key] !== change[key]) return { ...turn, ...change };
  return turn;
}
