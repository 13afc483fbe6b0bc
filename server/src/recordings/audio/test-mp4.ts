import { findFirstFrame, readFrameHeader } from "./mp3-frame.ts";

const u32 = (...values: number[]): Buffer => {
  const out = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) out.writeUInt32BE(value >>> 0, i * 4);
  return out;
};
const u16 = (...values: number[]): Buffer => {
  const out = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) out.writeUInt16BE(value, i * 2);
  return out;
};
const box = (name: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), Buffer.from(name, "latin1"), body]);
};

/**
 * An MP3 put into an MP4 as vendors do, in chunks of ten frames with a gap between them. `coding`: the object type it claims (0x6b: MP3, 0x40: AAC,
 * which makes it one that is not decoded). `moovLast`: the table of contents stands behind the sound.
 */
export function mp4Of(mp3: Buffer, { coding = 0x6b, moovLast = false, gap = 7 } = {}): Buffer {
  const frames: Buffer[] = [];
  let at = findFirstFrame(mp3)?.at ?? 0;
  let [rateHz, channels, samples] = [16_000, 2, 0];
  for (let header = readFrameHeader(mp3, at); header && at + header.bytes <= mp3.length; header = readFrameHeader(mp3, at)) {
    frames.push(mp3.subarray(at, at + header.bytes));
    at += header.bytes;
    [rateHz, channels] = [header.rateHz, header.channels];
    samples += header.samples;
  }
  const chunks = Array.from({ length: Math.ceil(frames.length / 10) }, (_, i) => frames.slice(i * 10, i * 10 + 10));
  const data = Buffer.concat(chunks.flatMap((chunk) => [...chunk, Buffer.alloc(gap, 0x55)]));
  const starts = (from: number): number[] => {
    let next = from;
    return chunks.map((chunk) => {
      const here = next;
      next += chunk.reduce((sum, { length }) => sum + length, 0) + gap;
      return here;
    });
  };
  const decoder = Buffer.concat([Buffer.from([coding, 0x15, 0, 0, 0]), u32(64_000, 64_000)]);
  const inner = Buffer.concat([Buffer.from([0, 1, 0]), Buffer.from([4, decoder.length]), decoder, Buffer.from([6, 1, 2])]);
  const esds = box("esds", u32(0), Buffer.from([3, 0x80, 0x80, inner.length]), inner);
  const moov = (from: number) =>
    box(
      "moov",
      box("mvhd", u32(0, 0, 0, rateHz, samples)),
      box(
        "trak",
        box(
          "mdia",
          box("mdhd", u32(0, 0, 0, rateHz, samples), u16(0x55c4, 0)),
          box("hdlr", u32(0, 0), Buffer.from("soun"), u32(0, 0, 0), Buffer.from("\0")),
          box(
            "minf",
            box(
              "stbl",
              box("stsd", u32(0, 1), box("mp4a", u16(0, 0, 0, 1), u32(0, 0), u16(channels, 16, 0, 0), u32(rateHz * 0x10000), esds)),
              box(
                "stsc",
                u32(0, chunks.length === 1 ? 1 : 2, 1, 10, 1),
                ...(chunks.length === 1 ? [] : [u32(chunks.length, chunks.at(-1)?.length ?? 0, 1)]),
              ),
              box("stsz", u32(0, 0, frames.length, ...frames.map(({ length }) => length))),
              box("stco", u32(0, chunks.length, ...starts(from))),
            ),
          ),
        ),
      ),
    );
  const ftyp = box("ftyp", Buffer.from("isom"), u32(0x200), Buffer.from("isom"));
  const mdat = box("mdat", data);
  return moovLast
    ? Buffer.concat([ftyp, mdat, moov(ftyp.length + 8)])
    : Buffer.concat([ftyp, moov(ftyp.length + moov(0).length + 8), mdat]);
}
