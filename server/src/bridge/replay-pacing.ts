import { frameBytes } from "./media.ts";
import { Player } from "./player.ts";

/** How the sound of one bridge goes out today, beside how it went out then. */
export interface Pacing {
  /** Sends to the carrier that were compared, and the frames in them. */
  readonly sends: number;
  readonly frames: number;
  /** How far today's place in the stream was from the recorded one at a send, ms of sound: worst, and the sends at which it was not the same. */
  readonly worstApartMs: number;
  readonly apart: number;
}

/**
 * Times are recorded in whole microseconds: a frame that fell due within the last one leaves with the send before or after, and two travel together.
 * So much apart is no difference for so many sends, 120 ms of speech: then the two are together again. Who paces otherwise stays apart.
 */
const APART_MS = 40;
const APART_SENDS = 3;

/**
 * Plays the sound of one bridge through the real player again: the same speech at the same times, silence instead of its samples. The tick comes when a
 * frame went out then; whether and how much is sent is up to the player. Each method takes the recorded time in ms.
 */
export class PacingReplay {
  private readonly player: Player;
  private readonly frame: number;
  private readonly bytesPerMs: number;
  private recorded = 0;
  private replayed = 0;
  private sends = 0;
  private frames = 0;
  private worst = 0;
  private apart = 0;
  private told = false;
  private apartFor = 0;

  constructor(rate: number) {
    this.frame = frameBytes(rate);
    this.bytesPerMs = (rate * 2) / 1000;
    this.player = new Player({
      rate,
      send: (bytes) => {
        this.replayed += bytes.length;
      },
      tell() {},
    });
  }

  connected(at: number): void {
    this.player.connect(at);
  }

  disconnected(at: number): void {
    this.player.disconnect(at);
    this.same();
  }

  queued(utterance: string, samples: number, at: number): void {
    this.player.push(utterance, new Int16Array(samples), at);
  }

  finished(at: number): void {
    this.player.finish(at);
  }

  dropped(at: number): void {
    this.player.cut(at);
    this.same();
  }

  /** So many bytes went out then. Gives what is wrong with them, once a stretch; null when today's are the same. */
  sent(bytes: number, at: number): { readonly recorded: string; readonly replayed: string } | null {
    this.recorded += bytes;
    this.sends++;
    this.frames += bytes / this.frame;
    if (this.replayed < this.recorded) this.player.visit(at);
    const apartMs = Math.abs(this.replayed - this.recorded) / this.bytesPerMs;
    this.worst = Math.max(this.worst, apartMs);
    if (apartMs > 0) this.apart++;
    this.apartFor = apartMs > 0 ? this.apartFor + 1 : 0;
    const wrongSize = bytes % this.frame !== 0;
    if (this.told || (apartMs <= APART_MS && this.apartFor <= APART_SENDS && !wrongSize)) return null;
    this.told = true;
    const place = (sent: number): string => `${sent / this.frame} frames since the speech began`;
    return { recorded: wrongSize ? `${bytes} bytes, no whole frames` : place(this.recorded), replayed: place(this.replayed) };
  }

  figures(): Pacing {
    return { sends: this.sends, frames: this.frames, worstApartMs: this.worst, apart: this.apart };
  }

  /** What waited is gone on both sides: the next speech is compared from its beginning. */
  private same(): void {
    this.recorded = 0;
    this.replayed = 0;
    this.told = false;
    this.apartFor = 0;
  }
}
