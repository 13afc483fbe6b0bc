/** Sound as it lay in one chunk: little-endian s16 bytes, not copied. */
export interface Sound {
  readonly rate: number;
  readonly channels: 1 | 2;
  readonly bytes: Uint8Array;
}

/** What Hume sends when it says nothing else (hume-evi §3.2). */
const ASSUMED_RATE = 48_000;
const PCM = 1;
const EXTENSIBLE = 0xfffe;

/**
 * Walks the chunks of one WAV file and gives its samples. Every `audio_output` is a whole file with its own header; taken for samples,
 * the header would be a click. Streaming writers misstate sizes: what is larger than the file, or zero, means "the rest"; what is smaller
 * while no chunk follows it, too. Without `RIFF` the bytes are taken for raw samples. An odd last byte is left out.
 * Null for what is not 16-bit PCM of one or two channels: nothing of it may reach an ear.
 */
export function soundOf(file: Uint8Array): Sound | null {
  if (!says(file, 0, "RIFF")) return { rate: ASSUMED_RATE, channels: 1, bytes: even(file, 0, file.length) };
  if (!says(file, 8, "WAVE")) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let rate = ASSUMED_RATE;
  let channels = 1;
  for (let at = 12; at + 8 <= file.length; ) {
    const stated = view.getUint32(at + 4, true);
    const from = at + 8;
    if (says(file, at, "data")) {
      if (channels !== 1 && channels !== 2) return null;
      return { rate, channels, bytes: even(file, from, endOfData(file, view, from, stated)) };
    }
    if (says(file, at, "fmt ")) {
      if (stated < 16 || from + 16 > file.length) return null;
      const format = view.getUint16(from, true);
      channels = view.getUint16(from + 2, true);
      rate = view.getUint32(from + 4, true);
      if ((format !== PCM && format !== EXTENSIBLE) || view.getUint16(from + 14, true) !== 16) return null;
      if (rate < 8_000 || rate > 192_000) return null;
    }
    at = from + stated + (stated & 1);
  }
  return { rate, channels: 1, bytes: file.subarray(0, 0) };
}

/** Two channels as one: the mean. One channel as it is, in a copy that is aligned for 16-bit reading. */
export function monoOf(sound: Sound, into: Int16Array): Int16Array {
  const view = new DataView(sound.bytes.buffer, sound.bytes.byteOffset, sound.bytes.byteLength);
  const count = Math.floor(sound.bytes.length / (2 * sound.channels));
  const mono = into.length >= count ? into.subarray(0, count) : new Int16Array(count);
  if (sound.channels === 2) {
    for (let i = 0; i < count; i++) mono[i] = (view.getInt16(i * 4, true) + view.getInt16(i * 4 + 2, true)) >> 1;
  } else {
    new Uint8Array(mono.buffer, mono.byteOffset, count * 2).set(sound.bytes);
  }
  return mono;
}

function endOfData(file: Uint8Array, view: DataView, from: number, stated: number): number {
  if (stated === 0 || from + stated > file.length) return file.length;
  const end = from + stated;
  return end === file.length || isChunk(file, view, end) || isChunk(file, view, end + 1) ? end : file.length;
}

/** Do a name of four letters and a size that fits stand here? Or is there too little left to be anything? */
function isChunk(file: Uint8Array, view: DataView, at: number): boolean {
  if (at + 8 > file.length) return at + 1 >= file.length;
  for (let i = at; i < at + 4; i++) if ((file[i] as number) < 0x20 || (file[i] as number) > 0x7e) return false;
  return at + 8 + view.getUint32(at + 4, true) <= file.length;
}

function says(file: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < 4; i++) if (file[at + i] !== name.charCodeAt(i)) return false;
  return true;
}

function even(file: Uint8Array, from: number, to: number): Uint8Array {
  return file.subarray(from, to - ((to - from) & 1));
}
