import { expect, test } from "vitest";
import { babble } from "../../test/carrier-socket.ts";
import { PAUSE_MS, Voice } from "./voice.ts";

const RATE = 16_000;
const FRAME = RATE / 50;

/** What the estimate tells of these samples, each with the ms at which it told it. */
function told(samples: Int16Array): [boolean, number][] {
  const voice = new Voice();
  const signs: [boolean, number][] = [];
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    const frame = samples.slice(at, at + FRAME);
    const sign = voice.hears(new Uint8Array(frame.buffer));
    if (sign !== null) signs.push([sign, (at + FRAME) / (RATE / 1000)]);
  }
  return signs;
}
function sound(...parts: Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
const silence = (ms: number): Int16Array => new Int16Array((RATE * ms) / 1000);
/** Steady noise of a root mean square of about `rms`, the same every time. */
function noise(ms: number, rms: number): Int16Array {
  const pcm = new Int16Array((RATE * ms) / 1000);
  let state = 1;
  for (let i = 0; i < pcm.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    pcm[i] = Math.round((state / 2 ** 31 - 1) * rms * Math.sqrt(3));
  }
  return pcm;
}
const over = (a: Int16Array, b: Int16Array): Int16Array => a.map((sample, i) => sample + (b[i] ?? 0));

test("speech begins within half a second of its beginning, and is over once the caller has paused", () => {
  const [began, ended, ...rest] = told(sound(silence(1_000), babble(1_500), silence(2_000)));
  expect(began?.[0]).toBe(true);
  expect((began?.[1] ?? 0) - 1_000).toBeLessThan(600);
  expect(ended?.[0]).toBe(false);
  expect(Math.abs((ended?.[1] ?? 0) - PAUSE_MS - 2_500)).toBeLessThan(100);
  expect(rest).toEqual([]);
});

test("a pause within a sentence is none", () => {
  expect(told(sound(silence(500), babble(900), silence(500), babble(900), silence(1_500)))).toHaveLength(2);
});

test.each<[string, Int16Array]>([
  ["silence", silence(5_000)],
  ["a quiet line's hiss", noise(5_000, 120)],
  ["clicks and short knocks", sound(...Array.from({ length: 8 }, () => sound(noise(120, 6_000), silence(900))))],
])("%s is no speech", (_, samples) => {
  expect(told(samples)).toEqual([]);
});

test("speech over the steady noise of a street is found, and the street that begins in mid-call is known as noise soon", () => {
  const street = over(sound(silence(4_000), babble(1_500), silence(3_000)), noise(8_500, 500));
  const signs = told(street);
  expect(signs.at(-1)?.[0]).toBe(false);
  expect(signs.some(([on, at]) => on && at > 4_000 && at < 4_700)).toBe(true);
  const begins = told(sound(silence(2_000), noise(12_000, 2_000)));
  expect(begins.map(([on]) => on)).toEqual([true, false]);
  expect(begins[1]?.[1]).toBeLessThan(2_000 + 5_000);
});
