import WebSocket from "ws";
import { babble } from "../../server/test/carrier-socket.ts";

/** One message as it came off the socket. */
export interface Message {
  readonly type: string;
  readonly bytes: Buffer;
}

export interface Wire {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Told as soon as the socket is open. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Hz of the caller's sound. */
  readonly rate: number;
  readonly append: (pcm: Uint8Array) => string;
  /** The message that says that an answer is over. */
  readonly over: string;
}

/** Everything an engine says in a conversation of so many turns, each of 1.2 s of a caller's voice, byte for byte. */
export async function collect({ url, headers, settings, rate, append, over }: Wire, turns: number): Promise<Message[]> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  const messages: Message[] = [];
  let answered: () => void = () => {};
  socket.on("message", (bytes: Buffer) => {
    const { type } = JSON.parse(bytes.toString()) as { type: string };
    messages.push({ type, bytes: Buffer.from(bytes) });
    if (type === over) answered();
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send(JSON.stringify(settings));
  for (let turn = 0; turn < turns; turn++) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve;
    });
    const samples = new Int16Array(rate * 3);
    samples.set(babble(1_200, rate), rate / 4);
    const pcm = new Uint8Array(samples.buffer);
    for (let at = 0; at < pcm.length; at += rate / 25) socket.send(append(pcm.subarray(at, at + rate / 25)));
    await answer;
  }
  socket.close();
  return messages;
}
