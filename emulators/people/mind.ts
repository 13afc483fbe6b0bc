import type { Moment, Person, Step } from "./person.ts";

/**
 * How an emulated person thinks: a pure machine, stepped once per 20 ms of sound heard. It knows whether there is speech in its ear and
 * whether its own mouth is busy, and decides what to do next by its script. No clock, no sound, no socket.
 */
export interface Mind {
  /** Index of the next step of the script; its length when all is done. */
  readonly step: number;
  /** Ms of sound since the last deed ended (or since the answer). */
  readonly sinceMs: number;
  /** Ms of the other side's present turn, its breaths included; 0 when it has been silent longer than a breath. */
  readonly turnMs: number;
  /** Ms since the other side was last heard, or since the last deed ended when it was not heard after that. */
  readonly quietMs: number;
  /** Has the other side spoken since the last deed ended? What is said into one's own words is not listened to. */
  readonly heardSpeech: boolean;
}

/** A pause within a turn: longer than a breath, and the turn is over. */
export const BREATH_MS = 600;
const TICK_MS = 20;

export const awake: Mind = { step: 0, sinceMs: 0, turnMs: 0, quietMs: 0, heardSpeech: false };

/**
 * The next 20 ms.
 *
 * @param speech is somebody speaking in the person's ear?
 * @param busy is the person still doing its last deed (speaking, beeping, pressing)?
 * @returns the mind afterwards, and the step whose deed begins now, if any
 */
export function think(
  mind: Mind,
  person: Pick<Person, "script" | "repeats">,
  speech: boolean,
  busy: boolean,
): readonly [Mind, Step | null] {
  if (busy) return [{ ...awake, step: mind.step }, null];
  const quietMs = speech ? 0 : mind.quietMs + TICK_MS;
  const inTurn = speech || (mind.turnMs > 0 && quietMs <= BREATH_MS);
  const heard: Mind = {
    step: mind.step,
    sinceMs: mind.sinceMs + TICK_MS,
    turnMs: inTurn ? mind.turnMs + TICK_MS : 0,
    quietMs,
    heardSpeech: mind.heardSpeech || speech,
  };
  const step = person.script[heard.step];
  if (!step || !isDue(step.after, heard)) return [heard, null];
  const last = heard.step + 1 === person.script.length;
  return [{ ...awake, step: last && person.repeats ? 0 : heard.step + 1 }, step];
}

function isDue(moment: Moment, mind: Mind): boolean {
  if ("ms" in moment) return mind.sinceMs >= moment.ms;
  if ("speechMs" in moment) return mind.turnMs >= moment.speechMs || (mind.turnMs === 0 && mind.sinceMs >= moment.atMostMs);
  if (mind.heardSpeech) return mind.quietMs >= moment.silenceMs;
  return mind.sinceMs >= moment.atMostMs;
}
