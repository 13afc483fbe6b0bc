import { readJournal } from "./read.ts";

/** What a journal keeps for the database, besides sound and messages. */
export interface Kept {
  /** As handed to the database, in order: later ones of the same `ref` replace earlier ones. */
  readonly utterances: readonly KeptRecord[];
  readonly facts: readonly KeptRecord[];
  /** When each process' part ends, wall clock ms; undefined where nothing of a part could be read. */
  readonly ends: readonly (number | undefined)[];
}

export interface KeptRecord {
  readonly json: unknown;
  /** Which process' part of the file: 0, 1, ... */
  readonly part: number;
}

/** Reads a journal for what it keeps for the database. Rejects as `readJournal` does. */
export async function readKept(path: string): Promise<Kept> {
  const utterances: KeptRecord[] = [];
  const facts: KeptRecord[] = [];
  const ends: (number | undefined)[] = [];
  for await (const { kind, atMs, part, payload } of readJournal(path).records) {
    ends[part] = Math.max(ends[part] ?? 0, atMs);
    if (kind === "utterance") utterances.push({ json: JSON.parse(payload.toString()), part });
    if (kind === "fact") facts.push({ json: JSON.parse(payload.toString()), part });
  }
  return { utterances, facts, ends };
}

/** When the last of its parts ends; null for an empty journal. */
export const endOf = ({ ends }: Kept): Date | null => {
  const last = Math.max(0, ...ends.filter((end) => end !== undefined));
  return last === 0 ? null : new Date(last);
};
