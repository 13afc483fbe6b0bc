import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { handClock } from "../evi/clock.ts";
import { speak } from "../speech/voice.ts";
import { startExpression } from "./server.ts";
import { openExpressionSession } from "./session.ts";

// biome-ignore lint/suspicious/noExplicitAny: the wire is what is tested
type Message = any;
let speech: Int16Array;
beforeAll(async () => {
  speech = await speak(
    "I have been waiting for this parcel since last week, and nobody has told me anything about it, which I find rather odd.",
    "rms",
  );
});

/** A session that hears `sound` in pieces of 100 ms of real time. */
function heard(sound: Int16Array, wish: { nested?: boolean; update?: unknown } = {}): { sent: Message[]; closed: number[] } {
  const clock = handClock();
  const sent: Message[] = [];
  const closed: number[] = [];
  const session = openExpressionSession({
    clock,
    nested: wish.nested === true,
    breaksAfterMs: null,
    send: (message) => void sent.push(message),
    close: (code) => void closed.push(code),
  });
  if (wish.update !== undefined) session.text(JSON.stringify({ type: "session.update", config: wish.update }));
  for (let at = 0; at < sound.length; at += 1_600) {
    session.audio(Buffer.from(new Uint8Array(sound.slice(at, at + 1_600).buffer)));
    clock.pass(100);
  }
  session.text('{"type":"session.close"}');
  return { sent, closed };
}
const results = (sent: Message[]): Message[] => sent.filter(({ type }) => type === "measurement.result");

test("speech is measured every three seconds and at its end, over at most ten", () => {
  const sound = new Int16Array(speech.length + 32_000);
  sound.set(speech, 8_000);
  const { sent, closed } = heard(sound);
  const measured = results(sent);
  expect(sent[0].type).toBe("session.created");
  expect(measured.map(({ trigger }) => trigger)).toContain("interval");
  expect(measured.length).toBeGreaterThanOrEqual(2);
  for (const { audio_start_ms, audio_end_ms, expressions } of measured) {
    expect(audio_end_ms - audio_start_ms).toBeLessThanOrEqual(10_000);
    expect(expressions.every(({ name, probability }: Message) => typeof name === "string" && probability <= 1)).toBe(true);
  }
  expect(sent.at(-1)).toMatchObject({ type: "session.closed", reason: "client_request" });
  expect(closed).toEqual([1000]);
});

test("a short word has its one result after it ended; silence has none", () => {
  expect(results(heard(new Int16Array(80_000)).sent)).toEqual([]);
  const sound = new Int16Array(48_000);
  sound.set(speech.slice(4_000, 14_000), 8_000);
  expect(results(heard(sound).sent).map(({ trigger }) => trigger)).toEqual(["speech_ended"]);
});

test("the other nesting, and another interval", () => {
  const { sent } = heard(speech, { nested: true, update: { measurement_timer_ms: 4_000 } });
  expect(results(sent)[0].measurement.audio_end_ms).toBeGreaterThanOrEqual(4_000);
  expect(results(heard(speech, { update: { measurement_timer_ms: 500 } }).sent)[0].audio_end_ms).toBeLessThan(4_000);
});

test("what is too fast, odd or late is refused as documented", () => {
  const clock = handClock();
  const sent: Message[] = [];
  const session = openExpressionSession({
    clock,
    nested: false,
    breaksAfterMs: null,
    send: (m) => void sent.push(m),
    close: () => undefined,
  });
  session.audio(Buffer.alloc(3));
  session.audio(Buffer.alloc(32_000));
  session.audio(Buffer.alloc(32_000));
  session.text("{");
  session.text('{"type":"session.update","config":{}}');
  expect(sent.filter(({ type }) => type === "error").map(({ code }) => code)).toEqual([
    "invalid_audio_frame",
    "rate_limited",
    "message_invalid",
    "config_invalid",
  ]);
  expect(sent.at(-1).type).toBe("session.closed");
});

let server: Awaited<ReturnType<typeof startExpression>>;
beforeAll(async () => {
  server = await startExpression({ port: 0, apiKey: "key" });
});
afterAll(() => server.close());

test.each([
  ["none", {}, 401],
  ["a wrong one", { "x-hume-api-key": "other" }, 401],
  ["two", { "x-hume-api-key": "key", authorization: "Bearer key" }, 401],
  ["exactly one", { "x-hume-api-key": "key" }, 101],
])("credentials: %s", async (_, headers, status) => {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/expression/audio/realtime`, { headers });
  const got = await new Promise<number | undefined>((resolve) => {
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    socket.on("open", () => resolve(101));
    socket.on("error", () => undefined);
  });
  expect(got).toBe(status);
  socket.terminate();
});
