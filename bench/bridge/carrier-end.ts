import { TONE_AMPLITUDE } from "./engine-end.ts";
import { faithful, levelDb } from "./true-sound.ts";

const FRAME_MS = 20;
const FRAME_BYTES = 640;
/** More than this the carrier need not hold. */
const MOST_LEAD_MS = 120;

/** What a turn's sound is held against. */
export interface Wanted {
  readonly speechMs: number;
  /** As it should come, and where: a sine's own frequency or the false tone it would leave; null: speech, held against the true sound. */
  readonly sound: Int16Array;
  readonly toneHz: number | null;
}

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
  /** Silence added at the end of a turn, at most, ms. */
  paddedMs = 0;
  /** Samples that are not those of the true sound, and by how much at most, of 32768. */
  clicks = 0;
  worstSample = 0;
  /** Frames that brought the carrier further ahead than it need be. */
  overfed = 0;
  /** Between the middle lead of a turn's first and last quarter, ms, at most. */
  leadDriftMs = 0;
  readonly toneDb: number[] = [];
  private playedUntil = 0;
  private turn: { startedAt: number; wanted: Wanted; frames: number; leads: number[]; sound: Buffer[] } | null = null;
  private cutAt: number | null = null;
  private clearAt: number | null = null;

  /** The engine's end hands over the first chunk of a turn. */
  turnStarts(at: number, wanted: Wanted): void {
    this.finishTurn();
    this.turn = { startedAt: at, wanted, frames: 0, leads: [], sound: [] };
    this.cutAt = null;
    this.clearAt = null;
  }

  /** The engine's end tells an interruption. */
  cut(at: number): void {
    this.cutAt = at;
  }

  frame(at: number, pcm: Buffer): void {
    this.frames++;
    if (pcm.length !== FRAME_BYTES) this.wrongSized++;
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
    const lead = this.playedUntil - at;
    if (lead > MOST_LEAD_MS + 0.5) this.overfed++;
    this.turn.leads.push(lead);
    this.turn.sound.push(pcm);
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
    const { wanted, frames, leads, sound } = this.turn;
    this.turn = null;
    const missing = wanted.speechMs - frames * FRAME_MS;
    this.offMs = Math.max(this.offMs, missing > 0 ? missing : Math.max(0, -missing - FRAME_MS));
    this.paddedMs = Math.max(this.paddedMs, -missing);
    const inside = leads.slice(5, -5);
    for (const lead of inside) this.leads.push(lead);
    const quarter = Math.floor(inside.length / 4);
    if (quarter > 0) {
      const drift = Math.abs(mean(inside.slice(0, quarter)) - mean(inside.slice(-quarter)));
      this.leadDriftMs = Math.max(this.leadDriftMs, drift);
    }
    this.listen(Buffer.concat(sound), wanted);
  }

  private listen(bytes: Buffer, { sound, toneHz }: Wanted): void {
    const came = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
    if (toneHz !== null) {
      this.toneDb.push(levelDb(came, toneHz, TONE_AMPLITUDE));
      return;
    }
    const { clicks, worst } = faithful(came, sound);
    this.clicks += clicks;
    this.worstSample = Math.max(this.worstSample, worst);
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
    this.paddedMs = 0;
    this.clicks = 0;
    this.worstSample = 0;
    this.overfed = 0;
    this.leadDriftMs = 0;
    this.toneDb.length = 0;
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
