/** The load: both ends of every call in one process with one clock. Callers speak all the time; the engine answers, is cut, listens. */
import type { AddressInfo } from "node:net";
import WebSocket, { WebSocketServer } from "ws";
import { CarrierEnd, type Wanted } from "./carrier-end.ts";
import { answersOf, callerWords, type Speech } from "./engine-end.ts";
import type { Figures, FromGenerator, ToGenerator } from "./protocol.ts";
import { percentile, spread } from "./spread.ts";
import { trueSound } from "./true-sound.ts";

const FRAME_BYTES = 640;
const send = (message: FromGenerator): void => void process.send?.(message);
const now = (): number => performance.now();

const usual: Speech = { ms: 6_000, sound: "noise" };
/** The half of the carrier's rate that 48 kHz sound is folded at: 10 kHz would be heard as 6. */
const FOLDED_AT = 16_000;
const wantedOf = ({ ms, sound }: Speech): Wanted => ({
  speechMs: ms,
  sound: trueSound({ ms, sound }),
  toneHz: sound === "noise" ? null : sound > FOLDED_AT / 2 ? FOLDED_AT - sound : sound,
});

interface Call {
  readonly end: CarrierEnd;
  carrier: WebSocket | null;
  engine: WebSocket | null;
  sentFrames: number;
  heardFrames: number;
  turn: number;
  words: number;
  answers: number;
}
const calls: Call[] = [];
const ups: number[] = [];
const lates: number[] = [];
let upLost = 0;
let running = false;
let speech = usual;
let answer = answersOf(speech);
let wanted = wantedOf(speech);

/** Caller frames carry who and when in their first samples: call, number of the frame, time of sending. */
function callerFrame(call: number, number: number): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES, 3);
  frame.writeUInt32LE(call, 0);
  frame.writeUInt32LE(number, 4);
  frame.writeDoubleLE(now(), 8);
  return frame;
}

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
const prefix = '{"type":"audio_input","data":"';
server.on("connection", (socket) => {
  let call: Call | null = null;
  socket.send('{"type":"chat_metadata","chat_id":"chat-1","chat_group_id":"group-1","request_id":"r"}');
  socket.on("message", (data: Buffer) => {
    const start = data.indexOf(prefix);
    if (start !== 0) return;
    const head = Buffer.from(data.toString("latin1", prefix.length, prefix.length + 24), "base64");
    const index = head.readUInt32LE(0);
    const one = calls[index];
    if (one === undefined) return;
    if (call === null) {
      call = one;
      one.engine = socket;
    }
    const number = head.readUInt32LE(4);
    if (number !== one.heardFrames) upLost++;
    one.heardFrames = number + 1;
    ups.push(now() - head.readDoubleLE(8));
  });
});
await new Promise<void>((resolve) => server.on("listening", resolve));
send({ tell: "engine", url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });

/** All timed deeds of the generator, by one clockwork of 1 ms: 40 calls would otherwise be 100 timers. */
const due: { at: number; deed: () => void }[] = [];
function later(ms: number, deed: () => void): void {
  due.push({ at: now() + ms, deed });
}

async function connect(urls: readonly string[], wish: Speech, soon: boolean): Promise<void> {
  running = true;
  if (wish.ms !== speech.ms || wish.sound !== speech.sound) {
    speech = wish.ms === usual.ms && wish.sound === usual.sound ? usual : wish;
    answer = answersOf(speech);
    wanted = wantedOf(speech);
  }
  const before = calls.length;
  await Promise.all(
    urls.map(async (url, nth) => {
      const index = before + nth;
      const carrier = new WebSocket(url, { perMessageDeflate: false });
      const call: Call = { end: new CarrierEnd(), carrier, engine: null, sentFrames: 0, heardFrames: 0, turn: 0, words: 0, answers: 0 };
      calls[index] = call;
      await new Promise<void>((resolve, reject) => {
        carrier.once("open", resolve);
        carrier.once("error", reject);
      });
      carrier.on("message", (data: Buffer, isBinary) => {
        if (isBinary) call.end.frame(now(), data);
        else if (data.includes('"clear"')) call.end.cleared(now());
      });
      carrier.send('{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}');
      const phase = (nth * 20) / urls.length;
      const start = now() + phase;
      const speak = (): void => {
        if (!running || carrier.readyState !== WebSocket.OPEN) return;
        const dueFrames = Math.floor((now() - start) / 20) + 1;
        for (; call.sentFrames < dueFrames; call.sentFrames++) {
          lates.push(now() - (start + call.sentFrames * 20));
          carrier.send(callerFrame(index, call.sentFrames));
        }
        due.push({ at: start + call.sentFrames * 20, deed: speak });
      };
      later(phase, speak);
      later(soon ? 200 + ((index * 7_919) % 300) : 1_500 + ((index * 7_919) % 6_000), () => turn(call, index));
    }),
  );
  send({ tell: "connected" });
}

/** What has not come so long after a turn's end was lost, and not only late. */
const LATEST_MS = 3_500;

/** One turn of a call: 6 s of answer, every third cut after 2 s; then 3 s of the caller's words; and again. About half of it is agent speech. Of longer answers, and of sines, none is cut. */
function turn(call: Call, index: number): void {
  const socket = call.engine;
  if (!running || socket === null || socket.readyState !== WebSocket.OPEN) return;
  const number = call.turn++;
  const cut = speech === usual && number % 3 === 2;
  const id = `sentence-${String(index).padStart(4, "0")}-${String(number).padStart(5, "0")}`;
  let over = false;
  let first = true;
  for (const { afterMs, message } of answer(id)) {
    later(afterMs, () => {
      if (over) return;
      if (afterMs === 0 && typeof message === "string") call.answers++;
      if (typeof message !== "string" && first) {
        first = false;
        call.end.turnStarts(now(), wanted);
      }
      socket.send(message, { binary: false });
    });
  }
  const speaksMs = cut ? 2_000 : speech.ms + 500;
  later(speaksMs, () => {
    over = true;
    if (cut) {
      call.end.cut(now());
      socket.send(`{"type":"user_interruption","time":${Date.now()}}`);
    } else later(LATEST_MS, () => call.end.finishTurn());
    for (const { afterMs, message } of callerWords(call.heardFrames * 20, number))
      later(500 + afterMs, () => {
        if (!message.includes('"interim":true')) call.words++;
        socket.send(message);
      });
    later(4_200, () => turn(call, index));
  });
}

const clockwork = setInterval(() => {
  const time = now();
  for (let i = 0; i < due.length; i++) {
    const one = due[i] as (typeof due)[number];
    if (one.at > time) continue;
    due[i] = due.at(-1) as typeof one;
    due.pop();
    i--;
    one.deed();
  }
}, 1);

function figures(): Figures {
  const ends = calls.map(({ end }) => end);
  const leads = ends.flatMap(({ leads }) => leads);
  return {
    up: spread(ups),
    firstFrame: spread(ends.flatMap(({ firstFrames }) => firstFrames)),
    silence: spread(ends.flatMap(({ silences }) => silences)),
    leadMin: leads.reduce((least, lead) => Math.min(least, lead), Number.POSITIVE_INFINITY),
    leadP50: percentile(leads, 0.5),
    leadMax: leads.reduce((most, lead) => Math.max(most, lead), 0),
    underruns: ends.reduce((sum, { underruns }) => sum + underruns, 0),
    dryMs: ends.reduce((sum, { dryMs }) => sum + dryMs, 0),
    wrongSized: ends.reduce((sum, { wrongSized }) => sum + wrongSized, 0),
    leftover: ends.reduce((sum, { leftover }) => sum + leftover, 0),
    upLost,
    speechOffMs: ends.reduce((most, { offMs }) => Math.max(most, offMs), 0),
    paddedMs: ends.reduce((most, { paddedMs }) => Math.max(most, paddedMs), 0),
    clicks: ends.reduce((sum, { clicks }) => sum + clicks, 0),
    worstSample: ends.reduce((most, { worstSample }) => Math.max(most, worstSample), 0),
    overfed: ends.reduce((sum, { overfed }) => sum + overfed, 0),
    leadDriftMs: ends.reduce((most, { leadDriftMs }) => Math.max(most, leadDriftMs), 0),
    toneDb: ends
      .flatMap(({ toneDb }) => toneDb)
      .reduce((sum, db) => ({ least: Math.min(sum.least, db), most: Math.max(sum.most, db) }), {
        least: Number.POSITIVE_INFINITY,
        most: Number.NEGATIVE_INFINITY,
      }),
    turns: ends.reduce((sum, { turns }) => sum + turns, 0),
    frames: ends.reduce((sum, { frames }) => sum + frames, 0),
    generatorLateP99: percentile(lates, 0.99),
  };
}

process.on("message", (message: ToGenerator) => {
  switch (message.ask) {
    case "connect":
      void connect(message.urls, message.speech ?? usual, message.soon === true);
      return;
    case "measure":
      ups.length = 0;
      lates.length = 0;
      upLost = 0;
      for (const { end } of calls) end.forget();
      return;
    case "figures":
      send({ tell: "figures", figures: figures() });
      return;
    case "disconnect":
      running = false;
      due.length = 0;
      for (const { carrier } of calls) carrier?.close(1000);
      {
        const totals = calls.map(({ sentFrames, words, answers }) => ({ callerFrames: sentFrames, words, answers }));
        calls.length = 0;
        setTimeout(() => send({ tell: "disconnected", totals }), 500);
      }
      return;
    case "stop":
      clearInterval(clockwork);
      process.exit(0);
  }
});
