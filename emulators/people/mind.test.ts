import { describe, expect, it } from "vitest";
import { awake, type Mind, think } from "./mind.ts";
import { type Person, Step } from "./person.ts";

/** Runs a mind over sound written as `[speech?, ms]` runs, and tells at which ms each deed began. A deed takes `deedMs`. */
function live(
  script: readonly unknown[],
  sound: readonly (readonly [boolean, number])[],
  { deedMs = 0, repeats = false } = {},
): [number, string][] {
  const person: Pick<Person, "script" | "repeats"> = { script: script.map((step) => Step.parse(step)), repeats };
  const done: [number, string][] = [];
  let mind: Mind = awake;
  let atMs = 0;
  let busyUntilMs = 0;
  for (const [speech, ms] of sound) {
    for (let passed = 0; passed < ms; passed += 20) {
      atMs += 20;
      const [next, step] = think(mind, person, speech, atMs <= busyUntilMs);
      mind = next;
      if (!step) continue;
      done.push([
        atMs,
        "say" in step && "text" in step.say ? (step.say.text ?? "") : (Object.keys(step).find((key) => key !== "after") ?? ""),
      ]);
      busyUntilMs = atMs + deedMs;
    }
  }
  return done;
}

const say = (text: string, after: unknown): unknown => ({ after, say: { text } });

describe("an emulated person", () => {
  it("speaks when the other side has spoken and then been silent long enough", () => {
    expect(
      live(
        [say("hello", { silenceMs: 900 })],
        [
          [false, 1000],
          [true, 2000],
          [false, 2000],
        ],
      ),
    ).toEqual([[3900, "hello"]]);
  });

  it("waits through a breath in the other side's turn", () => {
    expect(
      live(
        [say("hello", { silenceMs: 900 })],
        [
          [true, 1000],
          [false, 500],
          [true, 1000],
          [false, 2000],
        ],
      ),
    ).toEqual([[3400, "hello"]]);
  });

  it("speaks up by itself when nothing is heard at all", () => {
    expect(live([say("hello?", { silenceMs: 900, atMostMs: 3000 })], [[false, 5000]])).toEqual([[3000, "hello?"]]);
  });

  it("does not take what was said into its own words for an answer", () => {
    const script = [say("one", { silenceMs: 500 }), say("two", { silenceMs: 500, atMostMs: 4000 })];
    // "one" is said from 1500 to 3500; the other side talks into it and is silent afterwards
    expect(
      live(
        script,
        [
          [true, 1000],
          [false, 600],
          [true, 1000],
          [false, 8000],
        ],
        { deedMs: 2000 },
      ),
    ).toEqual([
      [1500, "one"],
      [7500, "two"],
    ]);
  });

  it("cuts in while the other side is still talking", () => {
    expect(
      live(
        [say("stop", { speechMs: 1800 })],
        [
          [false, 400],
          [true, 1000],
          [false, 400],
          [true, 3000],
        ],
      ),
    ).toEqual([[2200, "stop"]]);
  });

  it("does not count two separate turns as one long one", () => {
    expect(
      live(
        [say("stop", { speechMs: 1800 })],
        [
          [true, 1000],
          [false, 1000],
          [true, 1000],
          [false, 2000],
        ],
      ),
    ).toEqual([]);
  });

  it("acts at a time of its own when the script says so", () => {
    expect(
      live(
        [
          { after: { ms: 400 }, beep: { hz: 1000, ms: 500 } },
          { after: { ms: 1000 }, hangUp: true },
        ],
        [[true, 3000]],
        { deedMs: 500 },
      ),
    ).toEqual([
      [400, "beep"],
      [1900, "hangUp"],
    ]);
  });

  it("does nothing more when the script is at its end, or begins anew when it repeats", () => {
    const script = [say("again", { ms: 1000 })];
    expect(live(script, [[false, 3000]])).toEqual([[1000, "again"]]);
    expect(live(script, [[false, 3000]], { repeats: true })).toEqual([
      [1000, "again"],
      [2000, "again"],
      [3000, "again"],
    ]);
  });
});
