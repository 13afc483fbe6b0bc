export interface Wav {
  /** Hz. */
  readonly rate: number;
  readonly channels: number;
  /** s16, interleaved when there is more than one channel. */
  readonly samples: Int16Array;
}

export class NotPcm16Wav extends Error {}

const PCM = 1;
const EXTENSIBLE = 0xfffe;

/**
 * Reads a WAV of 16-bit PCM by walking its chunks, so that headers of any length are right. Sizes that say more than is there, or
 * nothing at all (0 and 0xFFFFFFFF, as streaming writers leave them), are clamped to what is there; half a last sample is dropped.
 *
 * @throws NotPcm16Wav when it is no RIFF/WAVE, not 16-bit PCM, or has no sound in it
 */
export function readWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || fourLetters(view, 0) !== "RIFF" || fourLetters(view, 8) !== "WAVE")
    throw new NotPcm16Wav("This is not a RIFF/WAVE file.");
  let format: { rate: number; channels: number } | null = null;
  let at = 12;
  while (at + 8 <= bytes.length) {
    const name = fourLetters(view, at);
    const start = at + 8;
    const here = bytes.length - start;
    const said = view.getUint32(at + 4, true);
    if (name === "fmt ") {
      if (here < 16) throw new NotPcm16Wav("The fmt chunk is cut off.");
      format = readFormat(view, start, Math.min(said, here));
    }
    if (name === "data") {
      if (!format) throw new NotPcm16Wav("The data chunk comes before the fmt chunk.");
      const size = said === 0 && !chunkFollows(view, start) ? here : Math.min(said, here);
      const frameBytes = 2 * format.channels;
      return { ...format, samples: samplesOf(bytes, start, size - (size % frameBytes)) };
    }
    at = start + said + (said % 2);
  }
  throw new NotPcm16Wav("There is no data chunk.");
}

/** A WAV with the plain 44-byte header. `samples` are interleaved when there is more than one channel. */
export function writeWav(samples: Int16Array, rate: number, channels = 1): Uint8Array {
  const dataBytes = samples.length * 2;
  const wav = new Uint8Array(44 + dataBytes);
  const view = new DataView(wav.buffer);
  const letters = (at: number, text: string): void => {
    for (let i = 0; i < 4; i++) wav[at + i] = text.charCodeAt(i);
  };
  letters(0, "RIFF");
  view.setUint32(4, 36 + dataBytes, true);
  letters(8, "WAVE");
  letters(12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  letters(36, "data");
  view.setUint32(40, dataBytes, true);
  wav.set(new Uint8Array(samples.buffer, samples.byteOffset, dataBytes), 44);
  return wav;
}

/** One channel of an interleaved sound, from 0. */
export function channelOf(wav: Wav, channel: number): Int16Array {
  if (wav.channels === 1 && channel === 0) return wav.samples;
  const one = new Int16Array(Math.floor(wav.samples.length / wav.channels));
  for (let i = 0; i < one.length; i++) one[i] = wav.samples[i * wav.channels + channel] ?? 0;
  return one;
}

function readFormat(view: DataView, at: number, size: number): { rate: number; channels: number } {
  const tag = view.getUint16(at, true);
  // the real format of an extensible header is the first half of its sub-format, at byte 24
  const format = tag === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : tag;
  const bits = view.getUint16(at + 14, true);
  const channels = view.getUint16(at + 2, true);
  if (format !== PCM || bits !== 16 || channels < 1)
    throw new NotPcm16Wav(`Format ${format} with ${bits} bits and ${channels} channels is not 16-bit PCM.`);
  return { rate: view.getUint32(at + 4, true), channels };
}

/** Does a chunk that fits start here? Tells an empty data chunk from one whose writer did not know its size. */
function chunkFollows(view: DataView, at: number): boolean {
  if (at + 8 > view.byteLength) return false;
  return /^[A-Za-z][A-Za-z0-9 ]{3}$/.test(fourLetters(view, at)) && at + 8 + view.getUint32(at + 4, true) <= view.byteLength;
}

function fourLetters(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function samplesOf(bytes: Uint8Array, start: number, size: number): Int16Array {
  // copied by hand: the slice of a Buffer would be a view into another's memory, at any alignment
  const own = new Uint8Array(size);
  own.set(bytes.subarray(start, start + size));
  return new Int16Array(own.buffer);
}
