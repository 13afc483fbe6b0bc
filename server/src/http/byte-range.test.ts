import { describe, expect, it } from "vitest";
import { byteRange, isUnchanged, rangeStillHolds } from "./byte-range.ts";

describe("a Range header", () => {
  it.each([
    [undefined, "all"],
    ["bytes=0-", { from: 0, to: 999 }],
    ["bytes=0-0", { from: 0, to: 0 }],
    ["bytes=10-19", { from: 10, to: 19 }],
    ["bytes=990-5000", { from: 990, to: 999 }],
    ["bytes=999-", { from: 999, to: 999 }],
    ["bytes=-1", { from: 999, to: 999 }],
    ["bytes=-5000", { from: 0, to: 999 }],
    ["BYTES=5-6", { from: 5, to: 6 }],
    ["bytes= 5-6 ", { from: 5, to: 6 }],
    ["bytes=1000-", "none"],
    ["bytes=1000-1001", "none"],
    ["bytes=-0", "none"],
    ["bytes=20-10", "all"],
    ["bytes=0-1,5-6", "all"],
    ["bytes=-", "all"],
    ["bytes=a-b", "all"],
    ["seconds=1-2", "all"],
    ["bytes=1.5-2", "all"],
    ["bytes=99999999999999999999-", "all"],
  ] as const)("%s of 1000 bytes is %o", (header, expected) => {
    expect(byteRange(header, 1000)).toEqual(expected);
  });

  it("of nothing has no range", () => {
    expect(byteRange("bytes=0-", 0)).toBe("none");
    expect(byteRange("bytes=-5", 0)).toBe("none");
  });
});

describe("a condition", () => {
  it("If-Range holds only for the very same bytes", () => {
    expect(rangeStillHolds(undefined, '"a"')).toBe(true);
    expect(rangeStillHolds('"a"', '"a"')).toBe(true);
    expect(rangeStillHolds('W/"a"', '"a"')).toBe(false);
    expect(rangeStillHolds('"b"', '"a"')).toBe(false);
    expect(rangeStillHolds("Wed, 21 Oct 2015 07:28:00 GMT", '"a"')).toBe(false);
  });

  it("If-None-Match knows lists, weak tags and the star", () => {
    expect(isUnchanged(undefined, '"a"')).toBe(false);
    expect(isUnchanged('"b", W/"a"', '"a"')).toBe(true);
    expect(isUnchanged("*", '"a"')).toBe(true);
    expect(isUnchanged('"ab"', '"a"')).toBe(false);
  });
});
