/** Whoever measures feelings by listening to the caller beside an engine that does not. Scores have free names; a set says whose they are. */
export interface EmotionSource {
  readonly name: string;
  /** Begins to listen. Returns at once; whatever goes wrong is told, never thrown, and costs the call nothing. */
  open(rate: number, listener: (sign: EmotionSign) => void): EmotionEar;
}

export type EmotionSign =
  | {
      readonly what: "scores";
      /** Where in the sound, ms since the first that was given to `audio`. */
      readonly fromMs: number;
      readonly toMs: number;
      readonly set: string;
      readonly scores: Readonly<Record<string, number>>;
    }
  /** Something as it came over the wire, for the journal. */
  | { readonly what: "heard"; readonly message: string }
  | { readonly what: "trouble"; readonly code: string; readonly text: string };

export interface EmotionEar {
  /** Caller audio, s16le mono at the rate of `open`, continuous, silence included. Never blocks. */
  audio(pcm: Uint8Array): void;
  /** The sound is over. Resolves when what was still to be measured has been told, or will not be any more. */
  close(): Promise<void>;
}
