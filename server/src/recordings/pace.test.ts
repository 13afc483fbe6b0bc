import { expect, it } from "vitest";
import { pace, paced } from "./pace.ts";

/** A clock that sleeping moves on. */
function clock() {
  const time = { ms: 1000, slept: [] as number[] };
  const sleep = async (ms: number) => {
    time.slept.push(ms);
    time.ms += ms;
  };
  return { time, now: () => time.ms, sleep };
}

it("lets a burst through at once and then keeps to the rate, all users together", async () => {
  const { time, now, sleep } = clock();
  const { take } = pace(1000, 500, now, sleep);
  for (let i = 0; i < 5; i++) await take(100);
  expect(time.slept).toEqual([]);
  for (let i = 0; i < 10; i++) await take(100);
  expect(time.ms).toBe(2000);
});

it("has its burst again after a rest, and never more", async () => {
  const { time, now, sleep } = clock();
  const { take } = pace(1000, 500, now, sleep);
  await take(500);
  time.ms += 60_000;
  await take(500);
  expect(time.slept).toEqual([]);
  await take(1);
  expect(time.slept).toEqual([1]);
});

it("changes nothing of what passes", async () => {
  const { now, sleep } = clock();
  const chunks = (async function* () {
    yield Buffer.from("one");
    yield Buffer.from("two");
  })();
  const got: string[] = [];
  for await (const chunk of paced(chunks, pace(10, 1, now, sleep))) got.push(chunk.toString());
  expect(got).toEqual(["one", "two"]);
});
