import { describe, expect, test } from "vitest";
import type { Message } from "./test/client.ts";
import { house, lines } from "./test/talk.ts";

const the = house();
const { begun, types, audioMs } = the;

describe("a caller who cuts in", () => {
  test("cancels the answer, which is still told to its end", async () => {
    await begun("storyteller+late-deltas");
    the.client.speak(the.talk.turn(lines.perfect));
    const { item_id } = await the.client.until("response.output_audio.delta");
    const at = the.client.messages.length;
    the.client.speak(the.talk.turn(lines.cost));
    const done = await the.client.until("response.done", at);
    expect(done.response).toMatchObject({ status: "cancelled", status_details: { reason: "turn_detected" } });
    const after = the.client.messages.indexOf(done);
    await the.client.until("response.created", after);
    expect(types(after).filter((type) => type === "response.output_audio.delta")).toHaveLength(2);
    expect(done.response.output).toMatchObject([{ id: item_id, status: "incomplete" }]);
  });

  test("truncate keeps to its rules, and deletes the words", async () => {
    await begun();
    the.client.speak(the.talk.turn(lines.everything));
    const { response } = await the.client.until("response.done");
    const item = response.output[0].id;
    const generated = Math.floor(audioMs(item));
    const truncate = (audio_end_ms: unknown, item_id = item): Record<string, unknown> => ({
      type: "conversation.item.truncate",
      item_id,
      content_index: 0,
      audio_end_ms,
    });
    expect(await the.client.refused(truncate(generated + 60))).toMatchObject({
      code: null,
      message: `Audio content of ${generated}ms is already shorter than ${generated + 60}ms`,
    });
    expect(await the.client.refused(truncate(0))).toMatchObject({ code: "integer_below_min_value", param: "audio_end_ms" });
    expect(await the.client.refused(truncate(Number.NaN))).toMatchObject({ code: "invalid_type" });
    expect(await the.client.refused(truncate(12.5))).toMatchObject({ code: "invalid_type" });
    const caller = (await the.client.until("input_audio_buffer.committed")).item_id;
    expect(await the.client.refused(truncate(100, caller))).toMatchObject({
      code: "unsupported_content_type",
      message: "Only model output audio messages can be truncated",
    });
    the.client.send(truncate(1_200));
    expect(await the.client.until("conversation.item.truncated")).toMatchObject({ item_id: item, audio_end_ms: 1_200 });
    the.client.send({ type: "conversation.item.retrieve", item_id: item });
    expect((await the.client.until("conversation.item.retrieved")).item.content[0].transcript).toBe("");
    the.client.send({ type: "conversation.item.delete", item_id: item });
    expect((await the.client.until("conversation.item.deleted")).item_id).toBe(item);
  });
});

describe("responses", () => {
  test("only one at a time, and nothing to cancel when there is none", async () => {
    await begun("storyteller");
    expect(await the.client.refused({ type: "response.cancel" })).toMatchObject({ code: "response_cancel_not_active" });
    the.client.send({ type: "response.create" });
    expect(await the.client.refused({ type: "response.create" })).toMatchObject({ code: "conversation_already_has_active_response" });
    the.client.send({ type: "response.cancel" });
    expect((await the.client.until("response.done")).response).toMatchObject({
      status: "cancelled",
      status_details: { reason: "client_cancelled" },
    });
  });

  test("a few tokens make an incomplete one", async () => {
    await begun("storyteller", { max_output_tokens: 30 });
    the.client.speak(the.talk.turn(lines.perfect));
    const { response } = await the.client.until("response.done");
    expect(response).toMatchObject({ status: "incomplete", status_details: { reason: "max_output_tokens" } });
    expect(audioMs(response.output[0].id)).toBeLessThan(1_900);
  });

  test("a failed one says why, and the next one works", async () => {
    await begun("rate-limited", { instructions: "[emulator: rate-limited turn=1]" });
    the.client.speak(the.talk.turn(lines.perfect));
    expect((await the.client.until("response.done")).response).toMatchObject({
      status: "failed",
      status_details: { error: { code: "rate_limit_exceeded" } },
    });
    const at = the.client.messages.length;
    the.client.send({ type: "response.create" });
    expect((await the.client.until("response.done", at)).response.status).toBe("completed");
  });

  test("a tool is called in the same response as the words before it, and its answer is used in the next", async () => {
    await begun(undefined, { tools: [{ type: "function", name: "book_slot", description: "Books.", parameters: { type: "object" } }] });
    the.client.speak(the.talk.turn(lines.perfect));
    const call = await the.client.until("response.function_call_arguments.done");
    expect(JSON.parse(call.arguments)).toEqual({ time: "half past three" });
    const { response } = await the.client.until("response.done");
    expect(response.output.map((item: Message) => item.type)).toEqual(["message", "function_call"]);
    const at = the.client.messages.length;
    the.client.send({
      type: "conversation.item.create",
      item: { type: "function_call_output", call_id: call.call_id, output: '{"ok":true}' },
    });
    the.client.send({ type: "response.create" });
    expect((await the.client.until("response.done", at)).response.output[0].content[0].transcript).toMatch(/half past three/i);
  });

  test("goodbye calls the client's own tool to hang up", async () => {
    await begun(undefined, {
      tools: [{ type: "function", name: "hang_up", description: "Ends the call.", parameters: { type: "object" } }],
    });
    the.client.speak(the.talk.turn(lines.goodbye));
    const { response } = await the.client.until("response.done");
    expect(response.output.at(-1)).toMatchObject({ type: "function_call", name: "hang_up" });
  });

  test("lines of an earlier session are remembered and not answered", async () => {
    await begun();
    const line = (role: string, type: string, text: string): void =>
      the.client.send({ type: "conversation.item.create", item: { type: "message", role, content: [{ type, text }] } });
    line("user", "input_text", lines.perfect);
    line("assistant", "output_text", "Perfect. I have moved your appointment to half past three.");
    expect(
      await the.client.refused({
        type: "conversation.item.create",
        item: { type: "message", role: "assistant", content: [{ type: "output_audio", audio: "AAAA" }] },
      }),
    ).toMatchObject({ code: "invalid_value", param: "item.content[0].type" });
    the.client.speak(the.talk.turn(lines.goodbye));
    const { response } = await the.client.until("response.done");
    expect(response.output[0].content[0].transcript).toMatch(/welcome, Guest/);
  });
});
