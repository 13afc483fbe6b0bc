import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeFile, isUnreadable } from "./decode.ts";
import { inspect } from "./inspect.ts";
import { Mp4Unreadable, readMp4 } from "./mp4.ts";
import { formatOf } from "./sound.ts";
import { mp4Of } from "./test-mp4.ts";
import { conversation, mp3Of, randomFrom } from "./test-sounds.ts";

let folder: string;
let mp3: Buffer;
const talk = conversation(4, 9);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-mp4-"));
  mp3 = await mp3Of(talk);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(bytes: Uint8Array) {
  const path = join(folder, "sound.mp4");
  await writeFile(path, bytes);
  return { path, format: "mp4" as const };
}

describe("an MP4 of layer III frames", () => {
  it.each([false, true])("is heard as the frames are, its table of contents behind them: %s", async (moovLast) => {
    const bytes = mp4Of(mp3, { moovLast });
    expect(formatOf(bytes)).toBe("mp4");
    const { facts, levels, peaks } = await inspect(await file(bytes));
    const plain = join(folder, "sound.mp3");
    await writeFile(plain, mp3);
    const bare = await inspect({ path: plain, format: "mp3" });
    expect(facts.channels).toBe(2);
    // The frames' own delay is told by a frame that an MP4 has no use for: 69 ms at most.
    expect(Math.abs(facts.durationMs - bare.facts.durationMs)).toBeLessThanOrEqual(120);
    for (const [side, { talkedMs }] of facts.sides.entries())
      expect(Math.abs(talkedMs - (bare.facts.sides[side]?.talkedMs ?? 0))).toBeLessThanOrEqual(60);
    expect([levels.length, peaks.length > 0]).toEqual([2, true]);
  });

  it("of another coding is told by its container: how long, how many sides, all there", async () => {
    const { facts, peaks } = await inspect(await file(mp4Of(mp3, { coding: 0x40 })));
    expect(facts).toMatchObject({ undecoded: "aac", channels: 2, rateHz: 16_000, sides: [] });
    expect(Math.abs(facts.durationMs - 4000)).toBeLessThanOrEqual(200);
    expect(peaks).toHaveLength(0);
  });

  it("that was cut anywhere, or is none, is to blame itself", async () => {
    const whole = mp4Of(mp3);
    for (const bytes of [
      whole.subarray(0, 3000),
      whole.subarray(0, -20),
      whole.subarray(0, 20),
      Buffer.from("nothing of the kind"),
      Buffer.alloc(0),
    ])
      await expect(readMp4((await file(bytes)).path)).rejects.toBeInstanceOf(Mp4Unreadable);
  });

  it("with any byte of its tables changed is read or refused, never more", async () => {
    const whole = mp4Of(mp3);
    const tables = whole.indexOf("mdat");
    const random = randomFrom(4);
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(whole);
      bytes[Math.floor(random() * tables)] = Math.floor(random() * 256);
      const broken = await readMp4((await file(bytes)).path).catch((error: unknown) => error);
      if (broken instanceof Error) expect(isUnreadable(broken), String(broken.stack)).toBe(true);
    }
  });

  it("is decoded in order over the gaps between its chunks", async () => {
    let samples = 0;
    for await (const { channels } of decodeFile(await file(mp4Of(mp3, { gap: 5000 })))) samples += channels[0]?.length ?? 0;
    expect(samples / 16_000).toBeGreaterThan(3.9);
  });
});
