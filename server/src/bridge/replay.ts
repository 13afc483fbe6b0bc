import { readJournal } from "../journal/read.ts";
import { type Action, type Bridge, beginning, type Heard, step } from "./step.ts";

/** A place where the decisions of today are not those that were made, or what went out is not what was decided. */
export interface Difference {
  /** Wall clock, ms. */
  readonly atMs: number;
  readonly part: number;
  /** What was heard; for sound, which sound. */
  readonly heard: string;
  readonly recorded: string;
  readonly replayed: string;
}

export interface Replay {
  /** Bridges that were begun in this journal: one for each process that held the call, and each rate the carrier changed to. */
  readonly bridges: number;
  /** Inputs fed through, frames and pieces of sound included. */
  readonly inputs: number;
  /** Recorded decisions compared. */
  readonly decisions: number;
  /** Bytes of the file that could not be read. */
  readonly damagedBytes: number;
  readonly differences: readonly Difference[];
}

interface Running {
  bridge: Bridge;
  /** Samples of agent sound that the decisions let through to the caller, and that went out. */
  queued: number;
  played: number;
  utterances: Set<string>;
}

interface Decided {
  readonly begun?: { readonly resume: string | null };
  readonly gaveUp?: string;
  readonly heard?: Heard;
  readonly state: Bridge["state"];
  readonly actions: readonly Action[];
}

/** A sentence is filled up to a whole frame, once when it is cut and once at its end (at most 24 kHz: 480 samples). */
const PADDING = 2 * 480;

/**
 * Feeds what a journal says was heard through the decisions of this program (step.ts), in the order it was heard, and compares what they decide
 * with what was decided then, and the sound that went out with what they let through. Works on a journal that is damaged or still being written:
 * what is missing shows as a difference or not at all. Rejects when the file cannot be read. Journals of versions that did not write how a bridge
 * began are compared from their first decision on.
 */
export async function replayJournal(path: string): Promise<Replay> {
  const running = new Map<number, Running>();
  const differences: Difference[] = [];
  let [bridges, inputs, decisions] = [0, 0, 0];
  const { records, damage } = readJournal(path);
  const begin = (part: number, resume: string | null): Running => {
    const one: Running = { bridge: beginning(resume), queued: 0, played: 0, utterances: new Set() };
    running.set(part, one);
    bridges++;
    return one;
  };
  for await (const { kind, part, atMs, payload } of records) {
    if (kind === "callerFrame" || kind === "engineAudio") {
      const one = running.get(part);
      if (one === undefined) continue;
      inputs++;
      const [next, actions] = step(one.bridge, { what: kind === "callerFrame" ? "caller spoke" : "agent spoke" });
      if (next !== one.bridge) differences.push({ atMs, part, heard: kind, recorded: "nothing changes", replayed: next.state });
      if (kind === "engineAudio" && actions.some((action) => action.do === "queue for caller")) {
        const { utterance, samples } = JSON.parse(payload.toString()) as { utterance: string; samples: number };
        one.queued += samples;
        one.utterances.add(utterance);
      }
    }
    if (kind === "playedFrame") {
      const one = running.get(part);
      if (one === undefined) continue;
      const before = one.played;
      one.played += payload.length >> 1;
      const most = one.queued + one.utterances.size * PADDING;
      if (one.played > most && before <= most) {
        const recorded = `${one.played} samples went out`;
        differences.push({ atMs, part, heard: kind, recorded, replayed: `at most ${most} were let through` });
      }
    }
    if (kind !== "decided") continue;
    const decided = JSON.parse(payload.toString()) as Decided;
    if (decided.begun !== undefined) {
      begin(part, decided.begun.resume);
      continue;
    }
    const one = running.get(part) ?? begin(part, null);
    if (decided.heard === undefined) {
      one.bridge = { ...one.bridge, state: decided.state } as Bridge;
      continue;
    }
    inputs++;
    decisions++;
    const [next, actions] = step(one.bridge, decided.heard);
    one.bridge = next;
    const [recorded, replayed] = [told(decided.state, decided.actions), told(next.state, actions)];
    if (recorded !== replayed) differences.push({ atMs, part, heard: JSON.stringify(decided.heard), recorded, replayed });
  }
  return { bridges, inputs, decisions, damagedBytes: damage.reduce((sum, { bytes }) => sum + bytes, 0), differences };
}

const told = (state: string, actions: readonly Action[]): string => [state, ...actions.map((action) => JSON.stringify(action))].join(", ");
