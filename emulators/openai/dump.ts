import { closeSync, createWriteStream, mkdirSync, openSync, type WriteStream, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * What a session heard and said, byte for byte, in files named by its id: `<session>.heard.pcm` and `<session>.said.pcm` (s16le as the
 * session's formats were when it came), `<session>.messages.jsonl` (every message but the sound, with direction and time; of each audio
 * delta its item and place), `<session>.json` at the end (sizes, close code).
 */
export interface SessionDump {
  heard(bytes: Uint8Array): void;
  said(item: string, bytes: Uint8Array): void;
  message(direction: "in" | "out", frame: string): void;
  close(how: { readonly code: number; readonly heardRate: number; readonly saidRate: number }): void;
}

export const noDump: SessionDump = { heard() {}, said() {}, message() {}, close() {} };

/** @param folder made if it is not there */
export function openDump(folder: string, session: string, now: () => number): SessionDump {
  mkdirSync(folder, { recursive: true });
  const file = (ending: string): WriteStream => createWriteStream(join(folder, `${session}.${ending}`));
  const heard = file("heard.pcm");
  const said = file("said.pcm");
  // At once: whoever sees that the session is over, or kills this process, has all that was said until then.
  const messages = openSync(join(folder, `${session}.messages.jsonl`), "w");
  let heardBytes = 0;
  let saidBytes = 0;
  let isOver = false;
  const line = (entry: Record<string, unknown>): void => {
    if (!isOver) writeSync(messages, `${JSON.stringify({ at: now(), ...entry })}\n`);
  };
  return {
    heard(bytes) {
      heardBytes += bytes.length;
      heard.write(new Uint8Array(bytes));
    },
    said(item, bytes) {
      line({ out: { type: "response.output_audio.delta", item_id: item, from_byte: saidBytes, bytes: bytes.length } });
      saidBytes += bytes.length;
      said.write(new Uint8Array(bytes));
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
    close({ code, heardRate, saidRate }) {
      for (const stream of [heard, said]) stream.end();
      isOver = true;
      closeSync(messages);
      const facts = {
        session,
        close_code: code,
        heard_rate: heardRate,
        heard_bytes: heardBytes,
        said_rate: saidRate,
        said_bytes: saidBytes,
      };
      writeFileSync(join(folder, `${session}.json`), `${JSON.stringify(facts, null, 2)}\n`);
    },
  };
}
