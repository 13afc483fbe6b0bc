import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plan } from "./plan.ts";
import { MOST_SILENCE_MS } from "./report.ts";
import { longestSilence } from "./silence.ts";
import { openWorld } from "./world.ts";

test("twelve calls whose engine is lost at random moments talk on or end for a reason; nobody is greeted twice, left, or kept in silence", async () => {
  const dir = await mkdtemp(join(tmpdir(), "earshot-engine-chaos-"));
  const world = await openWorld(dir);
  try {
    const outcomes = await world.wave(plan(7, 12, 8_000), 2);
    // Tests run beside others on two cores, and an emulator that waits for a processor makes its callers wait: the bar itself is for the quiet machine of
    // main.ts. What is caught here is a caller who is left alone, which lasts until the agent's patience ends, or the call.
    const late = 2_000 + 4 * world.lateMs();
    expect(outcomes.flatMap((one) => one.met).length).toBeGreaterThan(8);
    for (const one of outcomes) {
      expect(one).toMatchObject({ end: expect.stringMatching(/^(talked|apologised)$/) });
      if (one.end === "apologised") expect(one).toMatchObject({ code: expect.any(String) });
      expect(one.greetings).toBeLessThanOrEqual(1);
      if (one.end === "talked") expect(one).toMatchObject({ greetings: 1, turns: 2 });
      expect(one.deadAirMs).toBeLessThanOrEqual(MOST_SILENCE_MS + late);
    }
    expect(outcomes.flatMap((one) => one.gaps).length).toBeGreaterThan(0);
  } finally {
    await world.close();
    await rm(dir, { recursive: true, force: true });
  }
}, 120_000);

test.each([
  ["nobody is heard at all", [], 5_000, 0],
  ["from the beginning to the first word", [[2_000, 4_800]], 2_000, 0],
  [
    "between two words",
    [
      [0, 1_000],
      [2_500, 5_000],
    ],
    1_500,
    1_000,
  ],
  ["from the last word to the end", [[0, 2_000]], 3_000, 2_000],
  [
    "words that overlap leave none",
    [
      [0, 3_000],
      [1_000, 2_000],
      [2_900, 5_000],
    ],
    0,
    0,
  ],
] as const)("the longest silence: %s", (_, heard, ms, from) => {
  const words = heard.map(([start, end]) => ({ who: "agent" as const, from: start, to: end }));
  expect(longestSilence(words, 0, 5_000)).toEqual({ ms, from });
});

test("the same seed plans the same calls", () => {
  expect(plan(3, 50)).toEqual(plan(3, 50));
  expect(plan(3, 50)).not.toEqual(plan(4, 50));
  expect(plan(3, 200).some(({ blows }) => blows.some(({ atMs }, at) => atMs < (blows[at - 1]?.atMs ?? 0)))).toBe(false);
});
