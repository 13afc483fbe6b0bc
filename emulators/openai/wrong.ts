const frames: readonly (string | Buffer)[] = [
  '{"type":"response.output_audio.delta","response_id":',
  '{"type":"response.output_audio.delta","event_id":"event_x","delta":42}',
  '{"type":"response.done"}',
  '{"type":"conversation.item.input_audio_transcription.completed","transcript":7}',
  '{"type":"input_audio_buffer.speech_started"}',
  Buffer.from([0, 255, 1, 254]),
  "[]",
  '"response.created"',
];

/** A frame that no client can make sense of: no JSON, no object, no text, or without what it must have. */
export function malformedFrame(index: number): { readonly frame: string | Buffer; readonly binary: boolean } {
  const frame = frames[index % frames.length] ?? "";
  return { frame, binary: typeof frame !== "string" };
}
