import { describe, expect, it } from "vitest";
import { keysSound, keyTone } from "./keys.ts";
import { atLevel, FRAME, mix, tone } from "./mix.ts";
import { Player } from "./player.ts";

const level = (value: number): Int16Array => new Int16Array(FRAME).fill(value);

describe("mixing", () => {
  it("passes one voice on untouched, and silence as silence", () => {
    const one = level(5);
    expect(mix([null, one, null])).toBe(one);
    expect(mix([null, null])).toBeNull();
  });

  it("adds voices and clips what is too loud", () => {
    expect(mix([level(100), level(-30), level(7)])?.[0]).toBe(77);
    expect(mix([level(30_000), level(30_000)])?.[0]).toBe(32_767);
    expect(mix([level(-30_000), level(-30_000)])?.[0]).toBe(-32_768);
  });

  it("leaves the sources as they were", () => {
    const one = level(100);
    mix([one, level(1)]);
    expect(one[0]).toBe(100);
  });

  it.each([
    ["1", 697, 1_209],
    ["6", 770, 1_477],
    ["8", 852, 1_336],
    ["#", 941, 1_477],
  ])("sounds the key %s with its two tones", (key, low, high) => {
    const sound = keyTone(key, 120);
    const loudness = (hz: number): number => {
      let [sine, cosine] = [0, 0];
      for (const [i, sample] of sound.entries()) {
        sine += sample * Math.sin((2 * Math.PI * hz * i) / 16_000);
        cosine += sample * Math.cos((2 * Math.PI * hz * i) / 16_000);
      }
      return (2 * Math.hypot(sine, cosine)) / sound.length;
    };
    for (const hz of [697, 770, 852, 941, 1_209, 1_336, 1_477]) expect(loudness(hz) > 2_500, `${hz} Hz`).toBe(hz === low || hz === high);
  });

  it("sounds keys one after the other, with the pauses asked for", () => {
    expect(keysSound("12").length).toBe(2 * 3_200);
    expect(keysSound("1p2").length).toBe(2 * 3_200 + 8_000);
    expect(keysSound("p").every((sample) => sample === 0)).toBe(true);
  });

  it("makes a tone of the right length and pitch, without a click at its ends", () => {
    const beep = tone(1_000, 500);
    let crossings = 0;
    for (let i = 1; i < beep.length; i++) if ((beep[i - 1] ?? 0) < 0 && (beep[i] ?? 0) >= 0) crossings++;
    expect(beep.length).toBe(8_000);
    expect(Math.abs(crossings - 500)).toBeLessThanOrEqual(1);
    expect(Math.abs(beep[0] ?? 1)).toBe(0);
  });

  it("plays louder and softer, and 0 as it is", () => {
    expect([...atLevel(Int16Array.of(1000, 20_000), 1)]).toEqual([2000, 32_767]);
    expect(atLevel(Int16Array.of(1000), -1)[0]).toBe(50);
    const same = Int16Array.of(3);
    expect(atLevel(same, 0)).toBe(same);
  });
});

describe("a player", () => {
  it("plays sounds one after the other in frames, the last one filled up with silence", async () => {
    const player = new Player();
    const first = player.play(new Int16Array(FRAME + 10).fill(1));
    const second = player.play(new Int16Array(FRAME).fill(2));
    const frames = [player.frame(), player.frame(), player.frame(), player.frame()];
    expect(frames.map((frame) => frame && [frame[0], frame[9], frame[10], frame.length])).toEqual([
      [1, 1, 1, 320],
      [1, 1, 0, 320],
      [2, 2, 2, 320],
      null,
    ]);
    expect(await Promise.all([first, second])).toEqual([true, true]);
  });

  it("repeats as often as asked, and for ever at 0", async () => {
    const player = new Player();
    const twice = player.play(new Int16Array(FRAME).fill(1), 2);
    expect([player.frame()?.[0], player.frame()?.[0], player.frame()]).toEqual([1, 1, null]);
    expect(await twice).toBe(true);
    const forever = player.play(new Int16Array(FRAME).fill(1), 0);
    for (let i = 0; i < 1_000; i++) expect(player.frame()).not.toBeNull();
    player.stop();
    expect(await forever).toBe(false);
  });
});
