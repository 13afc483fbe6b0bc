import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
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
  const signs = await listened(16_000, 3_600, ["--breaks-after-ms", "2000"]);
  expect(signs.filter(({ what }) => what === "trouble").length).toBeGreaterThanOrEqual(1);
  const last = scores(signs).at(-1);
  expect(last?.toMs).toBeGreaterThan(3_000);
  expect(last?.toMs).toBeLessThan(4_700);
});

test("a refused key is told once, and costs nothing else", async () => {
  const signs = await listened(16_000, 500, [], "another");
  expect(signs).toEqual([{ what: "trouble", code: "expression_http_401", text: expect.stringContaining("401") }]);
});
