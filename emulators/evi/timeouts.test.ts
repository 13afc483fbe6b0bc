import { afterEach, describe, expect, test } from "vitest";
import { readWav } from "../speech/wav.ts";
import type { Evi } from "./server.ts";
import { silence } from "./test/client.ts";
import { newOpenings, of } from "./test/openings.ts";

const audio = { encoding: "linear16", sample_rate: 16_000, channels: 1 };
const { call, byHand, closeAll } = newOpenings();
afterEach(closeAll);

describe("time", () => {
  async function configured(own: Evi, body: Record<string, unknown>): Promise<string> {
    const answer = await fetch(`${own.url}/v0/evi/configs`, {
      method: "POST",
      headers: { "x-hume-api-key": "key", "content-type": "application/json" },
      body: JSON.stringify({ evi_version: "3", name: "Timed", ...body }),
    });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  }

  test("without a user message the chat ends with E0714 and 1000, though silence is streamed all along", async () => {
    const { evi: own, clock } = await byHand();
    const client = await call(own, {
      config_id: await configured(own, { timeouts: { inactivity: { enabled: true, duration_secs: 90 } } }),
    });
    client.send({ type: "session_settings", audio });
    await client.until("chat_metadata");
    clock.pass(89_000);
    client.speak(silence(2_000));
    client.send({ type: "tool_response", tool_call_id: "none", content: "" }); // answered by an error: the silence before it was heard
    await client.until((message) => message.slug === "unknown_tool_call");
    clock.pass(1_000);
    expect(await client.until((message) => message.code === "E0714")).toMatchObject({
      slug: "inactivity_timeout",
      message: "Chat was ended because no user message was received in 90 seconds.",
    });
    expect(await client.closed).toBe(1000);
  });

  test("a user message begins the wait anew", async () => {
    const { evi: own, clock } = await byHand();
    const client = await call(own, {
      config_id: await configured(own, { timeouts: { inactivity: { enabled: true, duration_secs: 90 } } }),
    });
    await client.until("chat_metadata");
    clock.pass(80_000);
    client.send({ type: "user_input", text: "Thank you." });
    await client.until("user_message");
    clock.pass(80_000);
    client.send({ type: "user_input", text: "Thank you." });
    await client.until((message) => message.type === "user_message", client.messages.length);
    clock.pass(90_000);
    await client.until((message) => message.code === "E0714");
  });

  test("with an inactivity message it is spoken first, and 15 s remain for an answer", async () => {
    const { evi: own, clock } = await byHand();
    const config = await configured(own, {
      timeouts: { inactivity: { enabled: true, duration_secs: 30 } },
      event_messages: { on_inactivity_timeout: { enabled: true, text: "Are you asleep?" } },
    });
    const client = await call(own, { config_id: config });
    await client.until("chat_metadata");
    clock.pass(30_000);
    expect(await client.until("assistant_message")).toMatchObject({ message: { content: "Are you asleep?" }, from_text: true });
    clock.pass(14_900);
    expect(of(client, "error")).toEqual([]);
    clock.pass(100);
    expect(await client.until("error")).toMatchObject({ code: "E0714" });
    expect(await client.closed).toBe(1000);
  });

  test("is up after max_duration with E0715, and after half an hour in any case", async () => {
    const { evi: own, clock } = await byHand();
    const short = await call(own, {
      config_id: await configured(own, { timeouts: { max_duration: { enabled: true, duration_secs: 60 } } }),
    });
    const off = await call(own, {
      config_id: await configured(own, { timeouts: { max_duration: { enabled: false }, inactivity: { enabled: false } } }),
    });
    await short.until("chat_metadata");
    await off.until("chat_metadata");
    clock.pass(60_000);
    expect(await short.until("error")).toMatchObject({ code: "E0715", slug: "max_duration_timeout" });
    expect(await short.closed).toBe(1000);
    clock.pass(1_740_000);
    expect(await off.until("error")).toMatchObject({ code: "E0715" });
    expect(await off.closed).toBe(1000);
  });

  test("a silent user is spoken to when nudges are on", async () => {
    const { evi: own, clock } = await byHand({ pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY } });
    const client = await call(own, { config_id: await configured(own, { nudges: { enabled: true, interval_secs: 8 } }) });
    client.send({ type: "assistant_input", text: "Hello." });
    await client.until("assistant_end");
    const playedMs = of(client, "audio_output").reduce((ms, { data }) => ms + readWav(Buffer.from(data, "base64")).samples.length / 48, 0);
    clock.pass(playedMs + 7_900);
    expect(of(client, "assistant_message")).toHaveLength(1);
    clock.pass(200);
    expect(await client.until((message) => message.type === "assistant_message" && message.from_text === false)).toMatchObject({
      message: { content: "Are you still there?" },
    });
  });
});
