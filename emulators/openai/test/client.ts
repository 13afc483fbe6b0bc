import { WebSocket } from "ws";

/** A message as it came; tests look into it freely. */
// biome-ignore lint/suspicious/noExplicitAny: the wire is what is tested
export type Message = any;

export interface Client {
  readonly socket: WebSocket;
  readonly messages: Message[];
  /** Close code and reason, once it is closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  send(message: unknown): void;
  /** Sends PCM (16-bit mono) in pieces of 20 ms, as fast as it goes. */
  speak(sound: Int16Array, rate?: number): void;
  /** The first message that fits, of those that came or will come. Fails when the socket closes before. */
  until(what: string | ((message: Message) => boolean), from?: number): Promise<Message>;
  /** The error the server answers this message with. */
  refused(message: Record<string, unknown>): Promise<Message>;
  close(): Promise<void>;
}

let asked = 0;

export async function connect(
  url: string,
  { model = "gpt-realtime-2.1", headers = { authorization: "Bearer key" } }: { model?: string; headers?: Record<string, string> } = {},
): Promise<Client> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/realtime?model=${encodeURIComponent(model)}`, {
    headers,
    perMessageDeflate: false,
  });
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const wakeAll = (): void => {
    for (const wake of [...waiting]) wake();
  };
  let over: { code: number; reason: string } | null = null;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      over = { code, reason: reason.toString() };
      wakeAll();
      resolve(over);
    });
  });
  socket.on("message", (bytes: Buffer) => {
    try {
      messages.push(JSON.parse(bytes.toString("utf8")));
    } catch {
      messages.push({ type: "not JSON" });
    }
    wakeAll();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    socket.on("error", reject);
  });
  const client: Client = {
    socket,
    messages,
    closed,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    speak(sound, rate = 24_000) {
      const frame = rate / 50;
      for (let at = 0; at < sound.length; at += frame) {
        const part = sound.slice(at, at + frame);
        socket.send(JSON.stringify({ type: "input_audio_buffer.append", audio: Buffer.from(part.buffer).toString("base64") }));
      }
    },
    until(what, from = 0) {
      const fits = typeof what === "string" ? (message: Message) => message.type === what : what;
      let looked = from;
      return new Promise((resolve, reject) => {
        const look = (): void => {
          for (; looked < messages.length; looked++) {
            if (!fits(messages[looked])) continue;
            waiting.delete(look);
            resolve(messages[looked]);
            return;
          }
          if (over === null) return;
          waiting.delete(look);
          const came = messages.map((message) => message.type).join(", ");
          reject(new Error(`closed with ${over.code} ${over.reason} before ${String(what)}; came: ${came}`));
        };
        waiting.add(look);
        look();
      });
    },
    async refused(message) {
      const event_id = `test-${++asked}`;
      client.send({ ...message, event_id });
      return (await client.until((m) => m.type === "error" && m.error.event_id === event_id)).error;
    },
    async close() {
      socket.close(1000);
      await closed;
    },
  };
  return client;
}

export const silence = (ms: number, rate = 24_000): Int16Array => new Int16Array((ms / 1_000) * rate);

export function joined(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
