import { WebSocket } from "ws";

/** A message as it came; tests look into it freely. */
// biome-ignore lint/suspicious/noExplicitAny: the wire is what is tested
export type Message = any;

export interface Client {
  readonly socket: WebSocket;
  /** All that came, in order. */
  readonly messages: Message[];
  /** The close code, once it is closed. */
  readonly closed: Promise<number>;
  send(message: unknown): void;
  /** Sends PCM (16-bit mono) as audio_input messages of 20 ms, as fast as it goes. */
  speak(sound: Int16Array, rate?: number): void;
  /** The first message that fits, of those that came or will come. Fails when the socket closes before. */
  until(what: string | ((message: Message) => boolean), from?: number): Promise<Message>;
  close(): Promise<void>;
}

/** Opens a chat socket as a telephone bridge would: plain `ws`, key in the header. */
export async function connect(
  url: string,
  query: Record<string, string> = {},
  headers: Record<string, string> = { "x-hume-api-key": "key" },
): Promise<Client> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v0/evi/chat?${new URLSearchParams(query)}`, {
    headers,
    perMessageDeflate: false,
  });
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const wakeAll = (): void => {
    for (const wake of [...waiting]) wake();
  };
  let code: number | null = null;
  const closed = new Promise<number>((resolve) => {
    socket.on("close", (how) => {
      code = how;
      wakeAll();
      resolve(how);
    });
  });
  socket.on("message", (bytes: Buffer, binary: boolean) => {
    try {
      messages.push(binary ? { type: "binary", bytes } : JSON.parse(bytes.toString("utf8")));
    } catch {
      messages.push({ type: "not JSON", text: bytes.toString("utf8") });
    }
    wakeAll();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    socket.on("error", reject);
  });
  return {
    socket,
    messages,
    closed,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    speak(sound, rate = 16_000) {
      const frame = rate / 50;
      for (let at = 0; at < sound.length; at += frame) {
        const part = sound.slice(at, at + frame);
        socket.send(JSON.stringify({ type: "audio_input", data: Buffer.from(part.buffer).toString("base64") }));
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
          if (code === null) return;
          waiting.delete(look);
          reject(new Error(`closed with ${code} before ${String(what)}; came: ${messages.map((message) => message.type).join(", ")}`));
        };
        waiting.add(look);
        look();
      });
    },
    async close() {
      socket.close(1000);
      await closed;
    },
  };
}

export const silence = (ms: number, rate = 16_000): Int16Array => new Int16Array((ms / 1_000) * rate);

export function joined(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
