import type { ChatDump } from "./dump.ts";
import type { ChatRecord } from "./history.ts";
import type { ServerMessage } from "./wire.ts";

/** The socket, as a chat needs it. */
export interface Line {
  send(frame: string | Buffer, binary?: boolean): void;
  /** 1006 cuts the connection without a close frame. */
  close(code: number): void;
  /** Nothing is read any more, nothing answered. */
  freeze(): void;
}

/** What leaves a chat: to its client, to those who listen in, and into the dump. After `close` nothing leaves. */
export interface Outlet {
  send(message: ServerMessage): void;
  /** One `audio_output`; `base64` is the WAV, ASCII. */
  sendSound(id: string, index: number, base64: Buffer): void;
  /** Something that is no message. */
  sendRaw(frame: string | Buffer, binary: boolean): void;
  /** Someone listens in: gets what was sent so far, without the sound, all that follows, and the end. Returns how to stop. */
  observe(hear: (frame: string | Buffer) => void, over: (code: number) => void): () => void;
  close(code: number): void;
}

interface OutletParts {
  readonly line: Line;
  readonly dump: ChatDump;
  readonly chat: ChatRecord;
  /** Is what was sent kept for those who come later? */
  readonly remembers: boolean;
  copies(): number;
}

export function openOutlet({ line, dump, chat, remembers, copies }: OutletParts): Outlet {
  const told: string[] = [];
  const observers = new Map<(frame: string | Buffer) => void, (code: number) => void>();
  let open = true;

  return {
    send(message) {
      if (!open) return;
      const withId = chat.customSessionId !== null ? { ...message, custom_session_id: chat.customSessionId } : message;
      const frame = JSON.stringify(withId.type === "chat_metadata" ? { custom_session_id: null, ...withId } : withId);
      if (remembers) told.push(frame);
      for (let copy = copies(); copy > 0; copy--) {
        line.send(frame);
        dump.message("out", frame);
        for (const hear of observers.keys()) hear(frame);
      }
    },
    sendSound(id, index, base64) {
      if (!open) return;
      // put together by bytes: the sound is shared by all chats that say it, and is never a string here
      const frame = Buffer.concat([
        Buffer.from(`{"type":"audio_output","id":"${id}","index":${index},"data":"`, "latin1"),
        base64,
        Buffer.from(chat.customSessionId === null ? '"}' : `","custom_session_id":${JSON.stringify(chat.customSessionId)}}`, "utf8"),
      ]);
      line.send(frame);
      dump.said(id, index, base64);
      for (const hear of observers.keys()) hear(frame);
    },
    sendRaw(frame, binary) {
      if (open) line.send(frame, binary);
    },
    observe(hear, over) {
      for (const frame of told) hear(frame);
      observers.set(hear, over);
      return () => void observers.delete(hear);
    },
    close(code) {
      if (!open) return;
      open = false;
      for (const over of observers.values()) over(code === 1006 ? 1011 : 1000);
      observers.clear();
    },
  };
}
