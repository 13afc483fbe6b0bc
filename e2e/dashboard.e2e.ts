import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { openBrowser, openPage } from "./browser.ts";
import { type House, openHouse } from "./house.ts";
import { recorded } from "./shapes.ts";

/** One person's morning, told in order: each test goes on where the last one stopped. */
let house: House;
/** Of the account at the phone network, which only an operator has. */
const apiSecret = "only-for-operators";
let browser: Browser;
let context: BrowserContext;
let page: Page;
let wrong: string[];

const heading = (name: string | RegExp) => page.getByRole("heading", { name });
const callId = (): string => new URL(page.url()).pathname.split("/").at(-1) as string;
/** Once nothing of it is still being read, and its words have the letters they keep: what is measured earlier is another page. */
async function whole(one: Page): Promise<void> {
  await expect.poll(() => one.locator("[aria-busy=true], .bone").count()).toBe(0);
  await one.evaluate(async () => void (await document.fonts.ready));
}

beforeAll(async () => {
  [house, browser] = await Promise.all([openHouse({ people: briefPeople, phoneArgs: ["--api-secret", apiSecret] }), openBrowser()]);
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light" });
  ({ page, wrong } = await openPage(context, new URL(house.server.url).origin));
});
afterAll(async () => {
  await browser?.close();
  await house?.close();
});

test("whoever is not signed in is asked to, and told in plain words when it is wrong", async () => {
  await page.goto(house.server.url);
  await page.getByLabel("E-mail").fill(house.admin.email);
  await page.getByLabel("Password").fill("something else");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").innerText()).not.toMatch(/undefined|Error:/);
  await page.getByLabel("Password").fill(house.admin.password);
  await page.keyboard.press("Enter");
  await heading("Calls").waitFor();
});

test("an empty list says what will be here and how to make it so", async () => {
  await page.getByRole("button", { name: "Place a call" }).first().waitFor();
  await page.getByText("Your calls will be here").waitFor();
  await page.getByText("Place the first one, or call one of your agent's numbers.").waitFor();
});

test("a number that is none is refused at its field, and nobody is called", async () => {
  await page.getByRole("button", { name: "Place a call" }).first().click();
  const sheet = page.getByRole("dialog");
  await sheet.getByLabel("Number", { exact: true }).fill("12");
  await sheet.getByRole("button", { name: "Call", exact: true }).click();
  const field = sheet.getByLabel("Number", { exact: true });
  await expect.poll(() => field.getAttribute("aria-invalid")).toBe("true");
  expect((await house.api<{ items: unknown[] }>("/api/calls")).items).toEqual([]);
});

test("a call to someone emulated is placed, seen as it runs, and grows sentence by sentence", async () => {
  const sheet = page.getByRole("dialog");
  await sheet.getByLabel("Number", { exact: true }).fill(briefNumber);
  await sheet.getByLabel("Customer's name").fill("Küçük Çiçek Apotheke");
  await sheet.getByRole("button", { name: "Call", exact: true }).click();
  await page.waitForURL(/\/calls\/[0-9a-f-]{36}/);
  await heading("Küçük Çiçek Apotheke").waitFor();
  await page.getByRole("button", { name: "Hang up" }).waitFor();
  await page.getByText("How can I help you?").first().waitFor();
  await page.getByText("Half past three would be perfect for me.").first().waitFor();
  await page.getByRole("button", { name: "Hang up" }).waitFor({ state: "detached" });
});

test("when it has ended, the recording is there, verified, and plays from the sentence that is pressed", async () => {
  const { url } = (await recorded(house, callId(), "carrier")).recording;
  await page.getByText("Verified", { exact: true }).first().waitFor();
  // Ours was there first, and what plays breaks off when the carrier's takes its place.
  await expect.poll(() => page.locator("audio").getAttribute("src")).toBe(url);
  await page.getByText("Half past three would be perfect for me.").first().click();
  const playing = () =>
    page.evaluate(() =>
      [...document.querySelectorAll("audio")].map((a) => ({ at: a.currentTime, paused: a.paused, error: a.error?.message ?? null })),
    );
  await expect.poll(async () => (await playing()).some((audio) => !audio.paused && audio.at > 3)).toBe(true);
  await page.keyboard.press("Space");
  await expect.poll(async () => (await playing()).every((audio) => audio.paused)).toBe(true);
  expect((await playing()).every((audio) => audio.error === null)).toBe(true);
});

test("whoever listens and chooses the other recording goes on hearing at the same place of the call", async () => {
  const { items } = await house.api<{ items: { source: string; offset_ms: number | null }[] }>(`/api/calls/${callId()}/recordings`);
  const offsetMs = (wanted: string) => items.find(({ source }) => source === wanted)?.offset_ms ?? 0;
  const audio = page.locator("audio");
  const seen = (name: string) => expect.poll(() => audio.getAttribute(`data-${name}`)).not.toBeNull();
  await page.getByText("Half past three would be perfect for me.").first().click();
  await expect.poll(() => audio.evaluate(({ paused }: HTMLAudioElement) => paused)).toBe(false);
  await audio.evaluate((element: HTMLAudioElement) => {
    const note = (name: string) => element.setAttribute(`data-${name}`, `${element.currentTime * 1000}`);
    document.addEventListener("click", () => note("left"), { once: true, capture: true });
    element.addEventListener("emptied", () => element.addEventListener("playing", () => note("began"), { once: true }), { once: true });
  });
  await page.getByRole("link", { name: "Listen to this one" }).click();
  await seen("left");
  await seen("began");
  const leftMs = Number(await audio.getAttribute("data-left")) + offsetMs("carrier");
  const beganMs = Number(await audio.getAttribute("data-began")) + offsetMs("journal");
  expect(Math.abs(beganMs - leftMs)).toBeLessThan(1000);
  await audio.evaluate((element: HTMLAudioElement) => element.pause());
  await page.getByRole("link", { name: "Listen to this one" }).click();
  await expect.poll(() => audio.getAttribute("src")).not.toMatch(/\?/);
});

test("what was felt stands beside what was said, and everything that happened is told", async () => {
  const text = () => page.getByRole("main").innerText();
  await expect.poll(text).toMatch(/Interest|Joy|Contentment|Calmness/);
  await expect.poll(text).toMatch(/hung up/);
});

test.each([
  { what: "beside what was said", width: 1440, height: 900 },
  { what: "below it on a phone", width: 390, height: 844 },
])("a link to the raw messages of a call opens with them in sight, $what, and a row opens by the keyboard", async (size) => {
  const { width, height } = size;
  const sized = await browser.newContext({ viewport: { width, height }, storageState: await context.storageState() });
  const opened = await openPage(sized, new URL(house.server.url).origin);
  await opened.page.goto(new URL(`/calls/${callId()}?side=webhooks`, house.server.url).href);
  const row = opened.page.locator("summary", { hasText: "POST /v1/calls" });
  await row.waitFor();
  await expect.poll(async () => (await row.boundingBox())?.y ?? height).toBeLessThan(height - 40);
  await row.focus();
  await opened.page.keyboard.press("Enter");
  await opened.page.locator("details[open] pre", { hasText: "answer_url" }).waitFor();
  expect(opened.wrong).toEqual([]);
  await sized.close();
});

test("calling again begins with everything as it was, and closing it leaves the call where it is", async () => {
  const before = page.url();
  await page.getByRole("link", { name: "Call again" }).click();
  const sheet = page.getByRole("dialog");
  expect((await sheet.getByLabel("Number", { exact: true }).inputValue()).replaceAll(" ", "")).toBe(briefNumber);
  expect(await sheet.getByLabel("Customer's name").inputValue()).toBe("Küçük Çiçek Apotheke");
  await sheet.getByRole("button", { name: "Close" }).click();
  await sheet.waitFor({ state: "detached" });
  expect(page.url()).toBe(before);
});

test("from one page to the next the frame stands, and no second one flashes inside it", async () => {
  await page.evaluate(() => {
    const signs = () => document.querySelectorAll('svg > path[d^="M4 13"]').length;
    const seen = { most: signs() };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      seen.most = Math.max(seen.most, signs());
    }).observe(document.body, { childList: true, subtree: true });
  });
  await page.getByRole("link", { name: "Settings" }).click();
  const settings = page.getByRole("navigation", { name: "Settings" });
  for (const name of ["Phone line", "Recordings", "Other systems", "People", "Who did what"]) {
    await settings.getByRole("link", { name }).click();
    await settings.locator("[aria-current=page]", { hasText: name }).waitFor();
  }
  await page.getByLabel("About").waitFor();
  expect(await page.evaluate(() => (window as unknown as { seen: { most: number } }).seen.most)).toBe(1);
});

test("the list shows the call, how it ended and that its recording is safe; a reload keeps the filters", async () => {
  await page.getByRole("link", { name: "Calls" }).first().click();
  await page.getByText("Küçük Çiçek Apotheke").waitFor();
  await page.getByLabel("Search what was said, a name or a number").fill("half past three");
  await page.getByText("Küçük Çiçek Apotheke").waitFor();
  await expect.poll(() => page.url()).toMatch(/half/);
  await page.reload();
  await page.getByText("Küçük Çiçek Apotheke").waitFor();
  expect(await page.getByLabel("Search what was said, a name or a number").inputValue()).toBe("half past three");
  await page.getByLabel("Search what was said, a name or a number").fill("nobody ever said this");
  await page.getByText("Küçük Çiçek Apotheke").waitFor({ state: "detached" });
});

test.each([
  { what: "a phone, dark", width: 390, height: 844, colorScheme: "dark" as const },
  { what: "a tablet", width: 820, height: 1180, colorScheme: "light" as const },
])("on $what nothing is cut off and the player is in reach", async ({ width, height, colorScheme }) => {
  const [call] = (await house.api<{ items: { id: string }[] }>("/api/calls")).items;
  const small = await browser.newContext({ viewport: { width, height }, colorScheme, storageState: await context.storageState() });
  const opened = await openPage(small, new URL(house.server.url).origin);
  await opened.page.goto(new URL(`/calls/${call?.id}`, house.server.url).href);
  await opened.page.getByRole("button", { name: "Play" }).waitFor();
  await whole(opened.page);
  const overflow = await opened.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  expect(opened.wrong).toEqual([]);
  await small.close();
});

test.each([700, 832, 1024, 1200, 1440])("at %i px every word of the list stands in its own column", async (width) => {
  const sized = await browser.newContext({ viewport: { width, height: 700 }, storageState: await context.storageState() });
  const opened = await openPage(sized, new URL(house.server.url).origin);
  await opened.page.goto(new URL("/calls", house.server.url).href);
  await opened.page.getByText("Küçük Çiçek Apotheke").waitFor();
  await whole(opened.page);
  const overlaps = await opened.page.evaluate(() =>
    [...document.querySelectorAll("td, thead th")].flatMap((cell) => {
      const { right } = cell.getBoundingClientRect();
      if (getComputedStyle(cell).overflowX !== "visible") return [];
      const words = [...cell.querySelectorAll("*")].filter((one) => one.childElementCount === 0 && !one.classList.contains("sr-only"));
      return words.filter((one) => one.getBoundingClientRect().right > right + 0.5).map((one) => one.textContent);
    }),
  );
  expect(overlaps).toEqual([]);
  expect(opened.wrong).toEqual([]);
  await sized.close();
});

test("the doctor says of the line what is in order, and sets the application's webhooks with a secret that is right", async () => {
  await page.goto(new URL("/settings/line", house.server.url).href);
  await page.getByRole("button", { name: "Is the line in order?" }).click();
  const lines = page.getByRole("list", { name: "What was found" }).getByRole("listitem");
  const found = (name: string) => lines.filter({ has: page.getByText(name, { exact: true }) });
  await found("signatures").getByText("In order", { exact: true }).waitFor();
  for (const name of ["key", "clock", "public address", "audio address"])
    await found(name).getByText("In order", { exact: true }).waitFor();
  expect(await found("public address").innerText()).toMatch(/asked from the server itself\. Vonage last reached us/);
  await found("application").getByText("Not looked at", { exact: true }).waitFor();
  const secret = page.getByLabel("The account's API secret");
  await secret.fill("a wrong one");
  await page.getByRole("button", { name: "Set the webhooks" }).click();
  await page.getByRole("alert").waitFor();
  await secret.fill(apiSecret);
  await page.getByRole("button", { name: "Set the webhooks" }).click();
  await found("application").getByText("In order", { exact: true }).waitFor();
  await secret.waitFor({ state: "detached" });
});

test("an administrator sets what the carrier takes in a second, and the line shows it", async () => {
  const legs = page.getByLabel("New connections in a second");
  expect(await legs.inputValue()).toBe("3");
  await legs.fill("1");
  await page.getByText("A whole number from 2 to 200.").waitFor();
  await legs.fill("31");
  await page.getByRole("button", { name: "Set the limits" }).click();
  await page.getByText("They are in force.").waitFor();
  await page.reload();
  await page.getByText("at most 16 in").waitFor();
});

test("all of it happened without an error on the console and without asking any other host", () => {
  expect(wrong).toEqual([]);
});

test("signing out closes the door", async () => {
  await page.goto(new URL("/settings", house.server.url).href);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  // The page that is left has fields for a new password.
  await page.getByLabel("Password", { exact: true }).waitFor();
  await page.goto(new URL("/calls", house.server.url).href);
  await page.getByLabel("Password", { exact: true }).waitFor();
});
