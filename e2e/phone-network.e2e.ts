import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Network } from "../emulators/vonage/network.ts";
import { type App, ask, bridgeNcco, callTo, startApp, startTestNetwork } from "../emulators/vonage/test-app.ts";
import { chromiumFlags, openPage } from "./browser.ts";
import { freePort } from "./house.ts";

/** The pages of the phone network by itself, with a small application at the other end. Talking on its phone is browser-phone.e2e.ts. */

/** A name that is not the machine's own, as somebody at another one has it. */
const named = "phone.test";
let app: App;
let network: Network;
let browser: Browser;
/** Where the pages are for a browser of this machine. */
let here: string;

beforeAll(async () => {
  const port = await freePort();
  here = `http://127.0.0.1:${port}`;
  app = await startApp((seen, own) => (seen.path === "/answer" ? { body: bridgeNcco(own) } : undefined));
  [network, browser] = await Promise.all([
    startTestNetwork(app, { port, publicUrl: `http://${named}:${port}` }),
    chromium.launch({ executablePath: "/usr/bin/chromium", args: [...chromiumFlags, `--host-resolver-rules=MAP ${named} 127.0.0.1`] }),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await network?.close();
  await app?.close();
});

async function open(url: string, size: { width: number; height: number }): Promise<{ page: Page; wrong: string[] }> {
  const opened = await openPage(await browser.newContext({ viewport: size }), new URL(url).origin);
  opened.page.setDefaultTimeout(20_000);
  await opened.page.goto(url);
  return opened;
}

const sizes = { "a desk": { width: 1280, height: 900 }, "a telephone": { width: 390, height: 844 } };

test.each(Object.keys(sizes) as (keyof typeof sizes)[])("the inspector shows a call as it goes, on the screen of %s", async (where) => {
  const { page, wrong } = await open(here, sizes[where]);
  await page.getByText("The application is +12025550100.").waitFor();
  const { body: made } = await ask({ ...network, url: here }, "POST", "/v1/calls", callTo("12025550121", app));

  const calls = page.getByRole("navigation", { name: "Calls" });
  await calls
    .getByRole("button", { name: /to \+12025550121.*answered/ })
    .first()
    .waitFor();
  const call = page.getByRole("region", { name: "The call" });
  await call.getByRole("heading", { name: "+12025550100 to +12025550121" }).waitFor();
  const ncco = call.getByRole("list", { name: `NCCO of ${made.uuid}` });
  await ncco.waitFor();
  const legs = call.getByRole("list", { name: "Legs" });
  await legs.getByText(/frames out/).waitFor();
  expect(await legs.getByRole("listitem").count()).toBe(2);
  expect(await ncco.getByRole("listitem").allTextContents()).toEqual(["record", "connect"]);
  await expect.poll(() => ncco.locator("[aria-current=step]").textContent(), { timeout: 20_000 }).toBe("connect");

  // A webhook opens, and stays open when the story goes on.
  const story = call.getByRole("list", { name: "What happened" });
  await story.getByText(/^answered audio socket$/).click();
  const request = story.locator("details[open] pre");
  await request.waitFor();
  expect(await request.textContent()).toMatch(`POST ${app.url}/event?leg=ws\n`);
  await call.getByRole("button", { name: "Hang up" }).click();
  await story.getByText(/^completed phone$/).waitFor();
  await story.getByText(/^recording$/).waitFor();
  expect(await request.isVisible()).toBe(true);
  expect(await call.getByRole("button", { name: "Hang up" }).isDisabled()).toBe(true);

  const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
  expect(scrollWidth).toBe(clientWidth);
  expect(wrong).toEqual([]);
});

test("the inspector lets somebody call in", async () => {
  const { page } = await open(here, sizes["a desk"]);
  await page.getByLabel("Who calls in").selectOption("+12025550121");
  await page.getByRole("button", { name: "Call in" }).click();
  await page.getByRole("heading", { name: "+12025550121 to +12025550100" }).waitFor();
  expect((await app.requests.first((seen) => seen.path === "/answer" && seen.query.from === "12025550121")).query.to).toBe("12025550100");
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.getByRole("button", { name: "Hang up", disabled: true }).waitFor();
});

test("the phone says why it has no microphone on a page that came over plain http from another machine", async () => {
  const { page, wrong } = await open(`${network.url}/phone`, sizes["a telephone"]);
  await page.getByRole("status").filter({ hasText: "Ready" }).waitFor();
  const why = page.getByText(/Browsers lend a microphone only to pages over https/);
  await why.waitFor();
  await page.getByRole("button", { name: "Call" }).click();
  await page.getByText(/Without a microphone this phone cannot talk: Browsers lend/).waitFor();
  expect(await page.getByRole("status").textContent()).toBe("Ready");
  expect(wrong).toEqual([]);
});
