import { closeSync, createWriteStream, mkdirSync, openSync, type WriteStream, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readWav } from "../speech/wav.ts";
import type { AudioFormat } from "./wire.ts";

/**
 * What a chat heard and said, byte for byte, in files named by its id:
 * `<chat>.heard.pcm` (s16le as the client declared it), `<chat>.said.pcm` (s16le 48 kHz mono, headers taken off, in the order sent),
 * `<chat>.messages.jsonl` (every message but the sound, with direction and time; of each audio_output its id, index and place),
 * `<chat>.json` at the end (format, sizes, status, close code).
 */
export interface ChatDump {
  heard(bytes: Uint8Array, format: AudioFormat): void;
  said(id: string, index: number, base64: Buffer): void;
  message(direction: "in" | "out", frame: string): void;
  close(how: { readonly status: string; readonly code: number }): void;
}

export const noDump: ChatDump = { heard() {}, said() {}, message() {}, close() {} };

/** @param folder made if it is not there */
export function openDump(folder: string, chatId: string, now: () => number): ChatDump {
  mkdirSync(folder, { recursive: true });
  const file = (ending: string): WriteStream => createWriteStream(join(folder, `${chatId}.${ending}`));
  const heard = file("heard.pcm");
  const said = file("said.pcm");
  // At once: whoever kills this process wants to know afterwards what it had said.
  const messages = openSync(join(folder, `${chatId}.messages.jsonl`), "w");
  let format: AudioFormat | null = null;
  let heardBytes = 0;
  let saidBytes = 0;
  let isOver = false;
  const line = (entry: Record<string, unknown>): void => {
    if (!isOver) writeSync(messages, `${JSON.stringify({ at: now(), ...entry })}\n`);
  };
  return {
    heard(bytes, declared) {
      format = declared;
      heardBytes += bytes.length;
      heard.write(new Uint8Array(bytes));
    },
    said(id, index, base64) {
      const { samples } = readWav(Buffer.from(base64.toString("latin1"), "base64"));
      line({ out: { type: "audio_output", id, index, from_byte: saidBytes, bytes: samples.byteLength } });
      saidBytes += samples.byteLength;
      said.write(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    },
    message(direction, frame) {
      let body: unknown = frame;
      try {
        body = JSON.parse(frame);
      } catch {
        // kept as the text it is
      }
      line({ [direction]: body });
    },
    close(how) {
      for (const stream of [heard, said]) stream.end();
      isOver = true;
      closeSync(messages);
      writeFileSync(
        join(folder, `${chatId}.json`),
        `${JSON.stringify({ chat_id: chatId, format, heard_bytes: heardBytes, said_bytes: saidBytes, ...how }, null, 2)}\n`,
      );
    },
  };
}
