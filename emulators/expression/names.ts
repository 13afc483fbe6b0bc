/** A few of the 415 expressions and 190 voice attributes, the odd spellings among them; the last of each is in no document yet. */
export const expressions = [
  "aesthetic appreciation",
  "amusement",
  "annoyance",
  "calmness",
  "confusion",
  "contentment",
  "disappointment",
  "doubt",
  "feeling uplifted",
  "gratitude",
  "impatience",
  "interest",
  "neutral",
  "relief",
  "surprise (negative)",
  "surprise (positive)",
  "tiredness",
  "quiet resolve (mixed)",
] as const;
export const voiceAttributes = [
  "breathy",
  "calm",
  "clear",
  "hoarse",
  "loud (sudden)",
  "monotone",
  "soft",
  "warm, close",
  "phone-like",
] as const;

export interface Score {
  readonly name: string;
  readonly probability: number;
}

/** A sparse list: those of `names` that pass the cutoff, always the same for the same `seed`, strongest first. */
export function scoresFor(names: readonly string[], seed: number, cutoff: number): Score[] {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return names
    .map((name) => ({ name, probability: Math.round(next() ** 3 * 10_000) / 10_000 }))
    .filter(({ probability }) => probability >= cutoff)
    .sort((a, b) => b.probability - a.probability);
}
