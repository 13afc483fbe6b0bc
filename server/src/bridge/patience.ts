/**
 * What an agent does about silence, whichever engine speaks for it: it asks whether the caller is still there, and says goodbye in the end. No
 * clock, no sockets. Silence counts while it is the caller's turn: after the agent has spoken, not while it thinks about an answer.
 */
export interface PatienceRules {
  readonly nudge: { readonly afterMs: number; readonly text: string; readonly times: number } | null;
  readonly goodbye: { readonly afterMs: number; readonly text: string } | null;
}

export interface Silence {
  /** over: the goodbye was said, and the call ends. */
  readonly turn: "caller" | "agent" | "over";
  /** Since when it lasts, words of ours included; null: somebody speaks. */
  readonly since: number | null;
  /** From when the next nudge is counted. */
  readonly from: number;
  readonly nudged: number;
  /** Words of ours the engine was asked to say: not heard yet, or being heard. `last`: they are the goodbye. */
  readonly ours: { readonly at: number; readonly heard: boolean; readonly last: boolean } | null;
}

export type Patient = { readonly do: "say"; readonly text: string } | { readonly do: "end" };

/** Nobody speaks yet, and the caller may. */
export const noSilence: Silence = { turn: "caller", since: null, from: 0, nudged: 0, ours: null };

/** An engine that has not answered for so long will not: then it is the caller's turn again. */
const ANSWERS_WITHIN_MS = 15_000;
/** Words of ours are heard within this, or never. */
const HEARD_WITHIN_MS = 10_000;

/** Looked at once a second, at `at` (monotonic ms): who spoke since last time? "busy": nobody, but something is done for the caller. */
export function wait(
  rules: PatienceRules,
  silence: Silence,
  who: "caller" | "agent" | "busy" | "nobody",
  at: number,
): [Silence, Patient | null] {
  if (silence.turn === "over") return [silence, null];
  if (who === "caller") return [{ ...noSilence, turn: "agent" }, null];
  if (who === "busy") return [{ ...silence, since: null, from: at, ours: null }, null];
  if (who === "agent") return [silence.ours === null ? noSilence : { ...silence, ours: { ...silence.ours, heard: true } }, null];

  const since = silence.since ?? at;
  if (silence.ours !== null) {
    const { ours } = silence;
    if (!ours.heard && at - ours.at < HEARD_WITHIN_MS) return [silence, null];
    if (ours.last) return [{ ...silence, turn: "over" }, { do: "end" }];
    return [{ ...silence, since, from: at, ours: null }, null];
  }
  if (silence.since === null) return [{ ...silence, since, from: at }, null];
  if (silence.turn === "agent") return [at - since < ANSWERS_WITHIN_MS ? silence : { ...noSilence, since: at, from: at }, null];
  const { nudge, goodbye } = rules;
  if (goodbye !== null && at - since >= goodbye.afterMs)
    return [
      { ...silence, ours: { at, heard: false, last: true } },
      { do: "say", text: goodbye.text },
    ];
  if (nudge !== null && silence.nudged < nudge.times && at - silence.from >= nudge.afterMs)
    return [
      { ...silence, nudged: silence.nudged + 1, ours: { at, heard: false, last: false } },
      { do: "say", text: nudge.text },
    ];
  return [silence, null];
}
