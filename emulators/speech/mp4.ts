/**
 * Puts an MP3 of constant frames into an MP4 (ISO 14496-12, MP3 as `mp4a` with object type 0x6B), which players and ffmpeg read as any
 * audio file of that kind.
 *
 * @param mp3 whole frames of one size and bit rate, as `encodeMp3` makes them
 * @param sound rate in Hz, channels
 */
export function mp4OfMp3(mp3: Uint8Array, { rate, channels }: { readonly rate: number; readonly channels: 1 | 2 }): Uint8Array {
  const frame = frameOf(mp3);
  const frames = Math.floor(mp3.length / frame.bytes);
  const data = Buffer.from(mp3.subarray(0, frames * frame.bytes));
  const duration = frames * frame.samples;
  const moov = (at: number): Buffer =>
    box("moov", [
      full("mvhd", 0, [u32(0, 0, rate, duration, 0x10000), u16(0x100, 0), u32(0, 0), MATRIX, u32(0, 0, 0, 0, 0, 0, 2)]),
      box("trak", [
        full("tkhd", 3, [u32(0, 0, 1, 0, duration, 0, 0), u16(0, 0, 0x100, 0), MATRIX, u32(0, 0)]),
        box("mdia", [
          full("mdhd", 0, [u32(0, 0, rate, duration), u16(0x55c4, 0)]),
          full("hdlr", 0, [u32(0), text("soun"), u32(0, 0, 0), text("SoundHandler\0")]),
          box("minf", [
            full("smhd", 0, [u16(0, 0)]),
            box("dinf", [full("dref", 0, [u32(1), full("url ", 1, [])])]),
            box("stbl", [
              full("stsd", 0, [
                u32(1),
                box("mp4a", [u16(0, 0, 0, 1), u32(0, 0), u16(channels, 16, 0, 0), u32(rate * 0x10000), esds(frame.kbps * 1_000)]),
              ]),
              full("stts", 0, [u32(1, frames, frame.samples)]),
              full("stsc", 0, [u32(1, 1, frames, 1)]),
              full("stsz", 0, [u32(frame.bytes, frames)]),
              full("stco", 0, [u32(1, at)]),
            ]),
          ]),
        ]),
      ]),
    ]);
  const ftyp = box("ftyp", [text("isom"), u32(0x200), text("isomiso2mp41")]);
  const head = ftyp.length + moov(0).length;
  return Buffer.concat([ftyp, moov(head + 8), box("mdat", [data])]);
}

const MPEG1_KBPS = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const MPEG2_KBPS = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES = [44_100, 48_000, 32_000];

/** What the header of the first frame says (layer III). */
function frameOf(mp3: Uint8Array): { readonly bytes: number; readonly samples: number; readonly kbps: number } {
  const [first = 0, second = 0, third = 0] = mp3;
  if (first !== 0xff || (second & 0xe6) !== 0xe2) throw new Error("This does not begin with a frame of MPEG layer III.");
  const version = (second >> 3) & 3; // 3 is MPEG-1, 2 MPEG-2, 0 MPEG-2.5
  const kbps = (version === 3 ? MPEG1_KBPS : MPEG2_KBPS)[third >> 4] ?? 0;
  const rate = (RATES[(third >> 2) & 3] ?? 0) / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const samples = version === 3 ? 1_152 : 576;
  return { bytes: Math.floor((samples * kbps * 125) / rate) + ((third >> 1) & 1), samples, kbps };
}

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

function esds(bitRate: number): Buffer {
  const config = Buffer.concat([Buffer.from([0x6b, 0x15, 0, 0, 0]), u32(bitRate, bitRate)]);
  const decoder = Buffer.concat([Buffer.from([0x04, config.length]), config]);
  const layer = Buffer.from([0x06, 1, 2]);
  const inner = Buffer.concat([Buffer.from([0, 1, 0]), decoder, layer]);
  return full("esds", 0, [Buffer.concat([Buffer.from([0x03, inner.length]), inner])]);
}

function box(name: string, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), text(name), body]);
}

/** A box with a version of 0 and flags. */
function full(name: string, flags: number, parts: readonly Buffer[]): Buffer {
  return box(name, [u32(flags), ...parts]);
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
}

function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2);
  return bytes;
}

function text(letters: string): Buffer {
  return Buffer.from(letters, "latin1");
}
