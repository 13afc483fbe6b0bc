import { describe, expect, test } from "vitest";
import { hear, silent, type Turn, type TurnEvent } from "./turn.ts";

/** Lives through sound written as `[voice?, ms]` runs; tells what happened and when. */
function live(sound: readonly (readonly [boolean, number])[], endOfTurnMs = 800): (TurnEvent & { atMs: number })[] {
  const events: (TurnEvent & { atMs: number })[] = [];
  let turn: Turn = silent;
  let nowMs = 0;
  for (const [voice, ms] of sound) {
    for (let passed = 0; passed < ms; passed += 20) {
      nowMs += 20;
      const [next, event] = hear(turn, nowMs, voice, { endOfTurnMs });
      turn = next;
      if (event) events.push({ ...event, atMs: nowMs });
    }
  }
  return events;
}

const told = (sound: readonly (readonly [boolean, number])[], endOfTurnMs?: number) =>
  live(sound, endOfTurnMs).filter((event) => event.what !== "lasts");

describe("the caller's turn", () => {
  test("begins where the voice began and ends where it ended, told after the silence that makes it an end", () => {
    expect(
      told([
        [false, 1_000],
        [true, 1_500],
        [false, 2_000],
      ]),
    ).toEqual([
      { what: "began", beginMs: 1_000, atMs: 1_060 },
      { what: "ended", beginMs: 1_000, endMs: 2_500, atMs: 3_300 },
    ]);
  });

  test("goes on over a pause shorter than that", () => {
    expect(
      told([
        [true, 500],
        [false, 780],
        [true, 500],
        [false, 800],
      ]).at(-1),
    ).toEqual({ what: "ended", beginMs: 0, endMs: 1_780, atMs: 2_580 });
  });

  test("ends sooner for the impatient, later for the patient", () => {
    expect(
      told(
        [
          [true, 500],
          [false, 500],
        ],
        500,
      ).at(-1),
    ).toMatchObject({ what: "ended", endMs: 500 });
    expect(
      told(
        [
          [true, 500],
          [false, 2_980],
        ],
        3_000,
      ),
    ).toEqual([{ what: "began", beginMs: 0, atMs: 60 }]);
  });

  test("is not begun by a click, and a cough is no turn", () => {
    expect(
      live([
        [true, 40],
        [false, 2_000],
      ]),
    ).toEqual([]);
    expect(
      told([
        [true, 100],
        [false, 2_000],
      ]).at(-1),
    ).toMatchObject({ what: "was nothing" });
  });

  test("tells how long it has lasted by its voice alone: the silence after a short word adds nothing", () => {
    const lasted = live([
      [true, 300],
      [false, 1_000],
    ]).flatMap((event) => (event.what === "lasts" ? [event.lastedMs] : []));
    expect(Math.max(...lasted)).toBe(300);
  });

  test("is told in between, first after 300 ms and then every 500 ms, while there is a voice", () => {
    expect(
      live([
        [true, 2_000],
        [false, 900],
      ]).flatMap((event) => (event.what === "lasts" && event.interimDue ? [event.atMs] : [])),
    ).toEqual([300, 800, 1_300, 1_800]);
  });

  test("is cut after a minute: nobody is listened to for ever", () => {
    expect(told([[true, 61_000]])[1]).toMatchObject({ what: "ended", atMs: 60_000 });
  });
});
