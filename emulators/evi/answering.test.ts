import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openPhraseBook } from "../speech/phrases.ts";
import { type Evi, startEvi } from "./server.ts";
import type { Client } from "./test/client.ts";
import { newOpenings, of, types } from "./test/openings.ts";

/** One that answers at once. */
let evi: Evi;
beforeAll(async () => {
  evi = await startEvi({ port: 0, apiKey: "key", listener: openPhraseBook([]), pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY } });
});
afterAll(() => evi.close());

const openings = newOpenings();
afterEach(openings.closeAll);
const call = (query: Record<string, string> = {}, on: Evi = evi): Promise<Client> => openings.call(on, query);
const { byHand } = openings;

describe("generating", () => {
  test("takes time: a sentence's sound comes three times faster than it is played, in bursts", async () => {
    const { evi: own, clock } = await byHand();
    const client = await call({}, own);
    client.send({
      type: "assistant_input",
      text: "This is a rather long sentence, so that it takes more than a few chunks to say all of it, one after the other.",
    });
    await client.until("audio_output");
    const began = clock.now();
    while (of(client, "assistant_end").length === 0) {
      clock.passToNext(2_000);
      await new Promise(setImmediate);
    }
    const said = of(client, "audio_output").reduce((ms, chunk) => ms + (Buffer.from(chunk.data, "base64").length - 44) / 96, 0);
    expect(clock.now() - began).toBeCloseTo((said - 600) / 3, 0); // the first chunk, of 600 ms, was there at once
  });
});

describe("pause and resume", () => {
  test("while paused it writes down and says nothing; resumed, it answers the last thing said", async () => {
    const client = await call();
    client.send({ type: "pause_assistant_message" });
    client.send({ type: "user_input", text: "When are you open?" });
    client.send({ type: "user_input", text: "How much does it cost?" });
    await client.until((message) => message.type === "user_message" && message.message.content.includes("cost"));
    client.send({ type: "resume_assistant_message" });
    await client.until("assistant_end");
    expect(of(client, "assistant_message")[0].message.content).toContain("free of charge");
    expect(of(client, "assistant_end")).toHaveLength(1);
  });
});

describe("tools", () => {
  const tools = [
    {
      type: "function",
      name: "book_slot",
      parameters: '{"type":"object","properties":{"time":{"type":"string"}}}',
      fallback_content: "no calendar",
    },
  ];
  const asks = "Half past three would be perfect for me.";

  test("are called with their parameters as a string, and the answer goes on when the result is there", async () => {
    const client = await call();
    client.send({ type: "session_settings", tools });
    client.send({ type: "user_input", text: asks });
    const toolCall = await client.until("tool_call");
    expect(toolCall).toEqual({
      type: "tool_call",
      name: "book_slot",
      parameters: '{"time":"half past three"}',
      tool_call_id: expect.stringMatching(/^call_/),
      tool_type: "function",
      response_required: true,
    });
    expect(of(client, "assistant_end")).toEqual([]);
    client.send({ type: "tool_response", tool_call_id: "call_other", content: "{}" });
    expect(await client.until("error")).toMatchObject({ slug: "unknown_tool_call" });
    client.send({ type: "tool_response", tool_call_id: toolCall.tool_call_id, content: '{"booked":true}' });
    await client.until("assistant_end");
    expect(of(client, "assistant_message").map((message) => message.message.content)).toEqual([
      "Very well, one moment please.",
      "Perfect, half past three is booked.",
      "Is there anything else?",
    ]);
  });

  test("that fail are spoken of with what the error says, or the tool's own fallback", async () => {
    const client = await call({ config_id: "clerk" });
    client.send({ type: "session_settings", tools });
    client.send({ type: "user_input", text: "Look it up." });
    const first = await client.until("tool_call");
    client.send({
      type: "tool_error",
      tool_call_id: first.tool_call_id,
      error: "Down",
      content: "The calendar cannot be reached",
      level: "warn",
    });
    await client.until("assistant_end");
    expect(of(client, "assistant_message").at(-1).message.content).toBe("That did not work. The calendar cannot be reached");
    const from = client.messages.length;
    client.send({ type: "user_input", text: "Again." });
    const second = await client.until("tool_call", from);
    client.send({ type: "tool_error", tool_call_id: second.tool_call_id, error: "Down" });
    await client.until("assistant_end", from);
    expect(of(client, "assistant_message").at(-1).message.content).toBe("That did not work. no calendar");
  });

  test("the built-in hang_up says goodbye, tells of itself, and closes with 1000", async () => {
    const client = await call();
    client.send({ type: "session_settings", builtin_tools: [{ name: "hang_up" }] });
    client.send({ type: "user_input", text: "Thank you, goodbye." });
    expect(await client.closed).toBe(1000);
    expect(types(client).slice(-3)).toEqual(["assistant_end", "tool_call", "tool_response"]);
    expect(of(client, "tool_call")[0]).toMatchObject({ name: "hang_up", tool_type: "builtin", response_required: false });
  });

  test("a hang_up of the client's own is called, and the chat left open", async () => {
    const client = await call();
    client.send({ type: "session_settings", tools: [{ type: "function", name: "hang_up", parameters: "{}" }] });
    client.send({ type: "user_input", text: "Goodbye." });
    expect(await client.until("tool_call")).toMatchObject({ name: "hang_up", tool_type: "function" });
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  });
});
