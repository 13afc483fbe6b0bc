import { expect, test } from "vitest";
import { Liveness } from "./liveness.ts";

/** One character a second: `f` a frame came, `p` a ping was answered, `.` nothing. What was to be done after each: a(sk), -, D(ead). */
const after = (seconds: string): string => {
  const liveness = new Liveness();
  return [...seconds]
    .map((what) => {
      if (what === "f") liveness.heard();
      if (what === "p") liveness.answered();
      return { ask: "a", fine: "-", dead: "D" }[liveness.second()];
    })
    .join("");
};

test.each([
  ["a talking peer is asked once, to learn whether it answers", "ffffff", "a-----"],
  ["a quiet peer is asked again and again", "ff.....", "a-aaaaa"],
  ["one that answered and then falls silent is dead after six seconds", "fpf......", "a--aaaaD"],
  ["one that answers while it is silent lives", "fpf.p.p.p.p", "a--a-a-a-a-"],
  ["one that never answered is left alone, however quiet", `ff${".".repeat(30)}`, `a-${"a".repeat(30)}`],
])("%s", (_, seconds, done) => {
  expect(after(seconds).slice(0, done.length)).toBe(done);
});
