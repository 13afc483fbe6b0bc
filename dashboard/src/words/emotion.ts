/** Emotions as words. Scores are 0..1 as the engine gave them; names are free. */

export type Feeling = { name: string; score: number };

/** Strongest first, whatever order the wire had; zeros and negatives are no feelings. */
export function feelings(emotions: Readonly<Record<string, number>>): Feeling[] {
  return Object.entries(emotions)
    .filter(([, score]) => score > 0)
    .map(([name, score]) => ({ name, score }))
    .sort((a, b) => b.score - a.score);
}

/** The strongest one, or null when the engine measured none. */
export const strongest = (emotions: Readonly<Record<string, number>>): Feeling | null => feelings(emotions)[0] ?? null;

/**
 * How strong, in three steps. EVI's prosody scores are no probabilities; in its documentation's examples the top score of an
 * utterance lies mostly between 0.1 and 0.7 (facts: hume-evi), so the steps are at 0.25 and 0.5.
 */
export function strength(score: number): "faint" | "clear" | "strong" {
  if (score >= 0.5) return "strong";
  return score >= 0.25 ? "clear" : "faint";
}

/** `0.634` as `63`: a score out of 100, for lists. */
export const outOfHundred = (score: number): string => String(Math.round(score * 100));
