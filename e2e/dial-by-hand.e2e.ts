import { type EndReason, endReasons } from "@earshot/contract/status";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { people } from "../emulators/people/people.ts";
import { openBrowser, openPage } from "./browser.ts";
import { type House, openHouse } from "./house.ts";

/** The people of the emulated network, dialled by hand in the dashboard. What becomes of each of them is numbers.e2e.ts. */
let house: House;
let browser: Browser;
let page: Page;
let wrong: string[];

/** Of every kind: who is not to be had, whom the network does not connect, and a talk with a fault of the network's in it. */
const kinds: readonly (readonly [string, EndReason])[] = [
  ["+12025550103", "busy"],
  ["+12025550110", "declined"],
  ["+12025550111", "invalid_number"],
  ["+12025550112", "restricted"],
  ["+12025550114", "unreachable"],
  ["+12025550115", "carrier_failed"],
  ["+12025550116", "no_answer"],
  ["+12025550118", "caller_hung_up"],
  ["+12025550131", "caller_hung_up"],
];
/** Who has every event told twice is in a hurry, so that this is quick. */
const hurried = people
  .filter(({ number }) => number === "+12025550131")
  .map((person) => ({ ...person, script: [{ after: { ms: 1_000 }, hangUp: true }] }));

/** As the dashboard writes them: all are numbers of the North American plan. */
const shown = (number: string): string => number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1 $2 $3");

beforeAll(async () => {
  [house, browser] = await Promise.all([openHouse({ people: { people: hurried } }), openBrowser()]);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  ({ page, wrong } = await openPage(context, new URL(house.server.url).origin));
  await page.goto(house.server.url);
  await page.getByLabel("E-mail").fill(house.admin.email);
  await page.getByLabel("Password").fill(house.admin.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Calls" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await house?.close();
});

async function openSheet(): Promise<{ sheet: Locator; field: Locator }> {
  await page.goto(house.server.url);
  await page.getByRole("button", { name: "Place a call" }).first().click();
  const sheet = page.getByRole("dialog");
  await sheet.getByRole("radio").first().waitFor();
  return { sheet, field: sheet.getByLabel("Number", { exact: true }) };
}

test("everybody of the network's table is offered with what they do, and chosen by one press", async () => {
  const { sheet, field } = await openSheet();
  const rows = sheet.getByRole("group").filter({ hasText: "someone emulated" }).locator("label");
  const offered = (await rows.allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  expect(offered).toHaveLength(people.length);
  for (const [nth, { number, habit }] of people.entries()) {
    expect(offered[nth]).toContain(shown(number));
    // The beginning of the habit is the person's name.
    for (const part of habit.split(": ")) expect(offered[nth]?.toLowerCase()).toContain(part.replace(/\.$/, "").toLowerCase());
    await rows.nth(nth).click();
    await expect.poll(() => field.inputValue()).toBe(shown(number));
    await expect.poll(() => rows.nth(nth).getByRole("radio").isChecked()).toBe(true);
  }
});

test.each(kinds)("%s is chosen and called: the page says how it ended (%s)", async (number, ends) => {
  const { sheet } = await openSheet();
  await sheet
    .locator("label")
    .filter({ hasText: shown(number) })
    .click();
  await sheet.getByRole("button", { name: "Call", exact: true }).click();
  await page.waitForURL(/\/calls\/[0-9a-f-]{36}/);
  // Until then the list may still stand there, and it says of other calls how they ended.
  await page.getByRole("heading", { name: shown(number), exact: true }).waitFor();
  await page.getByRole("main").getByText(endReasons[ends].said, { exact: true }).first().waitFor();
  const call = await house.api<{ to: string; status: string; end_reason: string }>(
    `/api/calls/${new URL(page.url()).pathname.split("/").at(-1)}`,
  );
  expect(call).toMatchObject({ to: number, status: "ended", end_reason: ends });
});

test("all of it happened without an error on the console and without asking any other host", () => {
  expect(wrong).toEqual([]);
});
