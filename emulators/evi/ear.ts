import { openResampler, type Resampler } from "../speech/resample.ts";
import { openVad, VAD_FRAME, VAD_RATE, type Vad } from "../speech/vad.ts";
import { hear, type Patience, silent, type Turn, type TurnEvent } from "./turn.ts";
import type { AudioFormat } from "./wire.ts";

export interface Ear {
  /** Hears bytes of linear16 in the ear's format, cut anywhere. */
  push(bytes: Uint8Array): void;
  /** What was said since the present turn began (and a little before), 16 kHz. Valid inside the listener. */
  segment(): Int16Array;
  /** Ms of sound heard. */
  readonly heardMs: number;
  free(): void;
}

/** What Hume's turn_detection.prefix_padding_ms defaults to. */
const PREFIX_MS = 300;
const PREFIX = (PREFIX_MS / 1_000) * VAD_RATE;

/**
 * Listens to the caller's side: the sound as it comes, brought to 16 kHz, cut into 20 ms, asked for voices, and told as turns. It has no
 * other clock than the sound itself, so a call sent ten times faster is understood the same, ten times faster.
 */
export function openEar(format: AudioFormat, patience: Patience, listener: (event: TurnEvent) => void): Ear {
  const resampler: Resampler = openResampler(format.sample_rate, VAD_RATE);
  const vad: Vad = openVad(3);
  const bytesPerFrame = 2 * format.channels;
  let leftOver: Uint8Array = new Uint8Array(0);
  let turn: Turn = silent;
  let frames = 0;
  const frame = new Int16Array(VAD_FRAME);
  let filled = 0;
  // the last PREFIX samples while it is quiet; the whole turn while someone speaks
  let kept = new Int16Array(2 * VAD_RATE);
  let keptLength = 0;
  let freed = false;

  function keep(samples: Int16Array): void {
    if (turn.is === "quiet" && keptLength + samples.length > 2 * PREFIX) {
      kept.copyWithin(0, keptLength - PREFIX, keptLength);
      keptLength = PREFIX;
    }
    if (keptLength + samples.length > kept.length) {
      const larger = new Int16Array(kept.length * 2);
      larger.set(kept);
      kept = larger;
    }
    kept.set(samples, keptLength);
    keptLength += samples.length;
  }

  function hearFrame(): void {
    frames++;
    keep(frame);
    const [next, event] = hear(turn, frames * 20, vad.hears(frame), patience);
    turn = next;
    if (!event) return;
    if (event.what === "began") {
      // forget what was before the beginning and its padding
      const from = Math.max(0, keptLength - ((frames * 20 - event.beginMs + PREFIX_MS) / 1_000) * VAD_RATE);
      kept.copyWithin(0, from, keptLength);
      keptLength -= from;
    }
    listener(event);
  }

  return {
    push(bytes) {
      if (freed) return;
      const samples = decode(bytes);
      const heard = resampler.push(samples);
      // whoever listens may free this ear in the middle of it
      for (let at = 0; at < heard.length && !freed; ) {
        const part = heard.subarray(at, at + VAD_FRAME - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < VAD_FRAME) continue;
        filled = 0;
        hearFrame();
      }
    },
    segment: () => kept.subarray(0, keptLength),
    get heardMs() {
      return frames * 20;
    },
    free() {
      if (freed) return;
      freed = true;
      resampler.free();
      vad.free();
    },
  };

  /** Bytes to mono samples; what does not fill a sample waits for the next bytes. */
  function decode(bytes: Uint8Array): Int16Array {
    const all = leftOver.length === 0 ? bytes : Buffer.concat([leftOver, bytes]);
    const count = Math.floor(all.length / bytesPerFrame);
    leftOver = new Uint8Array(all.subarray(count * bytesPerFrame));
    if (format.channels === 1) {
      const own = new Uint8Array(count * 2);
      own.set(all.subarray(0, count * 2));
      return new Int16Array(own.buffer);
    }
    const view = new DataView(all.buffer, all.byteOffset, count * bytesPerFrame);
    const samples = new Int16Array(count);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let channel = 0; channel < format.channels; channel++) sum += view.getInt16(i * bytesPerFrame + channel * 2, true);
      samples[i] = sum / format.channels;
    }
    return samples;
  }
}
