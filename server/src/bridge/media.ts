/** The caller's audio connection in our words: what a carrier's socket offers to the bridge. */
export interface CallerMedia {
  /** Hz, both ways: s16le mono in frames of 20 ms. */
  readonly rate: number;
  /** May its sound be kept? If not the journal has silence in its place. */
  readonly keepsSound: boolean;
  /** Sends frames of exactly 20 ms each: one or more, one after the other in `pcm`. They are copied or sent before it returns. */
  play(pcm: Uint8Array): void;
  /** Tells the carrier to drop at once what it has not yet played. */
  clear(): void;
  /** Asks for `marked` once everything sent before has been played. A carrier may never answer. */
  mark(name: string): void;
  /** May more be sent? Not while the carrier does not read; a connection stuck for long is given up here. `now`: monotonic ms. */
  ready(now: number): boolean;
  close(): void;
  /** Says who listens from now on; what came before is kept and told first, in order. */
  listen(listener: MediaListener): void;
}

export interface MediaListener {
  /** Caller audio: as many bytes as the carrier sent, ordinarily one frame. The bytes are ours to keep. */
  frame(pcm: Uint8Array): void;
  digit(digit: string, durationMs: number | null): void;
  marked(name: string): void;
  cleared(): void;
  /** The connection is gone, whoever closed it. Decides no outcome of the call. */
  closed(): void;
}

/** Bytes of 20 ms at `rate` Hz: 320, 640 or 960 (vonage-voice §5.3). */
export const frameBytes = (rate: number): number => (rate / 50) * 2;
