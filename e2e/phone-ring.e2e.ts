import type { Call } from "@earshot/contract/call";
import type { CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "./browser.ts";
import { type House, openHouse } from "./house.ts";
import { place } from "./shapes.ts";

/**
 * The phone page of the emulated network when somebody calls it, in a Chromium that lets a page sound only after a press, as people's do. What
 * leaves for the loudspeaker is measured where it does: at every node that is joined to a context's destination.
 */
const theirNumber = "+12025550199";
let house: House;
let page: Page;
/** Looks at the page without touching it: what Playwright evaluates counts as a press of the person. */
let eyes: CDPSession;
let close: () => Promise<void>;

beforeAll(async () => {
  const browser = await openBrowser(
    "--autoplay-policy=document-user-activation-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
  );
  house = await openHouse();
  close = async () => {
    await browser.close();
    await house.close();
  };
  page = await browser.newPage();
  await page.addInitScript(() => {
    const taps: AnalyserNode[] = [];
    Object.assign(globalThis, { taps });
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (this: AudioNode, ...joined: unknown[]) {
      if (joined[0] instanceof AudioDestinationNode) {
        const tap = new AnalyserNode(this.context, { fftSize: 8_192 });
        Reflect.apply(connect, this, [tap]);
        taps.push(tap);
      }
      return Reflect.apply(connect, this, joined);
    } as typeof connect;
  });
  eyes = await page.context().newCDPSession(page);
  await page.goto(new URL("/phone", house.phone.url).href);
});
afterAll(() => close?.());

const state = (says: string) => page.getByRole("status").filter({ hasText: says }).waitFor({ timeout: 60_000 });
const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
const calls = async (id: string) => (await house.api<Call>(`/api/calls/${id}`)).status;

/** How loud the page is at this moment (root mean square), and at which frequency most: of the contexts that run. */
const heard = () =>
  page.evaluate(() => {
    let [loud, hz] = [0, 0];
    for (const tap of (globalThis as unknown as { taps: AnalyserNode[] }).taps) {
      if (tap.context.state !== "running") continue;
      const samples = new Float32Array(tap.fftSize);
      tap.getFloatTimeDomainData(samples);
      loud = Math.max(loud, Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
      const bins = new Float32Array(tap.frequencyBinCount);
      tap.getFloatFrequencyData(bins);
      hz = (bins.indexOf(Math.max(...bins)) * tap.context.sampleRate) / tap.fftSize;
    }
    return { loud, hz };
  });

/** A text of the page, by the id of its element, seen without a touch. */
const seen = async (id: string): Promise<string> =>
  (await eyes.send("Runtime.evaluate", { expression: `document.getElementById("${id}").textContent` })).result.value;

const rings = async () => {
  let now = await heard();
  // four seconds of six are a pause
  await expect
    .poll(
      async () => {
        now = await heard();
        return now.loud;
      },
      { timeout: 30_000, interval: 50 },
    )
    .toBeGreaterThan(0.01);
  expect(now.loud).toBeLessThan(0.1);
  expect(now.hz).toBeGreaterThan(430);
  expect(now.hz).toBeLessThan(490);
};
/** Silence is not the pause between two rings: then the context of the ring runs on. */
const isSilent = () =>
  expect
    .poll(
      () =>
        page.evaluate(() => (globalThis as unknown as { taps: AnalyserNode[] }).taps.every(({ context }) => context.state !== "running")),
      {
        timeout: 30_000,
      },
    )
    .toBe(true);

test("before anything was pressed in its page a called phone rings without sound, says so, and is heard from the first press on", async () => {
  await expect.poll(() => seen("state"), { timeout: 60_000 }).toBe("Ready");
  const id = await place(house, theirNumber);
  await expect.poll(() => seen("state"), { timeout: 60_000 }).toBe("Ringing");
  await expect.poll(() => seen("held"), { timeout: 30_000 }).toBe("Without sound until you press something on this page.");
  const states = await eyes.send("Runtime.evaluate", { expression: "String(taps.map((tap) => tap.context.state))" });
  expect(states.result.value).toBe("suspended");
  await page.getByRole("heading").click();
  await rings();
  await expect.poll(() => seen("held"), { timeout: 30_000 }).toBe("");
  await press("Decline");
  await state("Ready");
  await isSilent();
  await expect.poll(() => calls(id), { timeout: 30_000 }).toBe("ended");
});

test("the next call rings at once, is silent while the switch is off, and stops when the caller gives up", async () => {
  const id = await place(house, theirNumber);
  await state("Ringing");
  await rings();
  expect(await seen("held")).toBe("");
  const aloud = page.getByRole("checkbox", { name: "Ring aloud" });
  await aloud.uncheck();
  await isSilent();
  await page.reload();
  await state("Ringing");
  expect(await aloud.isChecked()).toBe(false);
  await isSilent();
  await aloud.check();
  await rings();
  await house.api(`/api/calls/${id}/hangup`, { method: "POST" });
  await state("Ready");
  await isSilent();
});

test("a call that is answered rings no more, and ends in silence", async () => {
  await place(house, theirNumber);
  await state("Ringing");
  await rings();
  await press("Answer");
  // of the page's contexts the ring's rests while the call's own runs
  await state("Talking");
  const running = () =>
    page.evaluate(() => {
      const { taps } = globalThis as unknown as { taps: AnalyserNode[] };
      return new Set(taps.filter(({ context }) => context.state === "running").map(({ context }) => context)).size;
    });
  await expect.poll(running, { timeout: 30_000 }).toBe(1);
  expect(await page.evaluate(() => (globalThis as unknown as { taps: AnalyserNode[] }).taps[0]?.context.state)).toBe("suspended");
  await press("Hang up");
  await state("Ready");
  await isSilent();
});
