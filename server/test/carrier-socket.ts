import { once } from "node:events";
import WebSocket from "ws";
import { startVoice } from "./voice.ts";

/** The carrier's end of an audio socket, as small as it can be: speaks frames of 20 ms in real time, hears frames and commands. */
export interface CarrierSocket {
  readonly frames: { readonly at: number; readonly pcm: Buffer }[];
  readonly told: { readonly at: number; readonly json: Record<string, unknown> }[];
  /** Speaks these samples from now on, then silence again. Resolves when they are out. */
  say(samples: Int16Array): Promise<void>;
  press(digit: string): void;
  /** All that was spoken so far. */
  spoken(): Int16Array;
  /** Resolves when `fact` holds; looked at with every message and every frame spoken. */
  until(fact: () => boolean): Promise<void>;
  readonly closed: Promise<number>;
  close(): void;
}

/** Opens the audio socket. Rejects with the HTTP status when it is refused. */
export async function openCarrierSocket(url: string, { rate = 16_000 }: { rate?: number } = {}): Promise<CarrierSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    socket.once("error", reject);
  });
  socket.on("error", () => {});
  const frame = rate / 50;
  const frames: { at: number; pcm: Buffer }[] = [];
  const told: { at: number; json: Record<string, unknown> }[] = [];
  const spoken: Int16Array[] = [];
  const watchers = new Set<() => void>();
  const look = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) frames.push({ at: performance.now(), pcm: data });
    else told.push({ at: performance.now(), json: JSON.parse(data.toString()) as Record<string, unknown> });
    look();
  });
  const closed = once(socket, "close").then(([code]) => code as number);
  socket.send(JSON.stringify({ event: "websocket:connected", "content-type": `audio/l16;rate=${rate}` }));
  const voice = startVoice(
    frame,
    (pcm) => {
      spoken.push(pcm);
      if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.from(pcm.buffer));
    },
    look,
  );
  void closed.then(() => voice.stop());
  return {
    frames,
    told,
    closed,
    say: (samples) => voice.say(samples),
    press: (digit) => socket.send(JSON.stringify({ event: "websocket:dtmf", digit, duration: 180 })),
    spoken: () => Int16Array.from(spoken.flatMap((pcm) => [...pcm])),
    until: (fact) =>
      new Promise((resolve) => {
        const watcher = (): void => {
          if (!fact()) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
    close: () => socket.close(1000),
  };
}

/** Something voice activity detection takes for speech: a buzz of a voice's pitch and formants, in syllables. */
export function babble(ms: number, rate = 16_000): Int16Array {
  const pcm = new Int16Array((rate * ms) / 1000);
  for (let i = 0; i < pcm.length; i++) {
    const t = i / rate;
    let sample = 0;
    for (let harmonic = 1; harmonic <= 24; harmonic++) {
      const hz = 120 * harmonic * (1 + 0.02 * Math.sin(2 * Math.PI * 3 * t));
      const formant =
        Math.exp(-(((hz - 650) / 250) ** 2)) + 0.6 * Math.exp(-(((hz - 1_200) / 300) ** 2)) + 0.3 * Math.exp(-(((hz - 2_500) / 400) ** 2));
      sample += formant * Math.sin(2 * Math.PI * 120 * harmonic * t);
    }
    pcm[i] = Math.round(4_000 * sample * (0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * t)));
  }
  return pcm;
}
