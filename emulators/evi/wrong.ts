import { readWav, writeWav } from "../speech/wav.ts";

/** Broken things, made to order. */

/**
 * A chunk whose WAV header lies: the sound is all there, the header says something else.
 *
 * @param base64 the honest WAV, as `audio_output.data`
 * @param index which lie, when they are mixed
 */
export function bent(base64: Buffer, how: "zero" | "ones" | "huge" | "long header" | "mixed", index: number): Buffer {
  const lies = ["zero", "ones", "huge", "long header"] as const;
  const lie = how === "mixed" ? lies[index % lies.length] : how;
  const wav = Buffer.from(base64.toString("latin1"), "base64");
  switch (lie) {
    case "zero":
      wav.writeUInt32LE(0, 4);
      wav.writeUInt32LE(0, 40);
      break;
    case "ones":
      wav.writeUInt32LE(0xffffffff, 4);
      wav.writeUInt32LE(0xffffffff, 40);
      break;
    case "long header": {
      const { samples, rate } = readWav(wav);
      const plain = Buffer.from(writeWav(samples, rate));
      const list = Buffer.from("LIST\x1a\x00\x00\x00INFOISFT\x0e\x00\x00\x00Lavf61.7.100\x00\x00", "latin1");
      return Buffer.from(Buffer.concat([plain.subarray(0, 36), list, plain.subarray(36)]).toString("base64"), "latin1");
    }
    default:
      wav.writeUInt32LE(wav.length * 3, 4);
      wav.writeUInt32LE(wav.length * 3, 40);
  }
  return Buffer.from(wav.toString("base64"), "latin1");
}

/** A message of a type that no version of the protocol has, well formed. */
export function unknownMessage(index: number): string {
  const types = ["assistant_mood", "billing_notice", "transcript_delta", "user_gaze"];
  return JSON.stringify({ type: types[index % types.length], sequence: index, note: "a client ignores what it does not know" });
}

/** A frame that no client can make sense of. */
export function malformedFrame(index: number): { readonly frame: string | Buffer; readonly binary: boolean } {
  const frames: readonly (string | Buffer)[] = [
    '{"type":"assistant_message","id":',
    '{"type":"user_message","message":{"role":"user"}}',
    '{"type":"audio_output","id":"7f6f2c1e-0000-4000-8000-000000000000","index":"first","data":42}',
    Buffer.from([0, 255, 1, 254]),
    "[]",
    '"assistant_end"',
  ];
  const frame = frames[index % frames.length] ?? "";
  return { frame, binary: typeof frame !== "string" };
}
