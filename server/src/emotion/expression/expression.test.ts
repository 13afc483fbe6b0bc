import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { babble } from "../../../test/carrier-socket.ts";
import { type Program, startProgram } from "../../../test/program.ts";
import { systemClock } from "../../clock.ts";
import type { EmotionSign } from "../port.ts";
import { EXPRESSION_SET, expressionSource } from "./expression.ts";

const emulator = join(import.meta.dirname, "../../../../emulators/expression/main.ts");
let program: Program | null = null;
afterEach(async () => {
  await program?.stop();
  program = null;
});

type Scores = Extract<EmotionSign, { what: "scores" }>;

/** Listens to a voice of `ms` after 600 ms of silence, in real time, and says goodbye. */
async function listened(rate: number, ms: number, args: readonly string[] = [], apiKey = "key"): Promise<EmotionSign[]> {
  program = await startProgram(emulator, ["--api-key", "key", ...args]);
  const source = expressionSource({ url: `${program.url.replace("http", "ws")}/v1/expression/audio/realtime`, apiKey, clock: systemClock });
  const signs: EmotionSign[] = [];
  const ear = source.open(rate, (sign) => void signs.push(sign));
  const sound = new Int16Array((rate * (ms + 1_000)) / 1000);
  sound.set(babble(ms, rate), (rate * 600) / 1000);
  const frame = rate / 50;
  const start = performance.now();
  for (let at = 0; at < sound.length; at += frame) {
    ear.audio(new Uint8Array(sound.slice(at, at + frame).buffer));
    await vi.waitUntil(() => performance.now() - start >= ((at / frame) * 20) / 1, { interval: 2 });
  }
  await ear.close();
  return signs;
}
const scores = (signs: readonly EmotionSign[]): Scores[] => signs.filter((sign) => sign.what === "scores");

test.each([8_000, 16_000, 24_000])("scores of a caller at %i Hz lie where they spoke", async (rate) => {
  const [first, ...rest] = scores(await listened(rate, 1_500));
  expect(rest).toEqual([]);
  expect(first?.set).toBe(EXPRESSION_SET);
  expect(first?.fromMs).toBeGreaterThan(400);
  expect(first?.fromMs).toBeLessThan(1_000);
  expect(Math.abs((first?.toMs ?? 0) - 2_100)).toBeLessThan(600);
  expect(Object.keys(first?.scores ?? {}).length).toBeGreaterThan(0);
});

test("the other nesting is understood as well", async () => {
  expect(scores(await listened(16_000, 1_000, ["--nested"]))).toHaveLength(1);
});

test("a session that breaks is opened again, and its scores lie where they belong", async () => {
  const signs = await listened(16_000, 3_600, ["--breaks-after-ms", "3000"]);
  expect(signs.filter(({ what }) => what === "trouble").length).toBeGreaterThanOrEqual(1);
  const last = scores(signs).at(-1);
  expect(last?.toMs).toBeGreaterThan(3_000);
  expect(last?.toMs).toBeLessThan(4_700);
});

test("a refused key is told once, and costs nothing else", async () => {
  const signs = await listened(16_000, 500, [], "another");
  expect(signs).toEqual([{ what: "trouble", code: "expression_http_401", text: expect.stringContaining("401") }]);
});

/** A listener on a clock moved by hand, and the other end of it. */
async function byHand() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const sessions: WebSocket[] = [];
  /** Of which sound has come: our side knows that they are open. */
  let begun = 0;
  server.on("connection", (socket) => {
    sessions.push(socket);
    socket.once("message", () => begun++);
  });
  let now = 0;
  let looks = 0;
  const monotonicMs = (): number => {
    looks++;
    return now;
  };
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signs: EmotionSign[] = [];
  const ear = expressionSource({ url, apiKey: "key", clock: { monotonicMs } }).open(16_000, (sign) => void signs.push(sign));
  return {
    signs,
    sessions,
    /** So much time passes, in which the caller is heard. */
    pass(ms: number) {
      for (let at = 0; at < ms; at += 100) {
        now += 100;
        ear.audio(new Uint8Array(3_200));
      }
    },
    opened: (count: number) => vi.waitFor(() => expect([sessions.length, begun]).toEqual([count, count])),
    /** The other end closes, and our side has noticed: it looks at the clock for when it may try again. */
    async breaks() {
      const before = looks;
      sessions.at(-1)?.close(1011);
      await vi.waitUntil(() => looks > before, { interval: 1 });
    },
    async end() {
      await ear.close();
      for (const session of sessions) session.terminate();
      server.close();
    },
  };
}

test("a listener that breaks again and again is tried for the whole call, each time later, and told of once", async () => {
  const one = await byHand();
  one.pass(100);
  await one.opened(1);
  for (const [count, waitMs] of [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000].entries()) {
    await one.breaks();
    one.pass(waitMs - 100);
    expect(one.sessions).toHaveLength(count + 1);
    one.pass(100);
    await one.opened(count + 2);
  }
  expect(one.signs.filter(({ what }) => what === "trouble")).toMatchObject([{ code: "expression_lost" }]);
  await one.end();
});

test("after a steady session a break is a short one again, and scores lie where the caller spoke", async () => {
  const one = await byHand();
  one.pass(100);
  await one.opened(1);
  await one.breaks();
  one.pass(200);
  await one.opened(2);
  one.pass(12_000);
  await one.breaks();
  one.pass(200);
  await one.opened(3);
  one.sessions[2]?.send(
    JSON.stringify({ type: "measurement.result", audio_start_ms: 0, audio_end_ms: 900, expressions: [{ name: "calm", probability: 0.5 }] }),
  );
  await vi.waitFor(() => expect(scores(one.signs)).toMatchObject([{ fromMs: 12_400, toMs: 13_300 }]));
  await one.end();
});

test("ten thousand errors of a kind are one sign", async () => {
  const one = await byHand();
  one.pass(100);
  await one.opened(1);
  for (let n = 0; n < 10_000; n++) one.sessions[0]?.send('{"type":"error","code":"message_invalid","message":"What?"}');
  one.sessions[0]?.send('{"type":"error","code":"internal_error","message":"Sorry."}');
  const troubles = (): EmotionSign[] => one.signs.filter(({ what }) => what === "trouble");
  await vi.waitFor(() => expect(troubles()).toHaveLength(2));
  await one.end();
});
