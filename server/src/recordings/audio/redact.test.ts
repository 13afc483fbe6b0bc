import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decode } from "./decode.ts";
import { redact, toned } from "./redact.ts";
import { conversation, mp3Of, streamed, tone, wavOf } from "./test-sounds.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-redact-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function soundOf(format: "mp3" | "wav", file: Buffer): Promise<number[][]> {
  const channels: number[][] = [];
  for await (const sound of decode(format, streamed(file))) {
    for (const [side, channel] of sound.channels.entries()) {
      channels[side] ??= [];
      for (const sample of channel) channels[side].push(sample);
    }
  }
  return channels;
}
const energy = (samples: number[], fromMs: number, toMs: number) =>
  samples.slice(fromMs * 16, toMs * 16).reduce((sum, sample) => sum + sample * sample, 0) / ((toMs - fromMs) * 16);

/** Takes the 1 kHz that fits best out of the samples. */
function withoutTone(samples: number[]): number[] {
  const turn = (i: number) => (2 * Math.PI * 1000 * i) / 16_000;
  const [sine, cosine] = [Math.sin, Math.cos].map(
    (wave) => (2 / samples.length) * samples.reduce((sum, sample, i) => sum + sample * wave(turn(i)), 0),
  ) as [number, number];
  return samples.map((sample, i) => sample - sine * Math.sin(turn(i)) - cosine * Math.cos(turn(i)));
}

describe("a redacted recording", () => {
  it("has a tone on that side there, and is otherwise the same in length and sound", async () => {
    const talk = conversation(8, 4);
    const [original, path] = [join(folder, "a.mp3"), join(folder, "b.mp3")];
    await writeFile(original, await mp3Of(talk));
    const made = await redact({ path: original, format: "mp3" }, [{ fromMs: 2000, toMs: 3500, side: "caller" }], path);
    const file = await readFile(path);
    expect(made).toMatchObject({ format: "mp3", sizeBytes: file.length });
    const [before, after] = [await soundOf("mp3", await mp3Of(talk)), await soundOf("mp3", file)] as [number[][], number[][]];
    expect(after[0]).toHaveLength(128_000);
    expect(Math.abs(energy(after[0] as number[], 2050, 3450) / (0.05 ** 2 / 2) - 1)).toBeLessThan(0.15);
    // nothing of what was said is left under the tone: what does not go with 1 kHz is the coder's own noise, 40 dB below soft speech
    expect(energy(withoutTone((after[0] as number[]).slice(2100 * 16, 3400 * 16)), 0, 1300)).toBeLessThan(1e-7);
    expect(Math.abs(energy(after[1] as number[], 0, 8000) / energy(before[1] as number[], 0, 8000) - 1)).toBeLessThan(0.15);
  });

  it("stays a wav where no mp3 can be made", async () => {
    const [original, path] = [join(folder, "c.wav"), join(folder, "d.wav")];
    await writeFile(original, wavOf([tone(2, 300, 0.5, 44_100)], 44_100));
    expect((await redact({ path: original, format: "wav" }, [{ fromMs: 0, toMs: 500, side: "agent" }], path)).format).toBe("wav");
    const [samples] = (await soundOf("wav", await readFile(path))) as [number[]];
    expect(samples).toHaveLength(88_200);
    expect(Math.max(...samples.slice(0, 20_000))).toBeLessThan(0.06);
    expect(Math.max(...samples.slice(40_000))).toBeGreaterThan(0.45);
  });

  it("is the same however the blocks fall", () => {
    const sound = tone(1, 300, 0.5);
    const stretch = [{ fromMs: 300, toMs: 600, side: "both" as const }];
    const whole = toned({ rateHz: 16_000, channels: [sound] }, 0, stretch).channels[0] as Float32Array;
    const pieces = [0, 3333, 9999].flatMap((at, i, all) =>
      Array.from(toned({ rateHz: 16_000, channels: [sound.slice(at, all[i + 1])] }, at, stretch).channels[0] as Float32Array),
    );
    expect(Float32Array.from(pieces)).toEqual(whole);
    expect(whole[0]).toBe(sound[0]);
  });
});
