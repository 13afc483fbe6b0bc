import { decodeBase64, mostBytes } from "../base64.ts";
import type { RealtimeAudio } from "./wire.ts";

/** The decoded sound of the delta in hand, of whichever session, aligned for 16-bit reading; grows to the largest seen. */
let decoded = Buffer.alloc(65_536);

/** The sound of one session's deltas as samples. A delta may end in the middle of one (openai-realtime §9): the half waits for the rest of its item. */
export class DeltaSound {
  private item: string | null = null;
  private half: number | null = null;

  /** The samples of a delta; valid until the next delta of any session. */
  decode(audio: RealtimeAudio): Int16Array {
    const most = mostBytes(audio) + 1;
    if (decoded.length < most) decoded = Buffer.alloc(most * 2);
    const kept = this.half !== null && this.item === audio.item ? 1 : 0;
    if (kept === 1) decoded[0] = this.half as number;
    const bytes = kept + decodeBase64(audio, decoded, kept);
    this.item = audio.item;
    this.half = bytes % 2 === 1 ? (decoded[bytes - 1] as number) : null;
    return new Int16Array(decoded.buffer, decoded.byteOffset, bytes >> 1);
  }

  /** What comes next is another item's, or none's. */
  reset(): void {
    this.item = null;
    this.half = null;
  }
}
