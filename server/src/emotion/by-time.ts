/** A stretch of the caller's speech whose words are known. Times are ms on the caller-audio clock. */
interface Spoken {
  readonly utterance: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly scores: Map<string, number>;
}
export interface Measured {
  readonly fromMs: number;
  readonly toMs: number;
  readonly scores: Readonly<Record<string, number>>;
}
export interface Felt {
  readonly utterance: string;
  readonly scores: Readonly<Record<string, number>>;
}

const MOST_KEPT = 50;

/**
 * Joins scores to utterances by time alone: each goes to the utterance it overlaps most. Words and scores come in any order. Several
 * measurements of one utterance are joined name by name to the strongest: a name that is missing from one of them is not a zero.
 */
export class FeelingsByTime {
  private readonly spoken: Spoken[] = [];
  private waiting: Measured[] = [];

  /** An utterance is known now; what was measured in it before. */
  spoke(utterance: string, fromMs: number, toMs: number): Felt | null {
    const one: Spoken = { utterance, fromMs, toMs, scores: new Map() };
    this.spoken.push(one);
    if (this.spoken.length > MOST_KEPT) this.spoken.shift();
    const mine = this.waiting.filter((measured) => overlapMs(one, measured) > 0);
    this.waiting = this.waiting.filter((measured) => !mine.includes(measured));
    for (const measured of mine) strengthen(one, measured);
    return mine.length === 0 ? null : felt(one);
  }

  /** Something was measured; whose it is, with all that was measured of it. Null while nobody is known to have spoken then. */
  measured(measured: Measured): Felt | null {
    let best: Spoken | null = null;
    for (const one of this.spoken) if (overlapMs(one, measured) > (best === null ? 0 : overlapMs(best, measured))) best = one;
    if (best === null) {
      this.waiting.push(measured);
      if (this.waiting.length > MOST_KEPT) this.waiting.shift();
      return null;
    }
    strengthen(best, measured);
    return felt(best);
  }
}

const overlapMs = (a: { fromMs: number; toMs: number }, b: { fromMs: number; toMs: number }): number =>
  Math.min(a.toMs, b.toMs) - Math.max(a.fromMs, b.fromMs);

function strengthen({ scores }: Spoken, measured: Measured): void {
  for (const [name, score] of Object.entries(measured.scores)) scores.set(name, Math.max(score, scores.get(name) ?? 0));
}

const felt = ({ utterance, scores }: Spoken): Felt => ({ utterance, scores: Object.fromEntries(scores) });
