import type { Leg } from "./leg.ts";
import { RATE, tone } from "./mix.ts";

/** How long a key is held down. */
export const KEY_MS = 120;
/** Between keys that are sent one after the other, and what a `p` among them is. */
const BETWEEN_MS = 80;
const PAUSE_MS = 500;

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1_209, 1_336, 1_477];
const KEYPAD = "123456789*0#";

/** The two tones of a key, as ITU-T Q.23 has them; silence for what is no key. */
export function keyTone(digit: string, ms: number): Int16Array {
  const place = KEYPAD.indexOf(digit);
  if (place < 0) return new Int16Array((RATE * ms) / 1_000);
  const low = tone(ROWS[Math.floor(place / 3)] ?? 0, ms);
  const high = tone(COLUMNS[place % 3] ?? 0, ms);
  return low.map((sample, i) => Math.round((sample + (high[i] ?? 0)) / 2));
}

/** Keys one after the other, as they sound; `p` is a pause. */
export function keysSound(keys: string): Int16Array {
  const parts = [...keys].flatMap((key) => (isPause(key) ? [tone(0, PAUSE_MS)] : [keyTone(key, KEY_MS), tone(0, BETWEEN_MS)]));
  const sound = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    sound.set(part, at);
    at += part.length;
  }
  return sound;
}

/** Sends keys to a leg's party, each in its time: messages in a socket, tones in a phone's ear (a machine at the other end has none). */
export function sendKeys(leg: Leg, keys: string): void {
  if (leg.plan.kind === "phone") void leg.restKeys.play(keysSound(keys));
  let atMs = 0;
  for (const key of keys) {
    if (isPause(key)) {
      atMs += PAUSE_MS;
      continue;
    }
    const press = (): void => leg.media?.key(key, KEY_MS);
    if (atMs === 0) press();
    else leg.after(atMs, press);
    atMs += KEY_MS + BETWEEN_MS;
  }
}

const isPause = (key: string): boolean => /p/i.test(key);
