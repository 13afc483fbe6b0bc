// @ts-expect-error The app knows the browser only; its tests run on Node.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css: string = readFileSync(new URL("./look.css", import.meta.url), "utf8");

const pairs = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g)].map(([, name, light, dark]) => [name, { light, dark }]),
);

/** Relative luminance and contrast as WCAG 2.2 defines them. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a: string, b: string, theme: "light" | "dark"): number {
  const [high = 0, low = 0] = [pairs.get(a)?.[theme] ?? "", pairs.get(b)?.[theme] ?? ""].map(luminance).sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const written = ["ink", "ink-soft", "ink-faint", "caller-text", "agent-text", "good", "look"];
const drawn = ["caller", "agent", "edge"];
const grounds = ["paper", "raised", "sunk"];
const cases = (names: string[], on: string[]) =>
  names.flatMap((name) => on.flatMap((ground) => (["light", "dark"] as const).map((theme) => [name, ground, theme] as const)));

describe("contrast", () => {
  it.each(cases(written, grounds))("of %s written on %s in %s is AA", (name, ground, theme) =>
    expect(contrast(name, ground, theme)).toBeGreaterThanOrEqual(4.5),
  );
  it.each(cases(drawn, ["paper", "raised"]))("of %s drawn on %s in %s is 3:1", (name, ground, theme) =>
    expect(contrast(name, ground, theme)).toBeGreaterThanOrEqual(3),
  );
  it.each([
    ["ink", "caller-wash"],
    ["ink", "agent-wash"],
    ["ink-faint", "caller-wash"],
    ["ink-faint", "agent-wash"],
    ["look", "look-wash"],
    ["ink", "look-wash"],
  ])("of %s written on %s is AA in both", (name, ground) => {
    expect(contrast(name, ground, "light")).toBeGreaterThanOrEqual(4.5);
    expect(contrast(name, ground, "dark")).toBeGreaterThanOrEqual(4.5);
  });
});
