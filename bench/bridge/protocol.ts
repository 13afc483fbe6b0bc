/** What the processes of a bench run tell each other. */
import type { Speech } from "./engine-end.ts";

/** From whoever is measured. */
export type FromServer =
  | { readonly tell: "listening"; readonly origin: string }
  /** Where each call's audio socket opens. */
  | { readonly tell: "calls"; readonly urls: readonly string[]; readonly ids: readonly string[] }
  | {
      readonly tell: "usage";
      /** Of all threads, and of the one that carries the calls. */
      readonly cpuMs: number;
      readonly mainMs: number;
      readonly rssBytes: number;
      /** Of the heap and of buffers outside it. */
      readonly heapBytes: number;
      readonly split: { readonly heapMB: number; readonly externalMB: number; readonly buffersMB: number };
      readonly atMs: number;
      /** What keeps this process awake, by kind: timers, sockets, requests under way. */
      readonly resources: Readonly<Record<string, number>>;
      /** Open files and sockets, as the system counts them; listeners on what outlives a call. */
      readonly descriptors: number;
      readonly listeners: number;
      /** Garbage collections by kind. */
      readonly gc: Readonly<Record<string, Pauses>>;
    }
  | { readonly tell: "calls ended" };

/** To whoever is measured. */
export type ToServer =
  /** `greets`: their agent has a greeting. */
  | { readonly ask: "calls"; readonly count: number; readonly greets?: boolean }
  /** Collects garbage first when `collect`. */
  | { readonly ask: "usage"; readonly collect: boolean }
  /** `forget`: their journals are thrown away. */
  | { readonly ask: "end calls"; readonly forget?: boolean }
  | { readonly ask: "stop" };

/** To the load generator. */
export type ToGenerator =
  /** Connects further calls, whose agents answer with `speech`; `soon`: from their first half second on. */
  | { readonly ask: "connect"; readonly urls: readonly string[]; readonly speech?: Speech; readonly soon?: boolean }
  /** Forgets what was measured so far: the warm-up is over. */
  | { readonly ask: "measure" }
  | { readonly ask: "figures" }
  | { readonly ask: "disconnect" }
  | { readonly ask: "stop" };

export type FromGenerator =
  | { readonly tell: "engine"; readonly url: string }
  | { readonly tell: "connected" }
  | { readonly tell: "figures"; readonly figures: Figures }
  | { readonly tell: "disconnected"; readonly totals: readonly Totals[] };

/** What the ends of a call have sent since it was connected: what must be found afterwards, in rows and journals. */
export interface Totals {
  readonly callerFrames: number;
  /** Final words of the caller, and sentences of the agent. */
  readonly words: number;
  readonly answers: number;
}

export interface Pauses {
  readonly count: number;
  readonly ms: number;
  readonly max: number;
}

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Figures {
  /** Ms from the carrier's end handing a frame to its socket until the engine's end has it decoded. */
  readonly up: Spread;
  /** Ms from the engine's end handing over the first chunk of a turn until the first frame is at the carrier's end. */
  readonly firstFrame: Spread;
  /** Ms from the engine's end telling the interruption until `clear` is at the carrier's end and no frame comes after it. */
  readonly silence: Spread;
  /** Ms the carrier holds unplayed, at each frame of a turn but the first five and the last five. */
  readonly leadMin: number;
  readonly leadP50: number;
  readonly leadMax: number;
  /** Times the carrier ran dry inside a turn, and the ms it was dry. */
  readonly underruns: number;
  readonly dryMs: number;
  readonly wrongSized: number;
  /** Frames after `clear` before the next answer. */
  readonly leftover: number;
  /** Caller frames that reached the engine not, twice, or out of order. */
  readonly upLost: number;
  /** Speech samples the carrier got too few or too many, of turns that were not cut, ms per turn at most. */
  readonly speechOffMs: number;
  /** Silence added to a turn, at most, ms. */
  readonly paddedMs: number;
  /** Samples of turns that were not cut that differ audibly from the true sound, and the largest difference, of 32768. */
  readonly clicks: number;
  readonly worstSample: number;
  /** Frames that came although the carrier held 120 ms. */
  readonly overfed: number;
  /** How far the lead at a turn's end was from that at its beginning, ms at most. */
  readonly leadDriftMs: number;
  /** Of turns that were a sine: its level, or that of its false tone, dB beside what was sent; the worst. */
  readonly toneDb: { readonly least: number; readonly most: number };
  readonly turns: number;
  readonly frames: number;
  /** How late the generator itself was, ms: what it adds to every figure. */
  readonly generatorLateP99: number;
}

/** To the ends of calls at their first moment (hello-ends.ts). */
export type ToHello =
  | { readonly ask: "hello"; readonly urls: readonly string[]; readonly ids: readonly string[] }
  | { readonly ask: "stop" };

export type FromHello = { readonly tell: "engine"; readonly url: string } | { readonly tell: "hellos"; readonly hellos: readonly Hello[] };

export interface Hello {
  /** From the audio socket being open until the first frame of the greeting is at the carrier, ms. */
  readonly firstMs: number;
  /** Of that the engine's own: until it was ready, and until it spoke. */
  readonly engineMs: number;
  /** Frames of the caller's from the first on, and how many of these the engine got, all in order; 0 when they were not. */
  readonly sent: number;
  readonly delivered: number;
}
