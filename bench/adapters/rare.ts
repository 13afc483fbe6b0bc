import type { Message } from "./collect.ts";

/** Kinds that an ordinary conversation with the emulators has none of, as the vendors document them; timed each by itself. */
const message = <Body extends { readonly type: string }>(body: Body): Message => ({
  type: body.type,
  bytes: Buffer.from(JSON.stringify(body)),
});

export const rareOfEvi: readonly Message[] = [
  message({ type: "user_interruption", time: 1_790_000_000_123 }),
  message({
    type: "tool_call",
    name: "book_slot",
    parameters: '{"day":"friday"}',
    tool_call_id: "call_7Qd1",
    tool_type: "function",
    response_required: true,
  }),
  message({ type: "tool_error", tool_call_id: "call_7Qd1", error: "It failed." }),
  message({ type: "error", code: "E0712", slug: "custom_language_model_timed_out", message: "It did not answer.", request_id: "3c" }),
  message({ type: "assistant_mood", mood: 3 }),
];

const call = { id: "i9", type: "function_call", name: "find_repair", call_id: "call_q2", arguments: '{"ticket":"4"}' };
export const rareOfRealtime: readonly Message[] = [
  message({ ...call, type: "response.function_call_arguments.done", response_id: "r9", item_id: "i9", output_index: 0 }),
  message({ type: "response.output_item.done", event_id: "e", response_id: "r9", output_index: 0, item: call }),
  message({
    type: "response.done",
    event_id: "e",
    response: { id: "r9", status: "cancelled", output: [call], usage: { total_tokens: 9 } },
  }),
  message({
    type: "conversation.item.input_audio_transcription.failed",
    item_id: "i8",
    content_index: 0,
    error: { type: "transcription_error", code: "audio_unintelligible", message: "No words." },
  }),
  message({ type: "error", event_id: "e", error: { type: "invalid_request_error", code: "x", message: "No.", event_id: "cut-1" } }),
  message({ type: "localai.pipeline.timing", stt_ms: 41 }),
];
