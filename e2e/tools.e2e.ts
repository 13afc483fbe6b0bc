import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Agent } from "@earshot/contract/agent";
import type { Call, Utterance } from "@earshot/contract/call";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openBrowser, openPage } from "./browser.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, place, readCall, utterances } from "./shapes.ts";

/**
 * One phone call with everything in it, the same on every engine: a greeting, an answer the caller breaks into, an order looked up by HTTP, a hand-over
 * to a person who is busy, a goodbye. One that is handed over and stays there. And one in which nobody says a word.
 */

const asker = "+12025550181";
const wantsAPerson = "+12025550182";
const colleague = "+12025550183";
const busy = "+12025550103";
const silent = "+12025550119";
const afterTheAgent = { silenceMs: 900, atMostMs: 12_000 };
const goodbye = "No, thank you. That is all. Goodbye.";

const people = [
  {
    number: asker,
    habit: "Breaks into an answer, asks after an order and for a person, and says goodbye.",
    voice: "awb",
    whenDialled: { answers: { afterMs: 600 } },
    script: [
      { after: afterTheAgent, say: { text: "Hi. Tell me everything you can do for me." } },
      { after: { speechMs: 1_800, atMostMs: 12_000 }, say: { text: "Sorry, stop. I only want to know what it costs." } },
      { after: afterTheAgent, say: { text: "The order number is four seven one one." } },
      { after: { silenceMs: 3_000, atMostMs: 20_000 }, say: { text: "Please connect me to a colleague." } },
      { after: { silenceMs: 5_000, atMostMs: 40_000 }, say: { text: goodbye } },
      // Where it was said to nobody, because the way back took its time.
      { after: { silenceMs: 5_000, atMostMs: 12_000 }, say: { text: goodbye } },
      { after: { ms: 20_000 }, hangUp: true },
    ],
  },
  {
    number: wantsAPerson,
    habit: "Asks for a person and listens.",
    voice: "rms",
    whenDialled: { answers: { afterMs: 600 } },
    script: [
      { after: afterTheAgent, say: { text: "Please connect me to a colleague." } },
      { after: { ms: 60_000 }, hangUp: true },
    ],
  },
  {
    number: colleague,
    habit: "Picks up, says a word and hangs up.",
    voice: "kal",
    whenDialled: { answers: { afterMs: 800 } },
    script: [
      { after: { ms: 300 }, say: { text: "This is the back office." } },
      { after: { ms: 600 }, hangUp: true },
    ],
  },
];

const engines = [
  { name: "EVI", engine: "evi", openai: undefined, expression: false, felt: ["agent", "caller"], currency: "EUR" },
  // It measures no feelings itself: a listener beside it does, of the caller.
  {
    name: "OpenAI Realtime",
    engine: "openai",
    openai: { args: ["--as", "late-deltas"] },
    expression: true,
    felt: ["caller"],
    currency: "USD",
  },
  {
    name: "a self-hosted server",
    engine: "openai",
    openai: { args: ["--as", "local"], dialect: "localai", model: "desk" },
    expression: false,
    felt: [],
    currency: null,
  },
] as const;

/** The shop's order book: slow, as such things are. */
const met: { headers: IncomingHttpHeaders; body: string }[] = [];
const shop = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => {
    met.push({ headers: request.headers, body });
    setTimeout(() => {
      response.writeHead(200, { "content-type": "text/plain" });
      response.end("It left our house yesterday.");
    }, 600);
  });
});
let browser: Browser;
beforeAll(async () => {
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await new Promise<void>((resolve) => shop.close(() => resolve()));
});

describe.concurrent.each(engines)("a call that uses tools, through $name", ({ engine, openai, expression, felt, currency }) => {
  test("has all of it in its rows and on its page", async ({ expect, onTestFinished }) => {
    const house = await openHouse({
      people: { people },
      expression,
      ...(openai && { openai }),
      env: { ENGINE_PRICES: '{"evi":{"currency":"EUR","per_minute":0.06}}' },
    });
    onTestFinished(() => house.close());
    const secret = "shop-s3cret-value";
    const agentWith = (transfer_number: string, patience: object = {}) =>
      house.api<Agent>("/api/agents", {
        method: "POST",
        body: JSON.stringify({
          name: `Desk that hands over to ${transfer_number}`,
          engine,
          prompt: "You are the appointment desk.",
          greeting: "Hello, this is the appointment desk. How can I help you?",
          transfer_number,
          patience,
          tools: [
            { kind: "hang_up" },
            { kind: "transfer", announcement: "A caller who wants this: {{reason}}" },
            {
              kind: "http",
              name: "find_order",
              description: "Looks up an order.",
              parameters: { type: "object", properties: { order_number: { type: "string" } }, required: ["order_number"] },
              url: `http://127.0.0.1:${(shop.address() as AddressInfo).port}/orders`,
              secret_headers: [{ name: "X-Shop-Key", value: secret }],
            },
          ],
        }),
      });
    const [nudge, farewell] = ["Are you still there?", "I cannot hear you, so I will hang up now. Goodbye."];
    const [desk, other, patient] = await Promise.all([
      agentWith(busy),
      agentWith(colleague),
      agentWith(asker, { nudge: { after_s: 3, text: nudge }, goodbye: { after_s: 9, text: farewell } }),
    ]);
    expect(JSON.stringify(desk)).not.toContain(secret);
    const [id, handed, quiet] = await Promise.all([
      place(house, asker, { agent_id: desk.id, customer_name: "Guest" }),
      place(house, wantsAPerson, { agent_id: other.id }),
      place(house, silent, { agent_id: patient.id }),
    ]);
    const [call, transferred, waited] = await Promise.all([id, handed, quiet].map((one) => ended(house, one, 150_000)));

    // ---- the call with everything in it
    expect(call?.end_reason).toBe("agent_hung_up");
    const said = await utterances(house, id);
    const text = (speaker: "caller" | "agent") => said.filter((one) => one.speaker === speaker).map((one) => one.text);
    const whole = text("agent").join(" ");
    expect(text("agent")[0]).toContain("Hello, this is the appointment desk.");
    expect(text("agent").filter((one) => one.includes("Hello, this is the appointment desk."))).toHaveLength(1);
    expect(text("caller").slice(0, 4)).toEqual([
      "Hi. Tell me everything you can do for me.",
      "Sorry, stop. I only want to know what it costs.",
      "The order number is four seven one one.",
      "Please connect me to a colleague.",
    ]);
    expect(text("caller").at(-1)).toBe(goodbye);
    for (const [at, one] of said.entries()) {
      expect(one.started_ms).toBeGreaterThanOrEqual(said[at - 1]?.started_ms ?? 0);
      // Also after the caller was away, and the engine's clock went on without them.
      if (one.speaker === "caller") expect(one.ended_ms - one.started_ms).toBeGreaterThan(500);
    }
    // Broken off in the long answer, and marked where it stopped being heard.
    const cutAt = said.findIndex((one) => one.speaker === "agent" && one.cut && (one.heard_ms ?? 0) > 0);
    const cut = said[cutAt] as Utterance;
    const answer = said[said.findLastIndex((one, at) => at < cutAt && one.speaker === "caller") + 1] as Utterance;
    expect(cut.started_ms + (cut.heard_ms ?? 0) - answer.started_ms).toBeGreaterThan(300);
    expect(whole).toContain("It left our house yesterday.");
    expect(whole).toContain("I cannot reach anybody");
    expect(whole).not.toContain("cut off for a moment");
    expect(said.at(-1)).toMatchObject({ speaker: "agent", text: expect.stringContaining("Goodbye"), cut: false });
    const whoFelt = said.flatMap(({ speaker, emotions }) => (Object.keys(emotions).length > 0 ? [speaker] : []));
    expect([...new Set(whoFelt)].sort()).toEqual(felt);
    // Of nearly every sentence of the caller's: the shortest have none.
    if (felt.length > 0) expect(whoFelt.filter((who) => who === "caller").length).toBeGreaterThanOrEqual(text("caller").length - 1);

    const timeline = await events(house, id);
    const tools = timeline.filter(({ kind }) => kind.startsWith("tool.")).map(({ kind, detail }) => [kind, detail.tool]);
    expect(tools).toEqual([
      ["tool.called", "find_order"],
      ["tool.answered", "find_order"],
      ["tool.called", "transfer"],
      ["tool.answered", "transfer"],
    ]);
    const event = (kind: string, tool: string) => timeline.find((one) => one.kind === kind && one.detail.tool === tool);
    expect(event("tool.called", "find_order")?.detail.arguments).toEqual({ order_number: "four seven one one" });
    expect(event("tool.answered", "find_order")?.detail).toMatchObject({ ok: true, status: 200, result: "It left our house yesterday." });
    expect(event("tool.answered", "transfer")?.detail).toMatchObject({ ok: false, outcome: "busy" });
    expect(timeline.filter(({ kind }) => kind === "caller.cut_in").length).toBeGreaterThanOrEqual(1);
    // The sentence that announces the transfer was heard to its end first.
    const announced = said.find((one) => one.speaker === "agent" && one.text.includes("I am putting you through"));
    expect(announced).toMatchObject({ cut: false });
    const askedAt = timeline.find(({ kind }) => kind === "transfer.asked")?.call_ms as number;
    expect(askedAt).toBeGreaterThanOrEqual((announced?.ended_ms as number) - 150);

    const asked = met.filter(({ headers }) => headers["earshot-call"] === id);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers["x-shop-key"]).toBe(secret);
    expect(JSON.parse(asked[0]?.body ?? "")).toEqual({ order_number: "four seven one one" });
    expect(JSON.stringify(timeline) + house.server.log()).not.toContain(secret);

    const priced = await until("the call's costs are known", async () => {
      const now = await readCall(house, id);
      return now.cost.carrier !== null && now.cost.usage !== null && now;
    });
    expect(Number(priced.cost.carrier?.amount)).toBeGreaterThan(0);
    expect(priced.cost.engine?.currency ?? null).toBe(currency);
    if (currency !== null) expect(Number(priced.cost.engine?.amount)).toBeGreaterThan(0);

    // ---- the call that was handed over
    expect(transferred?.end_reason).toBe("transferred");
    const connected = (await events(house, handed)).find(({ kind }) => kind === "tool.answered");
    expect(connected?.detail).toMatchObject({ tool: "transfer", ok: true, outcome: "connected" });

    // ---- the call in which nobody said a word
    expect(waited?.end_reason).toBe("silence");
    const words = (await utterances(house, quiet)).map(({ text }) => text).join(" ");
    for (const sentence of ["Hello, this is the appointment desk.", nudge, farewell]) expect(words.split(sentence ?? "")).toHaveLength(2);

    await looksRight(house, priced, said, expect);
  });
});

/** What a person finds on the call's page: the words in their order, where they were cut, the feelings, the tools, the cost. */
async function looksRight(house: House, call: Call, said: readonly Utterance[], expect: import("vitest").ExpectStatic): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  try {
    const { page, wrong } = await openPage(context, new URL(house.server.url).origin);
    await page.goto(`${house.server.url}/calls/${call.id}`);
    await page.getByLabel("E-mail").fill(house.admin.email);
    await page.getByLabel("Password").fill(house.admin.password);
    await page.keyboard.press("Enter");
    await page.getByText("It left our house yesterday.").first().waitFor();
    await page.getByText("The agent uses the tool find_order.").first().waitFor();
    await page.getByText("The tool transfer did not work.").first().waitFor();
    await page.getByText(`Carrier ${Number(Number(call.cost.carrier?.amount).toFixed(4))} EUR`).waitFor();
    await page.getByText(call.cost.engine === null ? "Engine not known" : /Engine about [\d.]+ (EUR|USD)/).waitFor();
    const rows = await page
      .locator('li[id^="said-"]')
      .evaluateAll((lines) => lines.map(({ id, textContent }) => ({ id, shown: textContent ?? "" })));
    expect(rows.map(({ id }) => id)).toEqual(said.map(({ id }) => `said-${id}`));
    for (const [at, { shown }] of rows.entries()) {
      const { text, cut, emotions } = said[at] as Utterance;
      const whole = (words: string): string => words.replaceAll(/\s/g, "");
      expect(whole(shown)).toContain(whole(text));
      expect([text, /Cut off (at|before)/.test(shown)]).toEqual([text, cut]);
      const [strongest] = Object.entries(emotions).sort(([, a], [, b]) => b - a);
      if (strongest !== undefined) expect(shown).toContain(strongest[0]);
    }
    expect(wrong).toEqual([]);
  } finally {
    await context.close();
  }
}
