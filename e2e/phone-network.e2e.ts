import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Network } from "../emulators/vonage/network.ts";
import { type App, ask, bridgeNcco, callTo, startApp, startTestNetwork } from "../emulators/vonage/test-app.ts";
import { openBrowser, openPage } from "./browser.ts";
import { freePort } from "./house.ts";

/** The pages of the phone network by itself, with a small application at the other end. Talking on its phone is browser-phone.e2e.ts. */

/** A name that is not the machine's own, as somebody at another one has it. */
const named = "phone.test";
let app: App;
let network: Network;
let browser: Browser;
/** Where the pages are for a browser of this machine. */
let here: string;
let port: number;

const start = () => startTestNetwork(app, { port, publicUrl: `http://${named}:${port}` });

beforeAll(async () => {
  port = await freePort();
  here = `http://127.0.0.1:${port}`;
  app = await startApp((seen, own) => (seen.path === "/answer" ? { body: bridgeNcco(own) } : undefined));
  [network, browser] = await Promise.all([
    start(),
    openBrowser("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--host-resolver-rules=MAP ${named} 127.0.0.1`),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await network?.close();
  await app?.close();
});

async function open(url: string, size: { width: number; height: number }): Promise<{ page: Page; wrong: string[] }> {
  const opened = await openPage(await browser.newContext({ viewport: size }), new URL(url).origin);
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
  await expect.poll(() => ncco.locator("[aria-current=step]").textContent()).toBe("connect");

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
  await call.getByRole("button", { name: "Hang up", disabled: true }).waitFor();

  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(seen).toBe(sizes[where].width);
  expect(wide).toBe(seen);
  expect(wrong).toEqual([]);
});

test("who looks at a call that goes on keeps the keyboard's place and what they have selected", async () => {
  const { page, wrong } = await open(here, sizes["a desk"]);
  const { body: made } = await ask({ ...network, url: here }, "POST", "/v1/calls", callTo("12025550121", app));
  const legs = page.getByRole("list", { name: "Legs" });
  // Until then the call before may stand there.
  await legs.getByText(String(made.uuid)).waitFor();
  await legs.getByText(/frames out/).waitFor();
  const story = page.getByRole("list", { name: "What happened" });
  await story.getByText(/^answered phone$/).click();
  await story.locator("details[open] pre").selectText();
  await page
    .getByRole("navigation", { name: "Calls" })
    .getByRole("button", { name: /to \+12025550121/ })
    .first()
    .focus();
  const seen = () => page.evaluate(() => ({ focused: document.activeElement?.textContent, selected: String(getSelection()) }));
  const before = await seen();
  expect(before.focused).toMatch(/^to \+12025550121answered/);
  expect(before.selected).toContain(`"uuid": "${made.uuid}"`);
  // The page was drawn anew twice meanwhile.
  for (const _ of [1, 2]) {
    const figures = await legs.getByText(/frames out/).textContent();
    await expect.poll(() => legs.getByText(/frames out/).textContent()).not.toBe(figures);
  }
  expect(await seen()).toEqual(before);
  await page.keyboard.press("Enter");
  await expect.poll(() => page.url()).toBe(`${here}/#${made.uuid}`);
  await ask({ ...network, url: here }, "POST", `/emulator/calls/${made.uuid}/hangup`);
  await page.getByRole("button", { name: "Hang up", disabled: true }).waitFor();
  expect(wrong).toEqual([]);
});

test("the inspector says why a request was refused", async () => {
  const { page } = await open(here, sizes["a telephone"]);
  await ask({ ...network, url: here }, "POST", "/v1/calls", callTo("12025550121", app, { recording_format: "mp3" }));
  const refused = page.getByRole("region", { name: "Refused requests" });
  await refused.getByText("400 POST /v1/calls").waitFor();
  await refused.getByText("recording_format: is not a known parameter").waitFor();
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
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await page.getByText(/Without a microphone this phone cannot talk: Browsers lend/).waitFor();
  expect(await page.getByRole("status").textContent()).toBe("Ready");
  expect(wrong).toEqual([]);
});

test("the phone is worked by keyboard alone: who answers stands on what hangs up, and then on what calls", async () => {
  const { page, wrong } = await open(`${here}/phone?number=+12025550199`, sizes["a telephone"]);
  await page.getByRole("status").filter({ hasText: "Ready" }).waitFor();
  const earlier = app.sockets.all.length;
  const { body: made } = await ask({ ...network, url: here }, "POST", "/v1/calls", callTo("12025550199", app));
  await page.getByRole("status").filter({ hasText: "Ringing" }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await page.keyboard.press("Tab");
  await expect.poll(focused).toBe("Answer");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "Talking" }).waitFor();
  await expect.poll(focused).toBe("Hang up");
  // A key goes to whoever is there to hear it.
  const socket = await app.sockets.first(() => true, earlier + 1);
  await socket.messages.first((message) => message.event === "websocket:connected");
  await page.keyboard.press("7");
  expect((await socket.messages.first((message) => message.event === "websocket:dtmf")).digit).toBe("7");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "Ready" }).waitFor();
  await expect.poll(focused).toBe("Call");
  expect((await app.event("completed", (seen) => seen.body.uuid === made.uuid)).body.disconnected_by).toBe("user");
  expect(wrong).toEqual([]);
});

test("a page for a number that is no phone in a browser says which ones are", async () => {
  const { page } = await open(`${here}/phone?number=12025550103`, sizes["a desk"]);
  await page.getByText("Nobody answers +12025550103 in a browser here, only +12025550199.").waitFor();
});

test("the pages say that the network is gone, and go on with the next one", async () => {
  const { page: inspector } = await open(here, sizes["a desk"]);
  const { page: phone } = await open(`${here}/phone`, sizes["a telephone"]);
  await phone.getByRole("status").filter({ hasText: "Ready" }).waitFor();
  await inspector.getByRole("heading", { name: / to \+/ }).waitFor();
  await network.close();
  await inspector.getByText("The network is gone.").waitFor();
  await phone.getByRole("status").filter({ hasText: "The network is gone" }).waitFor();
  network = await start();
  await phone.getByRole("status").filter({ hasText: "Ready" }).waitFor();
  await inspector.getByText("No calls yet.").waitFor();
  await inspector.getByText("The network is gone.").waitFor({ state: "hidden" });
  await expect.poll(() => inspector.locator("#call").textContent()).toBe("");
});
