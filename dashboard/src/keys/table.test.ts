import { describe, expect, it } from "vitest";
import { deedOf, keyTable, speedStep } from "./table.ts";

const press = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...more });

describe("a key", () => {
  it.each(keyTable.flatMap((row) => row.keys.map((key) => [key, row.deed] as const)))("%s does: %s", (key, deed) =>
    expect(deedOf(press(key), "page")).toBe(deed),
  );
  it("is in the table once", () => {
    const all = keyTable.flatMap((row) => row.keys);
    expect(new Set(all).size).toBe(all.length);
  });
  it("belongs to the text being typed", () =>
    expect(keyTable.every((row) => deedOf(press(row.keys[0] ?? ""), "text") === null)).toBe(true));
  it("space presses the focused button, other keys still work there", () => {
    expect(deedOf(press(" "), "button")).toBeNull();
    expect(deedOf(press("n"), "button")).toBe("next sentence");
  });
  it("arrows and letters move within a focused choice", () => {
    expect(deedOf(press("ArrowLeft"), "choice")).toBeNull();
    expect(deedOf(press("n"), "choice")).toBeNull();
    expect(deedOf(press("]"), "choice")).toBe("faster");
  });
  it("with Ctrl belongs to the browser", () => expect(deedOf(press("c", { ctrlKey: true }), "page")).toBeNull());
});

describe("speed", () => {
  it("goes in steps and holds at its ends", () => {
    expect(speedStep(1, 1)).toBe(1.25);
    expect(speedStep(1, -1)).toBe(0.75);
    expect(speedStep(2, 1)).toBe(2);
    expect(speedStep(0.5, -1)).toBe(0.5);
  });
});
