import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openPhraseBook } from "../speech/phrases.ts";
import { handClock } from "./clock.ts";
import { type Evi, startEvi } from "./server.ts";
import { connect } from "./test/client.ts";
import { sign } from "./webhooks.ts";

interface Received {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

const clock = handClock();
let evi: Evi;
let server: Server;
let url: string;
const received: Received[] = [];
const waiting = new Set<() => void>();

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => {
      body += part.toString("utf8");
    });
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      response.writeHead(200).end();
      for (const look of [...waiting]) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  evi = await startEvi({ port: 0, apiKey: "key", listener: openPhraseBook([]), clock, webhookSigningKey: "a signing key" });
});
afterAll(async () => {
  await evi.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  received.length = 0;
});

const hooks = (count: number): Promise<Received[]> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (received.length < count) return;
      waiting.delete(look);
      resolve(received);
    };
    waiting.add(look);
    look();
  });

async function config(prompt = "Be kind."): Promise<string> {
  const answer = await fetch(`${evi.url}/v0/evi/configs`, {
    method: "POST",
    headers: { "x-hume-api-key": "key", "content-type": "application/json" },
    body: JSON.stringify({
      name: "Hooked",
      evi_version: "3",
      prompt: { text: prompt },
      webhooks: [{ url, events: ["chat_started", "chat_ended", "tool_call"] }],
    }),
  });
  return ((await answer.json()) as { id: string }).id;
}

const named = (name: string) => received.map(({ body }) => JSON.parse(body)).find((body) => body.event_name === name);

test("a chat's beginning, its tool calls and its end are told, signed over the raw body, a dot and the seconds", async () => {
  const config_id = await config("[emulator: clerk]");
  const client = await connect(evi.url, { config_id });
  client.send({ type: "session_settings", custom_session_id: "call-7", tools: [{ type: "function", name: "look_up", parameters: "{}" }] });
  client.send({ type: "user_input", text: "Look it up." });
  await client.until("user_message");
  while (!client.messages.some((message) => message.type === "tool_call")) {
    clock.passToNext(2_000);
    await new Promise(setImmediate);
  }
  await hooks(2);
  const seconds = Math.floor((clock.now() - named("chat_started").start_time) / 1_000);
  await client.close();
  await hooks(3);

  const { chat_id, chat_group_id } = client.messages[0];
  const head = { chat_id, chat_group_id, config_id, caller_number: null, twilio_metadata: null };
  expect(named("chat_started")).toEqual({
    ...head,
    event_name: "chat_started",
    custom_session_id: null,
    start_time: expect.any(Number),
    chat_start_type: "new_chat_group",
  });
  expect(named("tool_call")).toEqual({
    ...head,
    event_name: "tool_call",
    custom_session_id: "call-7",
    timestamp: expect.any(Number),
    tool_call_message: expect.objectContaining({ type: "tool_call", name: "look_up", response_required: true }),
  });
  expect(named("chat_ended")).toEqual({
    ...head,
    event_name: "chat_ended",
    custom_session_id: "call-7",
    end_time: clock.now(),
    duration_seconds: seconds,
    end_reason: "USER_ENDED",
  });
  for (const { headers, body } of received) {
    const timestamp = String(headers["x-hume-ai-webhook-timestamp"]);
    expect(timestamp).toMatch(/^\d{10}$/);
    expect(headers["x-hume-ai-webhook-signature"]).toBe(createHmac("sha256", "a signing key").update(`${body}.${timestamp}`).digest("hex"));
  }
});

test("a resumed chat says that it is one", async () => {
  const config_id = await config();
  const first = await connect(evi.url, { config_id });
  const { chat_group_id } = await first.until("chat_metadata");
  await first.close();
  await hooks(2);
  received.length = 0;
  const second = await connect(evi.url, { config_id, resumed_chat_group_id: chat_group_id });
  await hooks(1);
  expect(named("chat_started")).toMatchObject({ chat_group_id, chat_start_type: "resumed_chat_group" });
  await second.close();
  await hooks(2);
});

test.each([
  ["webhooks-doubled", 2, true],
  ["webhooks-unsigned", 1, false],
  ["webhooks-forged", 1, false],
])("%s: each comes %i times, and its signature holding is %s", async (fault, times, holds) => {
  const client = await connect(evi.url, { config_id: await config(`[emulator: ${fault}]`) });
  await client.until("chat_metadata");
  await hooks(times);
  await client.close();
  await hooks(2 * times);
  expect(received.filter(({ body }) => body.includes("chat_started"))).toHaveLength(times);
  for (const { headers, body } of received) {
    const timestamp = String(headers["x-hume-ai-webhook-timestamp"]);
    expect(headers["x-hume-ai-webhook-signature"] === sign("a signing key", body, timestamp)).toBe(holds);
  }
});

test("webhooks-late: they leave ten seconds after their time", async () => {
  const client = await connect(evi.url, { config_id: await config("[emulator: webhooks-late]") });
  await client.until("chat_metadata");
  clock.pass(9_900);
  client.send({ type: "nothing" });
  await client.until("error");
  expect(received).toEqual([]);
  clock.pass(100);
  await hooks(1);
  await client.close();
});
