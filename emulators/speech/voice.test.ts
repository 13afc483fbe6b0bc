import { describe, expect, test } from "vitest";
import { encodeMp3 } from "./mp3.ts";
import { mp4OfMp3 } from "./mp4.ts";
import { openSpeechWatch, openVad, VAD_FRAME } from "./vad.ts";
import { speak, VOICE_RATE, voices } from "./voice.ts";

const loudness = (sound: Int16Array): number => Math.sqrt(sound.reduce((sum, sample) => sum + sample * sample, 0) / sound.length);

describe("a voice", () => {
  test.each(voices)("%s speaks at a telephone's loudness, in a few seconds", async (voice) => {
    const sound = await speak("Hello, this is the appointment desk.", voice);
    expect(sound.length / VOICE_RATE).toBeGreaterThan(1.5);
    expect(sound.length / VOICE_RATE).toBeLessThan(4);
    expect(loudness(sound)).toBeGreaterThan(1_800);
    expect(loudness(sound)).toBeLessThan(4_500);
  });

  test("says the same text as the same sound, and each listener may change their own", async () => {
    const [one, other] = await Promise.all([speak("Half past three.", "awb"), speak("Half  past\nthree.", "awb")]);
    expect(one).toEqual(other);
    one.fill(0);
    expect(await speak("Half past three.", "awb")).toEqual(other);
  });

  test("says nothing for a text without words", async () => {
    expect((await speak(" ... ", "slt")).length).toBe(0);
  });

  test("that does not exist is named, with those that do", async () => {
    await expect(speak("Hello", "nobody")).rejects.toThrow(/"nobody".*slt, rms/);
  });
});

describe("voice activity", () => {
  test("hears where speech begins and ends, to within 100 ms, on the clock of the sound", async () => {
    const speech = await speak("Could we make it Friday?", "slt");
    const sound = new Int16Array(16_000 + speech.length + 16_000);
    sound.set(speech, 16_000);
    const watch = openSpeechWatch({ hangoverMs: 300 });
    let endedMs = 0;
    for (let at = 0; at + 160 <= sound.length; at += 160) {
      const before = watch.speaking;
      watch.push(sound.subarray(at, at + 160));
      if (before && !watch.speaking) endedMs = watch.heardMs;
    }
    const speechMs = (speech.length / VOICE_RATE) * 1_000;
    expect(watch.beganMs).toBeGreaterThan(1_000 - 20);
    expect(watch.beganMs).toBeLessThan(1_000 + 300); // the synthesiser leaves up to 250 ms before the first sound
    expect(endedMs).toBeGreaterThan(1_000 + speechMs - 300 + 300);
    expect(endedMs).toBeLessThan(1_000 + speechMs + 100 + 300);
    watch.free();
  });

  test("hears nobody in silence, in a click and in faint noise", () => {
    const vad = openVad();
    let seed = 1;
    let voiced = 0;
    for (let i = 0; i < 100; i++) {
      const frame = Int16Array.from({ length: VAD_FRAME }, () => {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        return i < 50 ? 0 : (seed >> 16) % 20;
      });
      if (i === 20) frame[5] = 20_000;
      if (vad.hears(frame)) voiced++;
    }
    expect(voiced).toBeLessThan(5);
    vad.free();
  });
});

describe("an MP3", () => {
  test.each([
    ["mono", 1, 32, 144],
    ["stereo", 2, 64, 288],
  ] as const)("%s at 16 kHz is of one bit rate and as long as the sound", async (_name, channels, kbps, frameBytes) => {
    const sound = await speak("Hello, this is the appointment desk.", "rms");
    const mp3 = Buffer.from(await encodeMp3({ channels: Array.from({ length: channels }, () => sound), rate: 16_000 }));
    expect((kbps * 1_000 * (576 / 16_000)) / 8).toBe(frameBytes);
    let frames = 0;
    for (let at = 0; at < mp3.length; at += frameBytes) {
      expect(mp3.readUInt16BE(at) & 0xfff6).toBe(0xfff2); // MPEG-2 layer III
      frames++;
    }
    // the encoder adds its own delay of at most three frames
    expect(frames * 576 - sound.length).toBeGreaterThanOrEqual(0);
    expect(frames * 576 - sound.length).toBeLessThan(3 * 576);
  });
});

test("an MP4 holds the MP3's frames, and says how many there are and where", async () => {
  const sound = await speak("Hello, this is the appointment desk.", "rms");
  const mp3 = await encodeMp3({ channels: [sound], rate: 16_000 });
  const mp4 = Buffer.from(mp4OfMp3(mp3, { rate: 16_000, channels: 1 }));
  const boxes: [string, number][] = [];
  for (let at = 0; at < mp4.length; at += mp4.readUInt32BE(at)) boxes.push([mp4.toString("latin1", at + 4, at + 8), mp4.readUInt32BE(at)]);
  expect(boxes.map(([name]) => name)).toEqual(["ftyp", "moov", "mdat"]);
  expect(boxes[2]?.[1]).toBe(8 + mp3.length);
  const stsz = mp4.indexOf("stsz");
  expect([mp4.readUInt32BE(stsz + 8), mp4.readUInt32BE(stsz + 12)]).toEqual([144, mp3.length / 144]);
  expect(mp4.subarray(mp4.readUInt32BE(mp4.indexOf("stco") + 12)).equals(mp3)).toBe(true);
  expect(() => mp4OfMp3(new Uint8Array(10), { rate: 16_000, channels: 1 })).toThrow(/layer III/);
});
