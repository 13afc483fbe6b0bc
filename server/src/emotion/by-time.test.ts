import { expect, test } from "vitest";
import { FeelingsByTime } from "./by-time.ts";

test("scores go to the utterance they overlap most", () => {
  const feelings = new FeelingsByTime();
  feelings.spoke("a", 0, 1_000);
  feelings.spoke("b", 2_000, 6_000);
  expect(feelings.measured({ fromMs: 900, toMs: 2_900, scores: { doubt: 0.4 } })).toEqual({ utterance: "b", scores: { doubt: 0.4 } });
});

test("scores that come before the words wait for them", () => {
  const feelings = new FeelingsByTime();
  expect(feelings.measured({ fromMs: 100, toMs: 800, scores: { relief: 0.5 } })).toBeNull();
  expect(feelings.measured({ fromMs: 5_000, toMs: 6_000, scores: { doubt: 0.5 } })).toBeNull();
  expect(feelings.spoke("a", 0, 1_000)).toEqual({ utterance: "a", scores: { relief: 0.5 } });
  expect(feelings.spoke("b", 5_200, 5_900)).toEqual({ utterance: "b", scores: { doubt: 0.5 } });
});

test("several measurements of one utterance give the strongest of each name, and no zeros", () => {
  const feelings = new FeelingsByTime();
  feelings.spoke("a", 0, 9_000);
  feelings.measured({ fromMs: 0, toMs: 3_000, scores: { doubt: 0.4, "surprise (negative)": 0.2 } });
  expect(feelings.measured({ fromMs: 0, toMs: 6_000, scores: { doubt: 0.1, interest: 0.3 } })?.scores).toEqual({
    doubt: 0.4,
    "surprise (negative)": 0.2,
    interest: 0.3,
  });
});
