/** One second of 16 kHz sound: what a call holds of an answer are a few of these. */
const BLOCK_BYTES = 32_000;
/** Blocks kept for the next sound, all calls together: 16 MB, the answers of 80 calls that begin to speak at once. */
const MOST_FREE_BLOCKS = 512;
const free: Uint8Array[] = [];
const nothing = new Uint8Array(0);

/**
 * Bytes of sound, first in, first out, kept in blocks that all calls of the process share and use again. As buffers of their own they lived
 * for seconds, so that only a full garbage collection freed them, and what they added up to brought the next one nearer: once a second at
 * 40 calls (bench/README.md, "Garbage collection").
 */
export class SoundQueue {
  /** Bytes waiting. */
  length = 0;
  private blocks: Uint8Array[] = [];
  /** Where the first byte lies in the first block, and where the next one goes in the last. */
  private from = 0;
  private to = BLOCK_BYTES;

  /** Takes a copy. */
  push(sound: Uint8Array): void {
    for (let at = 0; at < sound.length; ) {
      if (this.to === BLOCK_BYTES) {
        this.blocks.push(free.pop() ?? new Uint8Array(BLOCK_BYTES));
        this.to = 0;
      }
      const part = at === 0 && sound.length <= BLOCK_BYTES - this.to ? sound : sound.subarray(at, at + BLOCK_BYTES - this.to);
      (this.blocks.at(-1) as Uint8Array).set(part, this.to);
      this.to += part.length;
      at += part.length;
    }
    this.length += sound.length;
  }

  /** The first `size` bytes, of at least as many. Valid until something is pushed to any queue: copy to keep. */
  take(size: number): Uint8Array {
    if (size === 0) return nothing;
    this.length -= size;
    const head = this.blocks[0] as Uint8Array;
    if (this.from + size <= BLOCK_BYTES) {
      const view = head.subarray(this.from, this.from + size);
      this.use(size);
      return view;
    }
    const joined = new Uint8Array(size);
    for (let filled = 0; filled < size; ) {
      const part = (this.blocks[0] as Uint8Array).subarray(this.from, Math.min(BLOCK_BYTES, this.from + size - filled));
      joined.set(part, filled);
      filled += part.length;
      this.use(part.length);
    }
    return joined;
  }

  /** Drops all of it. */
  clear(): void {
    for (const block of this.blocks) giveBack(block);
    this.blocks = [];
    this.length = 0;
    this.from = 0;
    this.to = BLOCK_BYTES;
  }

  private use(bytes: number): void {
    this.from += bytes;
    if (this.from < BLOCK_BYTES && (this.blocks.length > 1 || this.from < this.to)) return;
    giveBack(this.blocks.shift() as Uint8Array);
    this.from = 0;
    if (this.blocks.length === 0) this.to = BLOCK_BYTES;
  }
}

function giveBack(block: Uint8Array): void {
  if (free.length < MOST_FREE_BLOCKS) free.push(block);
}
