import { readJournal } from "../journal/read.ts";
import type { Settings } from "./parts.ts";
import { type Pacing, PacingReplay } from "./replay-pacing.ts";
import { RunReplay } from "./replay-run.ts";
import { type Action, type Bridge, beginning, type Heard } from "./states.ts";
import { step } from "./step.ts";

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
  /** Utterances compared, as they were known in the end, and times the carrier was told to clear. None of journals that were written before settings were. */
  readonly utterances: number;
  readonly clears: number;
  /** Bytes of the file that could not be read. */
  readonly damagedBytes: number;
  readonly differences: readonly Difference[];
  /** How the frames were paced then and now, all bridges together; no sends for journals of versions that did not write what it takes. */
  readonly pacing: Pacing;
}

interface Running {
  bridge: Bridge;
  pacing: PacingReplay | null;
  whole: RunReplay | null;
  /** Samples of agent sound that the decisions let through to the caller, and that went out. */
  queued: number;
  played: number;
  utterances: Set<string>;
}

interface Decided {
  readonly begun?: { readonly resume: string | null; readonly rate?: number; readonly with?: Settings };
  readonly gaveUp?: string;
  readonly heard?: Heard;
  readonly state: Bridge["state"];
  readonly actions: readonly Action[];
}

/** A sentence is filled up to a whole frame, once when it is cut and once at its end (at most 24 kHz: 480 samples). */
const PADDING = 2 * 480;

/**
 * Plays a journal again, twice over: what was heard through the decisions of this program (step.ts) alone, with the sound that went out beside what
 * they let through and what the player of today sends at the same times; and everything that came in through the whole bridge (replay-run.ts). What
 * comes of it is compared with what came of it then. Works on a journal that is damaged or still being written: what is missing shows as a difference
 * or not at all. Rejects when the file cannot be read. Journals of versions that did not write how a bridge began are compared from their first
 * decision on, and not as a whole.
 */
export async function replayJournal(path: string): Promise<Replay> {
  const running = new Map<number, Running>();
  const differences: Difference[] = [];
  let [bridges, inputs, decisions] = [0, 0, 0];
  const { records, damage } = readJournal(path);
  const paced: PacingReplay[] = [];
  const wholes: { readonly part: number; readonly whole: RunReplay }[] = [];
  const begin = (part: number, resume: string | null, rate?: number, whole: RunReplay | null = null): Running => {
    if (whole !== null) wholes.push({ part, whole });
    const pacing = rate === undefined ? null : new PacingReplay(rate);
    if (pacing !== null) paced.push(pacing);
    const one: Running = { bridge: beginning(resume), pacing, whole, queued: 0, played: 0, utterances: new Set() };
    running.set(part, one);
    bridges++;
    return one;
  };
  for await (const { kind, part, atMs, payload } of records) {
    if (kind !== "decided" || !payload.includes('{"begun"')) await running.get(part)?.whole?.hear(kind, atMs, payload);
    if (kind === "callerFrame" || kind === "engineAudio") {
      const one = running.get(part);
      if (one === undefined) continue;
      inputs++;
      const [next, actions] = step(one.bridge, { what: kind === "callerFrame" ? "caller spoke" : "agent spoke" });
      if (next.state !== one.bridge.state) differences.push({ atMs, part, heard: kind, recorded: "the state stays", replayed: next.state });
      one.bridge = next;
      if (kind === "engineAudio" && actions.some((action) => action.do === "queue for caller")) {
        const { utterance, samples } = JSON.parse(payload.toString()) as { utterance: string; samples: number };
        one.queued += samples;
        one.utterances.add(utterance);
        one.pacing?.queued(utterance, samples, atMs);
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
      const apart = one.pacing?.sent(payload.length, atMs) ?? null;
      if (apart !== null) differences.push({ atMs, part, heard: kind, ...apart });
    }
    if (kind === "media" || kind === "speech") steer(running.get(part)?.pacing ?? null, kind, payload, atMs);
    if (kind !== "decided") continue;
    const decided = JSON.parse(payload.toString()) as Decided;
    if (decided.begun !== undefined) {
      const { resume, rate, with: settings } = decided.begun;
      await running.get(part)?.whole?.finish(true);
      begin(part, resume, rate, settings === undefined || rate === undefined ? null : new RunReplay(atMs, resume, rate, settings));
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
  for (const { whole } of running.values()) await whole?.finish();
  for (const { part, whole } of wholes) differences.push(...whole.otherwise.map((one) => ({ ...one, part })));
  const of = (count: (whole: RunReplay) => number): number => wholes.reduce((sum, { whole }) => sum + count(whole), 0);
  const [utterances, clears] = [of((whole) => whole.utterances), of((whole) => whole.clears)];
  return {
    bridges,
    inputs,
    decisions,
    utterances,
    clears,
    damagedBytes: damage.reduce((sum, { bytes }) => sum + bytes, 0),
    differences,
    pacing: sum(paced),
  };
}

/** What the player is told beside the sound itself. */
function steer(pacing: PacingReplay | null, kind: "media" | "speech", payload: Buffer, atMs: number): void {
  if (pacing === null) return;
  const { on, do: what } = JSON.parse(payload.toString()) as { on?: boolean; do?: "finish" | "drop" };
  if (kind === "media" && on === true) pacing.connected(atMs);
  if (kind === "media" && on === false) pacing.disconnected(atMs);
  if (kind === "speech" && what === "finish") pacing.finished(atMs);
  if (kind === "speech" && what === "drop") pacing.dropped(atMs);
}

const sum = (paced: readonly PacingReplay[]): Pacing =>
  paced
    .map((one) => one.figures())
    .reduce(
      (all, one) => ({
        sends: all.sends + one.sends,
        frames: all.frames + one.frames,
        worstApartMs: Math.max(all.worstApartMs, one.worstApartMs),
        apart: all.apart + one.apart,
      }),
      { sends: 0, frames: 0, worstApartMs: 0, apart: 0 },
    );

const told = (state: string, actions: readonly Action[]): string => [state, ...actions.map((action) => JSON.stringify(action))].join(", ");
