/** `npm run pieces -w bench`: the pieces of the audio path against what else could stand in their place. Processor time, one thread, best of five. */
import { Duplex } from "node:stream";
import * as ws from "ws";
import { AudioFrames, Base64Messages } from "../server/src/bridge/frame-writer.ts";
import { decodeBase64, mostBytes } from "../server/src/engine/base64.ts";
import { hear } from "../server/src/engine/evi/wire.ts";
import { openResampler } from "../server/src/sound/resampler.ts";
import { fir } from "./bridge/fir.ts";
import { openSpeex } from "./bridge/speex.ts";

/** Microseconds of processor time of one `deed`, best of five series of `times`. */
function micros(times: number, deed: () => void): number {
  for (let i = 0; i < times; i++) deed();
  let best = Number.POSITIVE_INFINITY;
  for (let series = 0; series < 5; series++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) deed();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / times);
  }
  return best;
}
/** Exported by `ws`, and not in its types. */
const { Sender } = ws as unknown as {
  Sender: new (socket: Duplex, extensions: object, mask?: (into: Buffer) => void) => { send(data: unknown, options: object): void };
};
const rows: [string, string, number, string][] = [];
const add = (piece: string, way: string, value: number, unit: string): void => void rows.push([piece, way, value, unit]);

const second = Int16Array.from({ length: 48_000 }, (_, i) => Math.round(9_000 * Math.sin(i / 7) + 5_000 * Math.sin(i / 3.1)));
for (const [way, push] of [
  ["speex quality 3", openSpeex(48_000, 16_000, 3).push],
  ["speex quality 5 (ours, with sample-exact ends)", openResampler(48_000, 16_000).push],
  ["speex quality 5, bare", openSpeex(48_000, 16_000, 5).push],
  ["75-tap FIR in JavaScript", fir(48_000, 16_000)],
] as const)
  add("48 -> 16 kHz, a second of sound", way, micros(200, () => void push(second)) / 1000, "ms");

/** A socket that takes everything at once and keeps nothing. */
const sink = (): Duplex => new Duplex({ write: (_chunk, _encoding, done) => done(), read() {} });
const frame = Buffer.from(Array.from({ length: 640 }, (_, i) => i * 31));
const client = new Sender(sink(), {});
const asClient = { fin: true, rsv1: false, opcode: 1, mask: true, readOnly: false, compress: false, binary: false };
const own = new Base64Messages(sink(), '{"type":"audio_input","data":"', '"}');
add(
  "a caller frame to the engine",
  "JSON.stringify, ws",
  micros(50_000, () => client.send(JSON.stringify({ type: "audio_input", data: frame.toString("base64") }), asClient)),
  "µs",
);
add(
  "a caller frame to the engine",
  "template, ws",
  micros(50_000, () => client.send(`{"type":"audio_input","data":"${frame.toString("base64")}"}`, asClient)),
  "µs",
);
add(
  "a caller frame to the engine",
  "written in place (ours)",
  micros(50_000, () => own.send(frame)),
  "µs",
);

const server = new Sender(sink(), {});
const asServer = { fin: true, rsv1: false, opcode: 2, mask: false, readOnly: true, compress: false, binary: true };
const frames = new AudioFrames(sink(), 640);
const two = Buffer.concat([frame, frame]);
add(
  "two frames to the carrier",
  "ws",
  micros(50_000, () => {
    server.send(frame, asServer);
    server.send(frame, asServer);
  }),
  "µs",
);
add(
  "two frames to the carrier",
  "one write (ours)",
  micros(50_000, () => frames.send(two)),
  "µs",
);

const message = Buffer.from(
  JSON.stringify({ type: "audio_output", id: "5e21", index: 1, data: Buffer.alloc(134_444, 77).toString("base64") }),
);
const into = Buffer.alloc(200_000);
add(
  "a chunk of 1.4 s from EVI",
  "JSON.parse, Buffer.from",
  micros(2_000, () => void Buffer.from((JSON.parse(message.toString()) as { data: string }).data, "base64")),
  "µs",
);
add(
  "a chunk of 1.4 s from EVI",
  "cut out and decoded in slices (ours)",
  micros(2_000, () => {
    const heard = hear(message);
    if (heard.kind === "audio" && mostBytes(heard.audio) < into.length) decodeBase64(heard.audio, into);
  }),
  "µs",
);
const words = Buffer.from(
  JSON.stringify({
    type: "user_message",
    message: { role: "user", content: "Could we move it to Friday?" },
    models: { prosody: { scores: Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`Feeling ${i}`, i / 50])) } },
    time: { begin: 4210, end: 5630 },
    interim: false,
    from_text: false,
  }),
);
add(
  "the caller's final words",
  "JSON.parse",
  micros(20_000, () => void JSON.parse(words.toString())),
  "µs",
);
add(
  "the caller's final words",
  "parsed and checked (ours)",
  micros(20_000, () => void hear(words)),
  "µs",
);

process.stdout.write(
  `| piece | way | |\n|---|---|---|\n${rows.map(([piece, way, value, unit]) => `| ${piece} | ${way} | ${value.toFixed(2)} ${unit} |`).join("\n")}\n`,
);
