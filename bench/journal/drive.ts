import { setTimeout as sleep } from "node:timers/promises";
import type { CallerMedia, MediaListener } from "../../server/src/bridge/media.ts";
import { runBridge } from "../../server/src/bridge/run.ts";
import type { Tick } from "../../server/src/bridge/tick.ts";
import type { Clock } from "../../server/src/clock.ts";
import { type Engine, type EngineEvent, plainManners } from "../../server/src/engine/port.ts";
import type { CallId } from "../../server/src/ids.ts";
import { openJournals } from "../../server/src/journal/file.ts";
import { Playout } from "../../server/src/journal/playout.ts";
import type { Trouble } from "./trouble.ts";

/** 16 kHz. */
const RATE = 16_000;
const FRAME = 320;
const FRAME_MS = 20;
/** The network's fastest way, and what it varies by, ms. */
const WAY_MS = 4;
const JITTER_MS = 6;
/** A word of the caller's, and one of the agent's, every so often. */
const MARK_EVERY_MS = 10_000;
const SPEECH_MS = 3_000;
/** Marked sound: the n-th word has the value `from + n`. */
export const marks = { caller: 1_000, agent: 10_000 } as const;

/** When each word really sounded, by the carrier's clock, ms since its first frame. */
export interface Truth {
  readonly caller: ReadonlyMap<number, number>;
  readonly agent: ReadonlyMap<number, number>;
  /** Length of the call by the carrier's clock. */
  readonly lengthMs: number;
}

/**
 * Carries a call of `totalMs` through the real bridge, player and journal as fast as the machine can: the clock is driven, the carrier's and the
 * engine's ends are played by hand. Two speakers, each with a marked word every ten seconds, so that a recording can be held against the truth.
 */
export async function drive(call: CallId, dir: string, totalMs: number, trouble: Trouble): Promise<Truth> {
  let time = 5_000;
  const began = time;
  const wall = Date.UTC(2026, 0, 1);
  const clock: Clock = {
    monotonicMs: () => time,
    now: () => new Date(wall + time + trouble.jumps.reduce((sum, [at, by]) => (time - began >= at ? sum + by : sum), 0)),
  };
  const members = new Set<(nowMs: number) => void>();
  const tick: Tick = {
    join(member) {
      members.add(member);
      return () => members.delete(member);
    },
    worstLateMs: () => 0,
    close() {},
  };
  let speak: (event: EngineEvent) => void = () => {};
  const journals = openJournals({ dir, clock, log: { warn: (_, text) => process.stderr.write(`${text}\n`) } });
  const run = runBridge({
    call,
    engine: engineByHand((listener) => {
      speak = listener;
    }),
    agent: {
      agent: null,
      manners: plainManners,
      tools: [],
      prompt: "",
      greeting: null,
      voice: null,
      language: "en",
      options: {},
      variables: {},
    },
    resume: null,
    history: [],
    rate: RATE,
    clock,
    tick,
    journal: journals.open(call),
    said() {},
    fact() {},
    hangUp() {},
    engineLost({ text }) {
      throw new Error(text);
    },
  });

  // The carrier's clock against ours, and its own account of what the caller heard.
  const carrierMs = (ours: number): number => (ours - began) * (1 + trouble.ppm / 1e6);
  const ours = (carriers: number): number => began + carriers / (1 + trouble.ppm / 1e6);
  const playout = new Playout(RATE);
  const firsts: { value: number; frame: number }[] = [];
  let listener: MediaListener | null = null;
  const media: CallerMedia = {
    rate: RATE,
    keepsSound: true,
    play(pcm) {
      const bytes = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
      for (let at = 0; at < bytes.length; at += FRAME * 2) {
        const value = bytes.readInt16LE(at);
        if (value >= marks.agent && firsts.at(-1)?.value !== value) firsts.push({ value, frame: playout.frames.length });
        playout.sent(carrierMs(time + WAY_MS), FRAME);
      }
    },
    clear: () => playout.cleared(carrierMs(time + WAY_MS)),
    mark() {},
    ready: () => true,
    close() {},
    listen: (one) => {
      listener = one;
    },
  };
  speak({ what: "ready", session: "s", resume: null, expiresAt: null });
  run.answered(clock.now());
  run.attach(media);

  const chance = seeded(trouble.name);
  const caller = new Map<number, number>();
  const frames = Math.floor(totalMs / FRAME_MS);
  let next = 0;
  let arrival = arrivalOf(trouble, 0, ours, chance(), began);
  let spoken = 0;
  let second = began + 1_000;
  let pausedUntil = 0;
  for (const end = began + totalMs; time < end; ) {
    const beat = Math.floor((time - began) / FRAME_MS + 1) * FRAME_MS + began;
    time = Math.max(time, Math.min(beat, end));
    const pause = trouble.pauses.find(([at]) => at <= time - began && time - began < at + FRAME_MS);
    if (pause !== undefined && pausedUntil < time) {
      pausedUntil = time + pause[1];
      time = pausedUntil;
    }
    for (const beatAt = time; next < frames && arrival <= beatAt; ) {
      // While our process stands still nothing is read; what came meanwhile is read at once afterwards.
      time = Math.max(arrival, pausedUntil);
      const at = next * FRAME_MS;
      if (!trouble.holes.some(([from, to]) => at >= from && at < to)) {
        const word = Math.floor(at / MARK_EVERY_MS);
        const marked = at % MARK_EVERY_MS === 0;
        if (marked) caller.set(marks.caller + word, at);
        (listener as MediaListener | null)?.frame(frameOf(marked ? marks.caller + word : 0));
      }
      next++;
      arrival = Math.max(arrival, arrivalOf(trouble, next * FRAME_MS, ours, chance(), began));
      time = beatAt;
    }
    if (time - began >= spoken * MARK_EVERY_MS + 4_000) {
      // As engines do: in two pieces, faster than real time, every third one broken off by the caller.
      speak({ what: "agent audio", utterance: `u${spoken}`, pcm: speech(marks.agent + spoken, SPEECH_MS) });
      speak({ what: "agent done", utterance: `u${spoken}`, how: "complete" } as EngineEvent);
      spoken++;
    }
    if (spoken % 3 === 0 && spoken > 0 && Math.abs(time - began - ((spoken - 1) * MARK_EVERY_MS + 5_500)) < FRAME_MS / 2)
      speak({ what: "cut in" });
    for (const member of [...members]) member(time);
    if (time >= second) {
      run.second();
      second += 1_000;
    }
    // The disk is given its time: a journal under way may have 4 MiB waiting, and gets them every half second.
    if (next % 500 === 0) await new Promise(setImmediate);
    while (journals.waitingBytes() > 3_000_000) await sleep(10);
  }
  const ending = run.end();
  speak({ what: "ended", why: "ours", code: null, text: "", retry: false } as unknown as EngineEvent);
  await ending;
  await journals.close();

  const heard = firsts
    .map(({ value, frame }) => [value, playout.frames[frame]] as const)
    .filter(([, one]) => one !== undefined && one.samples > 0);
  return {
    caller,
    agent: new Map(heard.map(([value, one]) => [value, (one as { startMs: number }).startMs])),
    lengthMs: carrierMs(time),
  };
}

/** When the frame the carrier speaks until `at + 20` (its clock) reaches us (our clock). */
function arrivalOf(trouble: Trouble, at: number, ours: (carriers: number) => number, chance: number, began: number): number {
  const sent = ours(at + FRAME_MS);
  const late = trouble.late.find(([from, to]) => at >= from && at < to)?.[2] ?? 0;
  const stall = trouble.stalls.find(([from, to]) => at >= from && at < to);
  const arrives = sent + WAY_MS + chance * JITTER_MS + late;
  return stall === undefined ? arrives : Math.max(arrives, began + stall[1]);
}

const frameOf = (value: number): Uint8Array => new Uint8Array(new Int16Array(FRAME).fill(value).buffer);

/** A word that is marked at its beginning, and sound until its end. */
function speech(value: number, ms: number): Int16Array {
  const pcm = new Int16Array((ms * RATE) / 1000).fill(100);
  pcm.fill(value, 0, FRAME);
  return pcm;
}

function engineByHand(opened: (listener: (event: EngineEvent) => void) => void): Engine {
  const abilities = {
    name: "hand",
    inRates: [RATE],
    outRates: [RATE],
    turns: true,
    paced: false,
    verbatim: true,
    interim: true,
    emotions: "none",
    wantsPlayed: false,
    resume: false,
    maxMs: null,
  } as const;
  return {
    abilities,
    manner: { mostPromptChars: null, always: [], notes: () => [], refuses: () => [] },
    open(_, listener) {
      opened(listener);
      return { abilities, audio() {}, say() {}, context() {}, toolResult() {}, played() {}, playing() {}, close() {} };
    },
  };
}

function seeded(name: string): () => number {
  let state = [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7);
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
