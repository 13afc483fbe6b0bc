import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openPage } from "./browser.ts";

/** The pages over made-up calls: what no emulated call brings about on its own, and what holds for every page. */
const standIn = join(import.meta.dirname, "../dashboard/dev/serve.ts");
const served: ChildProcess[] = [];
let url: string;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let wrong: string[];
let differing: string;
let agent: string;

const ofApi = async <T>(path: string): Promise<T> => (await (await fetch(`${url}/api/${path}`)).json()) as T;

/** A stand-in of its own; its address. */
async function serve(...options: string[]): Promise<string> {
  const one = spawn(process.execPath, [standIn, "--port", "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  served.push(one);
  const [line] = await once(createInterface({ input: one.stdout }), "line");
  return JSON.parse(String(line)).url;
}

beforeAll(async () => {
  url = await serve();
  type Listed = { items: { id: string; recording: { comparison: { verdict: string } | null } }[] };
  differing = (await ofApi<Listed>("calls")).items.find((call) => call.recording.comparison?.verdict === "differ")?.id as string;
  agent = (await ofApi<{ items: { id: string }[] }>("agents")).items[0]?.id as string;
  browser = await openBrowser();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light" });
  ({ page, wrong } = await openPage(context, url));
});
afterAll(async () => {
  await browser?.close();
  await Promise.all(
    served.map((one) => {
      const ended = once(one, "close");
      one.kill();
      return ended;
    }),
  );
});

test("where the two recordings of a call differ, a press on a moment of it goes there", async () => {
  await page.goto(`${url}/calls/${differing}`);
  await page.getByText("The two differ").waitFor();
  const position = page.getByRole("slider", { name: "Position in the call" });
  await page.getByRole("link", { name: "1:36", exact: true }).click();
  await expect.poll(() => position.getAttribute("aria-valuenow")).toBe("96");
  await page.getByTitle("The carrier's lacks the agent from 0:41 to 1:05.").click();
  await expect.poll(() => position.getAttribute("aria-valuenow")).toBe("41");
});

test("a score for which neither the sound's shape nor the words come says so, and is drawn when they are asked for again", async () => {
  const opened = await openPage(context, url);
  const unanswered = /\/(utterances|recording\/peaks)/;
  await opened.page.route(unanswered, (route) =>
    route.fulfill({
      status: 500,
      contentType: "application/problem+json",
      json: { type: "about:blank", title: "The database was away.", status: 500, code: "DATABASE_AWAY", remedy: "Look again in a minute." },
    }),
  );
  await opened.page.goto(`${url}/calls/${differing}`);
  const score = opened.page.locator("[data-score]");
  await score.getByText("Neither the drawing of the sound nor the words could be fetched.").waitFor({ timeout: 30_000 });
  expect(await score.locator("path.stroke-caller").count()).toBe(0);
  await opened.page.unroute(unanswered);
  await score.getByRole("button", { name: "Draw it again" }).click();
  await score.locator("path.stroke-caller").first().waitFor({ timeout: 30_000 });
  expect(await score.getByText("could be fetched").count()).toBe(0);
  await opened.page.getByText("Nobody rang. I was here all day.").first().waitFor({ timeout: 30_000 });
  expect(opened.wrong).toEqual([]);
  await opened.page.close();
});

test.each([
  { what: "the list of calls", path: () => "/calls" },
  { what: "a call", path: () => `/calls/${differing}` },
  { what: "an agent", path: () => `/agents/${agent}` },
  { what: "the recordings' settings", path: () => "/settings/recordings" },
])("on the page of $what the keyboard comes to nothing that has no name, no ring, or lies under something else", async ({ path }) => {
  await page.goto(url + path());
  await page.getByRole("main").waitFor();
  await expect.poll(() => page.locator("[aria-busy=true], .bone").count()).toBe(0);
  const faults = new Set<string>();
  for (const key of [...Array(90).fill("Tab"), ...Array(60).fill("Shift+Tab")]) {
    await page.keyboard.press(key);
    const fault = await page.evaluate(() => {
      const at = document.activeElement as (HTMLElement & { labels?: NodeListOf<HTMLElement> }) | null;
      if (at === null || at === document.body) return null;
      const name = at.getAttribute("aria-label") || at.innerText || at.labels?.[0]?.innerText || at.title;
      const { left, top, width, height } = at.getBoundingClientRect();
      const over = document.elementFromPoint(left + width / 2, Math.min(innerHeight - 1, top + height / 2));
      const style = getComputedStyle(at);
      const faults = [
        !name && "has no name",
        style.outlineStyle === "none" && style.boxShadow === "none" && "has no ring",
        over !== null && !at.contains(over) && !over.contains(at) && "is covered",
      ].filter(Boolean);
      return faults.length === 0 ? null : `${name ?? at.outerHTML.slice(0, 80)} ${faults.join(", ")}`;
    });
    if (fault !== null) faults.add(fault);
  }
  expect([...faults]).toEqual([]);
});

test("an agent is changed in any part of its form, saved as the next version, and what is wrong is said at its field", async () => {
  await page.goto(`${url}/agents/${agent}`);
  await page.getByText("English. A tag, as en or ur.").waitFor();
  await page.getByLabel("Language", { exact: true }).fill("ur-PK");
  await page.getByText("Urdu (Pakistan).").waitFor();
  await page.getByLabel("Greeting").fill("Hello from the next version.");
  const seconds = page.getByLabel("After, seconds").first();
  await seconds.fill("soon");
  await page.getByRole("button", { name: "Save as version 5" }).click();
  await expect.poll(() => seconds.getAttribute("aria-invalid")).not.toBeNull();
  await seconds.fill("9");
  await page.getByRole("button", { name: "Save as version 5" }).click();
  // The button said so before it was pressed: what is saved makes it offer the one after.
  await page.getByRole("button", { name: "Save as version 6" }).waitFor();
  await page.getByText(/^Version 5/).waitFor();
  await page.reload();
  await page.getByText(/^Version 5/).waitFor();
  expect(await page.getByLabel("Greeting").inputValue()).toBe("Hello from the next version.");
});

test("whoever may only look is told of an empty list, and offered nothing they may not do", async () => {
  const empty = await serve("--story", "empty", "--role", "viewer");
  const opened = await openPage(context, empty);
  await opened.page.goto(`${empty}/calls`);
  await opened.page.getByText("The first appears when somebody calls").waitFor();
  expect(await opened.page.getByRole("link", { name: /place/i }).count()).toBe(0);
  expect(await opened.page.getByRole("button", { name: /place/i }).count()).toBe(0);
  expect(opened.wrong).toEqual([]);
});

test("all of it happened without an error on the console and without asking any other host", () => {
  expect(wrong).toEqual([]);
});
