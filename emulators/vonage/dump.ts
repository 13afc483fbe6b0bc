import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeWav } from "../speech/wav.ts";
import type { SocketTap } from "./audio-socket.ts";
import type { Media } from "./media.ts";
import { type Frame, RATE, SILENCE } from "./mix.ts";

/** Bytes gathered before they are written. */
const BLOCK_BYTES = 64_000;
const HEADER_BYTES = 44;

/** A WAV that grows: written block by block, its header put right at the end. */
class GrowingWav {
  readonly #path: string;
  readonly #rate: number;
  #parts: Uint8Array[] = [];
  #gathered = 0;
  #bytes = 0;
  #writes: Promise<FileHandle>;

  constructor(path: string, rate: number) {
    this.#path = path;
    this.#rate = rate;
    this.#writes = open(this.#path, "w").then(async (file) => {
      await file.write(Buffer.alloc(HEADER_BYTES));
      return file;
    });
    this.#writes.catch(() => undefined);
  }

  append(bytes: Uint8Array): void {
    this.#parts.push(Buffer.from(bytes));
    this.#gathered += bytes.length;
    if (this.#gathered >= BLOCK_BYTES) this.#flush();
  }

  async close(): Promise<string> {
    this.#flush();
    const file = await this.#writes;
    const header = writeWav(new Int16Array(0), this.#rate);
    const view = new DataView(header.buffer);
    view.setUint32(4, 36 + this.#bytes, true);
    view.setUint32(40, this.#bytes, true);
    await file.write(header, 0, HEADER_BYTES, 0);
    await file.close();
    return this.#path;
  }

  #flush(): void {
    const block = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#gathered = 0;
    this.#bytes += block.length;
    this.#writes = this.#writes.then(async (file) => {
      await file.write(block);
      return file;
    });
    this.#writes.catch(() => undefined);
  }
}

const bytesOf = (frame: Frame): Uint8Array => {
  const samples = frame ?? SILENCE;
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
};

/** Writes down what goes through a leg, for tests that measure sound: WAVs named by the leg's uuid, and at the end a JSON of facts. */
export class Dump {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
  }

  /** A party's media, overheard from its first frame: `<uuid>.said.wav` and `<uuid>.heard.wav`, 16 kHz. */
  overhear(uuid: string, media: Media): { readonly media: Media; close(): Promise<string[]> } {
    const said = new GrowingWav(join(this.#folder, `${uuid}.said.wav`), RATE);
    const heard = new GrowingWav(join(this.#folder, `${uuid}.heard.wav`), RATE);
    return {
      media: {
        speak: () => {
          const frame = media.speak();
          said.append(bytesOf(frame));
          return frame;
        },
        hear: (frame) => {
          heard.append(bytesOf(frame));
          media.hear(frame);
        },
        key: (digit, durationMs) => media.key(digit, durationMs),
        close: () => media.close(),
      },
      close: () => Promise.all([said.close(), heard.close()]),
    };
  }

  /** A socket's exact bytes: `sent`, `received` (one after the other) and `played` (tick by tick, silence where there was none), at the socket's rate. */
  tap(uuid: string, rate: number): { readonly tap: SocketTap; readonly receivedAtMs: number[]; close(): Promise<string[]> } {
    const [sent, received, played] = (["sent", "received", "played"] as const).map(
      (name) => new GrowingWav(join(this.#folder, `${uuid}.${name}.wav`), rate),
    );
    const silence = Buffer.alloc((rate / 50) * 2);
    const receivedAtMs: number[] = [];
    return {
      receivedAtMs,
      tap: {
        sent: (frame) => sent?.append(frame),
        received: (message, atMs) => {
          received?.append(message);
          receivedAtMs.push(Math.round(atMs * 100) / 100);
        },
        played: (frame) => played?.append(frame ?? silence),
      },
      close: () => Promise.all([sent, received, played].flatMap((wav) => (wav ? [wav.close()] : []))),
    };
  }

  /** The facts of a leg, the last file to be written: when it is there, the others are whole. */
  async facts(uuid: string, facts: unknown): Promise<void> {
    await writeFile(join(this.#folder, `${uuid}.json`), JSON.stringify(facts, null, 2));
  }
}
