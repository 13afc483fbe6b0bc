import { expect, test } from "vitest";
import { isAway } from "./away.ts";

const failed = (code?: string): Error => Object.assign(new Error("failed"), code === undefined ? {} : { code });

test.each(["EPIPE", "ECONNREFUSED", "ETIMEDOUT", "08006", "40P01", "53300", "55P03", "57P01", "57P03", "58030", undefined])(
  "%s may succeed later",
  (code) => {
    expect(isAway(failed(code))).toBe(true);
  },
);

test.each(["22P02", "23503", "23505", "42703", "42P01", "0A000", "XX000"])("%s fails the second time too", (code) => {
  expect(isAway(failed(code))).toBe(false);
});
