import { expect, test } from "vitest";
import { pack, unpack } from "./scores.ts";

/** A small seeded generator (mulberry32), so that a failing case can be run again. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `Feeling ${i}`);

test("48 scores are 97 bytes", () => {
  const vocabulary = names(48);
  expect(pack(vocabulary, Object.fromEntries(vocabulary.map((name, i) => [name, i / 48])))).toHaveLength(97);
});

test("a few scores of a large vocabulary are stored by place", () => {
  const bytes = pack(names(600), { "Feeling 7": 0.25, "Feeling 599": 1 });
  expect(bytes).toHaveLength(9);
  expect(unpack(bytes, names(600))).toEqual({ "Feeling 599": 1, "Feeling 7": 0.25 });
});

test("scores come back strongest first", () => {
  expect(Object.keys(unpack(pack(names(3), { "Feeling 0": 0.1, "Feeling 1": 0.9, "Feeling 2": 0.5 }), names(3)))).toEqual([
    "Feeling 1",
    "Feeling 2",
    "Feeling 0",
  ]);
});

test("bytes written before the vocabulary grew are read with the longer one", () => {
  expect(unpack(pack(names(2), { "Feeling 0": 0.5, "Feeling 1": 0 }), names(9))).toEqual({ "Feeling 0": 0.5, "Feeling 1": 0 });
});

test("names that mean something to JavaScript are ordinary names", () => {
  const vocabulary = ["__proto__", "constructor", "toString"];
  const scores = Object.fromEntries(vocabulary.map((name) => [name, 0.5]));
  expect(Object.entries(unpack(pack(vocabulary, scores), vocabulary))).toHaveLength(3);
});

test.each([
  ["a name outside the vocabulary", () => pack(["Joy"], { Awe: 0.1 }), /not in the vocabulary/],
  ["no bytes", () => unpack(new Uint8Array(), ["Joy"]), /Unknown packing/],
  ["an unknown first byte", () => unpack(Uint8Array.of(9, 0, 0), ["Joy"]), /Unknown packing/],
  ["a score broken off", () => unpack(Uint8Array.of(1, 0), ["Joy"]), /broken off/],
  ["more scores than names", () => unpack(Uint8Array.of(1, 0, 0, 0, 0), ["Joy"]), /has no name/],
])("%s is refused", (_, deed, said) => {
  expect(deed).toThrow(said);
});

test("whatever is packed comes back within one step, and nothing else does", () => {
  const next = random(20_261_122);
  // Gathered and looked at once: half a million claims of their own cost a hundred times what they are about.
  const wrong: unknown[] = [];
  for (let round = 0; round < 2_000; round++) {
    const vocabulary = names(1 + Math.floor(next() * 700));
    const density = next();
    const range = next() < 0.7 ? 1 : 200;
    const scores: Record<string, number> = {};
    for (const name of vocabulary) if (next() < density) scores[name] = range === 1 ? next() : (next() - 0.5) * range;
    const back = unpack(pack(vocabulary, scores), vocabulary);
    for (const name of vocabulary) {
      const [score, came] = [scores[name], back[name]];
      const allowed = range === 1 ? 2e-5 : Math.max(1e-6, Math.abs(score ?? 0) / 1024);
      const good = score === undefined || came === undefined ? score === came : Math.abs(came - score) <= allowed;
      if (!good) wrong.push([round, name, score, came]);
    }
    if (Object.keys(back).length !== Object.keys(scores).length) wrong.push([round, "names"]);
  }
  expect(wrong.slice(0, 10)).toEqual([]);
});
