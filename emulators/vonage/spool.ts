import { type FileHandle, open, rm } from "node:fs/promises";
import { FRAME, type Frame, RATE } from "./mix.ts";

/**
 * Sound on its way to a file, so that a long call costs no memory: frames of several channels are gathered for a second, then
 * written interleaved. Nothing waits for the disk.
 */
export class Spool {
  readonly #path: string;
  readonly #channels: number;
  readonly #block: Int16Array;
  #filled = 0;
  #samples = 0;
  #file: FileHandle | null = null;
  #writes: Promise<void> = Promise.resolve();

  /** @param path a file of its own; it is made at the first full second and removed by `drop` */
  constructor(path: string, channels: number) {
    this.#path = path;
    this.#channels = channels;
    this.#block = new Int16Array(RATE * channels);
  }

  /** Samples per channel so far. */
  get samples(): number {
    return this.#samples;
  }

  /** 20 ms: one frame per channel. */
  append(frames: readonly Frame[]): void {
    const { length } = this.#block;
    for (let channel = 0; channel < this.#channels; channel++) {
      const frame = frames[channel];
      let at = this.#filled + channel;
      for (let i = 0; i < FRAME; i++, at += this.#channels) this.#block[at] = frame ? (frame[i] ?? 0) : 0;
    }
    this.#filled += FRAME * this.#channels;
    this.#samples += FRAME;
    if (this.#filled === length) this.#flush();
  }

  /** All of it, channel by channel. Rejects when the disk did not take it. */
  async read(): Promise<Int16Array[]> {
    await this.#writes;
    const whole = new Int16Array(this.#samples * this.#channels);
    const tail = this.#block.subarray(0, this.#filled);
    if (this.#file) await this.#file.read(new Uint8Array(whole.buffer), 0, whole.byteLength - tail.byteLength, 0);
    whole.set(tail, whole.length - tail.length);
    if (this.#channels === 1) return [whole];
    return Array.from({ length: this.#channels }, (_, channel) => {
      const one = new Int16Array(this.#samples);
      for (let i = 0; i < one.length; i++) one[i] = whole[i * this.#channels + channel] ?? 0;
      return one;
    });
  }

  /** Lets go of the file, also when it could not be written. */
  async drop(): Promise<void> {
    await this.#writes.catch(() => undefined);
    await this.#file?.close();
    this.#file = null;
    await rm(this.#path, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#block.buffer.slice(0, this.#filled * 2));
    this.#filled = 0;
    this.#writes = this.#writes.then(async () => {
      this.#file ??= await open(this.#path, "w+");
      await this.#file.write(bytes);
    });
    // whoever reads is told
    this.#writes.catch(() => undefined);
  }
}
