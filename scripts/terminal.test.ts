import { expect, test } from "vitest";
import { wrap } from "./terminal.ts";

test.each([
  ["", 10, [""]],
  ["short", 10, ["short"]],
  ["a line that is broken at spaces", 12, ["a line that", "is broken at", "spaces"]],
  ["a-word-longer-than-the-line stays whole", 10, ["a-word-longer-than-the-line", "stays", "whole"]],
  ["  spaces \n and  line ends are one space ", 80, ["spaces and line ends are one space"]],
])("%j in %i columns", (text, columns, lines) => {
  expect(wrap(text, columns)).toEqual(lines);
});
