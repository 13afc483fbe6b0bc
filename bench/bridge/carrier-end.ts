const FRAME_MS = 20;
const FRAME_BYTES = 640;

/** What the carrier's end of one call sees: frames, clears, and how far it is ahead of the caller's ear. Times in ms of one clock. */
export class CarrierEnd {
  readonly leads: number[] = [];
  readonly firstFrames: number[] = [];
  readonly silences: number[] = [];
  underruns = 0;
  dryMs = 0;
  wrongSized = 0;
  leftover = 0;
  frames = 0;
  turns = 0;
  /** Worst difference between a turn's speech and what came of it, ms; padding of less than a frame is allowed for. */
  offMs = 0;
  private playedUntil = 0;
  private turn: { startedAt: number; speechMs: number; frames: number; leads: number[] } | null = null;
  private cutAt: number | null = null;
  private clearAt: number | null = null;

  /** The engine's end hands over the first chunk of a turn; its whole speech will be `speechMs`. */
  turnStarts(at: number, speechMs: number): void {
    this.finishTurn();
    this.turn = { startedAt: at, speechMs, frames: 0, leads: [] };
    this.cutAt = null;
    this.clearAt = null;
  }

  /** The engine's end tells an interruption. */
  cut(at: number): void {
    this.cutAt = at;
  }

  frame(at: number, bytes: number): void {
    this.frames++;
    if (bytes !== FRAME_BYTES) this.wrongSized++;
    if (this.cutAt !== null) {
      if (this.clearAt !== null) this.leftover++;
      return;
    }
    if (this.turn === null) return;
    if (this.turn.frames === 0) this.firstFrames.push(at - this.turn.startedAt);
    else if (at > this.playedUntil) {
      this.underruns++;
      this.dryMs += at - this.playedUntil;
    }
    this.playedUntil = Math.max(at, this.playedUntil) + FRAME_MS;
    this.turn.frames++;
    this.turn.leads.push(this.playedUntil - at);
  }

  cleared(at: number): void {
    if (this.cutAt === null) return;
    this.clearAt = at;
    this.silences.push(at - this.cutAt);
    this.playedUntil = Math.min(this.playedUntil, at);
    if (this.turn !== null) this.leads.push(...this.turn.leads.slice(5));
    this.turn = null;
  }

  /** The turn's speech has been played, or should have been. */
  finishTurn(): void {
    if (this.turn === null) return;
    this.turns++;
    const missing = this.turn.speechMs - this.turn.frames * FRAME_MS;
    this.offMs = Math.max(this.offMs, missing > 0 ? missing : Math.max(0, -missing - FRAME_MS));
    this.leads.push(...this.turn.leads.slice(5, -5));
    this.turn = null;
  }

  /** The warm-up is over. */
  forget(): void {
    this.leads.length = 0;
    this.firstFrames.length = 0;
    this.silences.length = 0;
    this.underruns = 0;
    this.dryMs = 0;
    this.wrongSized = 0;
    this.leftover = 0;
    this.frames = 0;
    this.turns = 0;
    this.offMs = 0;
  }
}
