/** How the caller's feeling went through a call: with what it began, where it turned most, with what it ended. */
import type { Utterance } from "../ask/shapes.ts";
import { strongest } from "../words/emotion.ts";

type Said = Pick<Utterance, "speaker" | "started_ms" | "emotions">;
/** A feeling by its name, where it was said (ms from the answer), and which part of the way it is. */
export type Felt = { at: number; name: string; as: "first" | "turn" | "last" };

/** How far two measurements lie apart: what all feelings together gained and lost. Names are free, and one that is missing is 0. */
function apart(one: Said["emotions"], other: Said["emotions"]): number {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].reduce((sum, name) => sum + Math.abs((one[name] ?? 0) - (other[name] ?? 0)), 0);
}

/**
 * The way of the caller's strongest feeling: the first, the one it turned to most sharply (from one sentence to the next, to another feeling), and
 * the last. None is told twice; fewer than two sentences with feelings are no way. `utterances` are in order.
 */
export function feltIn(utterances: readonly Said[]): Felt[] {
  const felt = utterances.flatMap((said) => {
    const name = said.speaker === "caller" ? strongest(said.emotions)?.name : undefined;
    return name === undefined ? [] : [{ at: said.started_ms, name, emotions: said.emotions }];
  });
  const [first, last] = [felt.at(0), felt.at(-1)];
  if (!first || !last || first === last) return [];
  let turn: (typeof felt)[number] | null = null;
  let widest = 0;
  for (const [i, now] of felt.entries()) {
    const before = felt[i - 1];
    if (!before || before.name === now.name) continue;
    const width = apart(before.emotions, now.emotions);
    if (width > widest) [turn, widest] = [now, width];
  }
  return [
    { at: first.at, name: first.name, as: "first" },
    ...(turn === null || turn === last ? [] : [{ at: turn.at, name: turn.name, as: "turn" as const }]),
    { at: last.at, name: last.name, as: turn === last ? "turn" : "last" },
  ];
}
