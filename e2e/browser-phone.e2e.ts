import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call, CallEvent, Utterance } from "@earshot/contract/call";
import type { Page } from "playwright-core";
import { describe, test } from "vitest";
import { speak, VOICE_RATE } from "../emulators/speech/voice.ts";
import { writeWav } from "../emulators/speech/wav.ts";
import { openBrowser, PATIENCE_MS } from "./browser.ts";
import { type House, openHouse, ourNumber, until } from "./house.ts";
import { ended, events, type Page as List, place, playback, recorded, recordings, utterances } from "./shapes.ts";
import { bestLag, decodeMp3, envelope, fromPcm16, keyFrequencies, rms, whenTones } from "./sound.ts";

/**
 * Somebody with a browser only, at the phone page of the emulated network: their microphone is a file that Chromium plays once, from the moment
 * the page opens it. Nothing else is arranged: the agent's words reach the page as sound, and theirs reach the agent so.
 */

const theirNumber = "+12025550199";
const voice = "awb";
/** Said after the agent's greeting has passed; the answer to it is a long one. */
const asks = { text: "Hi. Tell me everything you can do for me.", atMs: 9_000 };
/** Said in the middle of that answer. */
const cutsIn = { text: "Sorry, stop. I only want to know what it costs.", atMs: 19_000 };

/** Pressed before hanging up. */
const key = "5";
/** From its tone in the network to our word of it: a busy machine takes more than a second to carry one to the other. */
const KEY_WITHIN_MS = 2_500;

/** What the microphone hears from when it is opened: silence, and the two sentences at their times. */
async function microphone(folder: string): Promise<string> {
  const lines = await Promise.all(
    [asks, cutsIn].map(async ({ text, atMs }) => ({ at: (atMs * VOICE_RATE) / 1_000, sound: await speak(text, voice) })),
  );
  const all = new Int16Array(VOICE_RATE * 90);
  for (const { at, sound } of lines) all.set(sound, at);
  const file = join(folder, "microphone.wav");
  writeFileSync(file, writeWav(all, VOICE_RATE));
  return file;
}

interface Phone {
  readonly page: Page;
  /** The page's meter of what it plays (0..1), read each 20 ms: it measures on the way to the loudspeaker. */
  heard(): Promise<number[]>;
  close(): Promise<void>;
}

/** The phone page in a Chromium of its own, with its ears open. */
async function openPhone(house: House): Promise<Phone> {
  const folder = mkdtempSync(join(tmpdir(), "earshot-microphone-"));
  const browser = await openBrowser(
    ...["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
    `--use-file-for-fake-audio-capture=${await microphone(folder)}%noloop`,
  );
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.addInitScript(() => {
    const heard: number[] = [];
    Object.assign(globalThis, { heard });
    setInterval(() => {
      const meter = document.getElementById("theirs");
      if (meter instanceof HTMLMeterElement) heard.push(meter.value);
    }, 20);
  });
  await page.goto(new URL("/phone", house.phone.url).href);
  await page.getByRole("status").filter({ hasText: "Ready" }).waitFor();
  return {
    page,
    heard: () => page.evaluate(() => (globalThis as unknown as { heard: number[] }).heard),
    close: async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const state = (phone: Phone, says: string) => phone.page.getByRole("status").filter({ hasText: says }).waitFor();
const press = (phone: Phone, name: string) => phone.page.getByRole("button", { name, exact: true }).click();

const words = async (house: House, id: string, speaker: Utterance["speaker"]): Promise<Utterance[]> =>
  (await utterances(house, id)).filter((utterance) => utterance.speaker === speaker);

describe.concurrent("somebody with a browser only", () => {
  test.for(["calls in", "is called"] as const)(
    "%s, hears the agent, is understood, cuts in, presses a key and hangs up; the recordings hold both",
    async (way, { expect, onTestFinished }) => {
      const house = await openHouse();
      onTestFinished(() => house.close());
      const phone = await openPhone(house);
      onTestFinished(() => phone.close());

      let id: string;
      if (way === "is called") {
        id = await place(house, theirNumber);
        await state(phone, "Ringing");
        await press(phone, "Answer");
      } else {
        await press(phone, "Call");
        const call = await until("the call appears", async () => (await house.api<List<Call>>("/api/calls?direction=inbound")).items[0]);
        expect(call).toMatchObject({ from: theirNumber, to: ourNumber });
        id = call.id;
      }
      await state(phone, "Talking");

      // The agent greets, and its voice reaches the page.
      await until("the agent is heard in the browser", async () => (await phone.heard()).filter((loudness) => loudness > 0.05).length > 50);
      // What the person says is understood by its sound alone, and the answer is cut when they speak again.
      const understood = (text: string) =>
        until(
          `"${text}" is understood`,
          async () => (await words(house, id, "caller")).find((utterance) => utterance.text === text),
          undefined,
          () => Promise.all([utterances(house, id), events(house, id)]),
        );
      const question = await understood(asks.text);
      const interruption = await understood(cutsIn.text);
      // On a slow machine the question comes into the greeting, and cuts that: it is the answer to it that counts.
      const cut = await until("the agent was cut off in its answer", async () =>
        (await words(house, id, "agent")).find((utterance) => utterance.cut && utterance.started_ms > question.ended_ms - 500),
      );
      expect(cut.heard_ms as number).toBeLessThanOrEqual(cut.ended_ms - cut.started_ms + 1);
      const cutIn = (event: CallEvent) =>
        event.kind === "caller.cut_in" && Math.abs((event.call_ms as number) - interruption.started_ms) < 1_500;
      const dropped = await until(
        "that they cut in is told",
        async () => (await events(house, id)).find(cutIn),
        undefined,
        () => events(house, id),
      );
      expect(dropped.detail.dropped_ms as number).toBeGreaterThan(0);
      await until("the agent answers what was asked instead", async () =>
        (await words(house, id, "agent")).some(
          ({ text, started_ms }) => started_ms > interruption.started_ms && /free of charge|dollars/.test(text),
        ),
      );

      // A key of the page's keypad is a word of its own, beside the sound.
      await press(phone, key);
      const pressed = await until("the key arrives", async () =>
        (await events(house, id)).find(({ kind, detail }) => kind === "caller.key_pressed" && detail.digit === key),
      );

      await press(phone, "Hang up");
      await state(phone, "Ready");
      const call = await ended(house, id);
      expect(call.end_reason).toBe("caller_hung_up");

      // Both recordings are what was said into this phone, and what it heard: sample by sample in the network, and at the times of the words.
      const phoneSound = await until("the phone's sound is written down", async () => dumped(house));
      await recorded(house, id, "carrier");
      for (const source of ["carrier", "journal"] as const) {
        const { offset_ms } = await until(`the recording of the ${source} is whole`, async () =>
          (await recordings(house, id)).find((one) => one.source === source && one.status === "verified"),
        );
        const sound = await decodeMp3(await playback(house, id, `?source=${source}`));
        const [left, right] = sound.channels as [Float32Array, Float32Array];
        // What came before the key's tone, counted back from it: the tone is louder than all speech and would be all that counts, and how long
        // after the answer a recording began is a matter of the machine's pace.
        const keyIn = (samples: Float32Array, rate: number) => whenTones({ samples, rate }, keyFrequencies(key)) as number;
        const [tone, said] = [keyIn(left, sound.rate), keyIn(phoneSound.said, VOICE_RATE)];
        expect(Math.abs(tone - ((pressed.call_ms as number) - (offset_ms as number)))).toBeLessThan(KEY_WITHIN_MS);
        const both = Math.min(tone, said) - 100;
        const before = (samples: Float32Array, rate: number, ms: number) =>
          envelope(samples.subarray(Math.round(((ms - 100 - both) * rate) / 1_000), Math.round(((ms - 100) * rate) / 1_000)), rate);
        const agrees = (channel: Float32Array, wanted: Float32Array) =>
          bestLag(before(channel, sound.rate, tone), before(wanted, VOICE_RATE, said), 50).agreement;
        // Ours knows when it sent the agent's words, not when the network played them: a busy machine moves them. Other speech agrees under 0.4.
        const least = source === "carrier" ? 0.9 : 0.6;
        expect(agrees(left, phoneSound.said)).toBeGreaterThan(least);
        expect(agrees(right, phoneSound.heard)).toBeGreaterThan(least);
        const sample = (ms: number) => Math.max(0, Math.round(((ms - (offset_ms as number)) * sound.rate) / 1_000));
        for (const { started_ms, ended_ms } of [question, interruption])
          expect(rms(left.subarray(sample(started_ms), sample(ended_ms)))).toBeGreaterThan(0.01);
      }
    },
  );
});

/** What the one phone of the house said and heard, 16 kHz from its answer on; null until it is written down. */
function dumped(house: House): { said: Float32Array; heard: Float32Array } | null {
  const folder = join(house.dir, "dump-phone");
  const names = readdirSync(folder);
  const said = names.find((name) => name.endsWith(".said.wav") && names.includes(name.replace(".said.wav", ".json")));
  if (said === undefined) return null;
  const wav = (name: string) => fromPcm16(readFileSync(join(folder, name)).subarray(44));
  return { said: wav(said), heard: wav(said.replace(".said.", ".heard.")) };
}
