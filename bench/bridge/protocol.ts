/** What the processes of a bench run tell each other. */

/** From whoever is measured. */
export type FromServer =
  | { readonly tell: "listening"; readonly origin: string }
  /** Where each call's audio socket opens. */
  | { readonly tell: "calls"; readonly urls: readonly string[] }
  | {
      readonly tell: "usage";
      /** Of all threads, and of the one that carries the calls. */
      readonly cpuMs: number;
      readonly mainMs: number;
      readonly rssBytes: number;
      readonly heapBytes: number;
      readonly atMs: number;
      readonly resources: number;
      /** Garbage collections by kind. */
      readonly gc: Readonly<Record<string, Pauses>>;
    }
  | { readonly tell: "calls ended" };

/** To whoever is measured. */
export type ToServer =
  | { readonly ask: "calls"; readonly count: number }
  /** Collects garbage first when `collect`. */
  | { readonly ask: "usage"; readonly collect: boolean }
  | { readonly ask: "end calls" }
  | { readonly ask: "stop" };

/** To the load generator. */
export type ToGenerator =
  | { readonly ask: "connect"; readonly urls: readonly string[]; readonly path: "direct" | "media" }
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
  readonly turns: number;
  readonly frames: number;
  /** How late the generator itself was, ms: what it adds to every figure. */
  readonly generatorLateP99: number;
}
