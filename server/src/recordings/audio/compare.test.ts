import { describe, expect, it } from "vitest";
import { type Comparison, compare, type Finding } from "./compare.ts";
import { decode } from "./decode.ts";
import { clippedFor, cutOut, drifted, each, falseAlarms, holed, shifted, speaking, take, telephoned } from "./test-damage.ts";
import { conversation, mp3Of, silence, streamed, tone } from "./test-sounds.ts";

const talk = conversation(60, 42);
const journal = take(talk);
/** The same through the carrier's network. */
const heard = each(talk, (sound, side) => telephoned(sound, { gainDb: side === 0 ? -4 : 2, noiseDb: -62, seed: side }));
const found = (comparison: Comparison, what: Finding["what"]) => comparison.findings.filter((finding) => finding.what === what);

/** Encoded and decoded, as a carrier's file is. */
async function throughMp3(sides: readonly Float32Array[]): Promise<Float32Array[]> {
  const channels: number[][] = sides.map(() => []);
  for await (const sound of decode("mp3", streamed(await mp3Of(sides))))
    for (const [side, channel] of sound.channels.entries()) for (const sample of channel) channels[side]?.push(sample);
  return channels.map((side) => Float32Array.from(side));
}

describe("two recordings of the same call", () => {
  it("agree, with no offset and no drift", () => {
    const comparison = compare(journal, take(heard));
    expect(comparison).toMatchObject({ verdict: "agree", findings: [] });
    expect(Math.abs(comparison.offsetMs as number)).toBeLessThanOrEqual(5);
    expect(Math.abs(comparison.driftPpm as number)).toBeLessThan(30);
    expect(comparison.gainDb[0]).toBeLessThan(comparison.gainDb[1] as number);
  });

  it("agree through the carrier's mp3", async () => {
    expect(compare(journal, take(await throughMp3(heard))).verdict).toBe("agree");
  });

  it.each([0.2, -0.2, 2.345, -1.7, 25, -10])("that begin %f s apart are told apart by as much", (seconds) => {
    const { offsetMs, findings } = compare(journal, take(each(heard, (sound) => shifted(sound, -seconds))));
    expect(Math.abs((offsetMs as number) - seconds * 1000)).toBeLessThanOrEqual(10);
    if (Math.abs(seconds) < 0.3) expect(findings).toEqual([]);
    if (seconds > 10) expect(findings[0]).toMatchObject({ what: "lacks", in: "b", edge: "start" });
    expect(found({ findings } as Comparison, "jumps")).toEqual([]);
  });

  it.each([1000, -1000, 3000, 101_000])("whose clocks run apart by %i millionths are found to, and nothing else is", (ppm) => {
    const { driftPpm, findings } = compare(journal, take(each(heard, (sound) => drifted(sound, ppm))));
    expect(Math.abs((driftPpm as number) - ppm)).toBeLessThan(60 + Math.abs(ppm) / 500);
    expect(findings).toEqual([{ what: "drifts", in: "b", ppm: Math.round(driftPpm as number) }]);
  });
});

describe("sound that one recording lacks", () => {
  it.each([
    [0, "caller", 10],
    [1, "agent", 20],
    [0, "caller", 45],
  ] as const)("half a second of side %i is found, at its place", (side, name, from) => {
    const at = speaking(journal.levels[side] as Uint8Array, from);
    const { findings } = compare(journal, take(each(heard, (sound, which) => (which === side ? holed(sound, at, at + 0.5) : sound))));
    expect(findings).toHaveLength(1);
    const [gap] = findings as [Finding & { what: "lacks" }];
    expect(gap).toMatchObject({ what: "lacks", in: "b", side: name, edge: null });
    expect(Math.abs(gap.fromMs - at * 1000)).toBeLessThanOrEqual(110);
    expect(Math.abs(gap.toMs - (at + 0.5) * 1000)).toBeLessThanOrEqual(110);
  });

  it("the agent from the 41st second on is told from there to the end", () => {
    const { findings } = compare(journal, take(each(heard, (sound, side) => (side === 1 ? holed(sound, 41, 60) : sound))));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ what: "lacks", in: "b", side: "agent" });
    expect((findings[0] as { fromMs: number }).fromMs).toBeGreaterThanOrEqual(40_900);
    expect((findings[0] as { toMs: number }).toMs).toBeGreaterThan(55_000);
  });

  it.each([0, 1])("a whole side (%i) is told as one finding", (side) => {
    const { findings } = compare(journal, take(each(heard, (sound, which) => (which === side ? silence(60) : sound))));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ what: "lacks", in: "b", side: side === 0 ? "caller" : "agent" });
  });

  it("is told of ours as well as of the carrier's", () => {
    const { findings } = compare(take(each(talk, (sound) => holed(sound, 20, 23.2))), take(heard));
    expect(findings.length).toBeGreaterThan(0);
    for (const finding of findings) expect(finding).toMatchObject({ what: "lacks", in: "a" });
  });

  it("everything, when one is silent", () => {
    expect(compare(journal, take([silence(60), silence(60)]))).toMatchObject({
      verdict: "differ",
      findings: [{ what: "lacks", in: "b", side: "both" }],
    });
    expect(compare(take([silence(60), silence(60)]), take(heard)).findings[0]).toMatchObject({ in: "a" });
    expect(compare(take([silence(9), silence(9)]), take([silence(60), silence(60)])).verdict).toBe("silent");
  });

  it("the end, when the carrier's file breaks off", () => {
    const { findings } = compare(journal, take(each(heard, (sound) => sound.slice(0, 45 * 16_000))));
    expect(findings.map((finding) => finding.what)).toEqual(expect.arrayContaining(["lacks"]));
    for (const finding of findings) expect(finding).toMatchObject({ in: "b", edge: "end" });
  });
});

describe("time that one recording lacks", () => {
  it.each([
    [20, 0.5],
    [33, 0.12],
    [12, 3.2],
  ])("from second %i on, %f s, is found as a jump there", (at, long) => {
    const { findings, offsetMs } = compare(journal, take(each(heard, (sound) => cutOut(sound, at, at + long))));
    const [jump] = found({ findings } as Comparison, "jumps") as [Finding & { what: "jumps" }];
    expect(jump).toMatchObject({ in: "b" });
    expect(Math.abs(jump.lostMs - long * 1000)).toBeLessThanOrEqual(30);
    expect(Math.abs(jump.atMs - at * 1000)).toBeLessThan(6500);
    expect(Math.abs(offsetMs as number)).toBeLessThanOrEqual(15);
  });

  describe("half a second near the beginning or the end", () => {
    // Made once for all places: the way through the carrier's network costs more than the comparison.
    const calls = [42, 93, 55, 46].map((seed) => {
      const sides = conversation(60, seed, 8000);
      const through = each(sides, (sound, side) => telephoned(sound, { gainDb: -3, noiseDb: -62, seed: side }));
      return { ours: take(sides, 8000), through };
    });
    it.each([3.2, 5.19, 54, 56.3])("at second %f, is found", (from) => {
      for (const { ours, through } of calls) {
        const cut = each(through, (sound) => cutOut(sound, from, from + 0.5, 8000));
        const [jump] = found(compare(ours, take(cut, 8000)), "jumps") as [Finding & { what: "jumps" }];
        expect(Math.abs(jump.lostMs - 500)).toBeLessThanOrEqual(30);
        expect(Math.abs(jump.atMs - from * 1000)).toBeLessThan(4000);
      }
    });
  });

  it("of ours, is found as ours", () => {
    const jump = found(compare(take(each(talk, (sound) => cutOut(sound, 20, 21))), take(heard)), "jumps")[0];
    expect(jump).toMatchObject({ what: "jumps", in: "a" });
  });
});

describe("a recording that is not what it should be", () => {
  it("is told to have its sides exchanged", () => {
    const { findings, offsetMs } = compare(journal, take([...heard].reverse()));
    expect(findings).toEqual([{ what: "swapped", in: "b" }]);
    expect(Math.abs(offsetMs as number)).toBeLessThanOrEqual(5);
  });

  it("is told to be mixed, in one channel or twice the same", () => {
    const mixed = (heard[0] as Float32Array).map((sample, i) => sample + (heard[1]?.[i] as number));
    for (const sides of [[mixed], [mixed, mixed]]) {
      const { findings, offsetMs } = compare(journal, take(sides));
      expect(findings).toEqual([{ what: "mixed", in: "b" }]);
      expect(Math.abs(offsetMs as number)).toBeLessThanOrEqual(5);
    }
  });

  it("is told to be clipped, where and on which side, also through the carrier's mp3; ours as well", async () => {
    const at = speaking(journal.levels[1] as Uint8Array, 20);
    const loud = (sides: readonly Float32Array[]) => each(sides, (sound, side) => (side === 1 ? clippedFor(sound, at, at + 3) : sound));
    for (const [which, comparison] of [
      ["b", compare(journal, take(await throughMp3(loud(heard))))],
      ["a", compare(take(loud(talk)), take(heard))],
    ] as const) {
      const clips = comparison.findings.filter((finding) => finding.what === "clips");
      expect(clips.map((finding) => [finding.in, finding.side])).toEqual([[which, "agent"]]);
      expect(clips[0]?.fromMs).toBeGreaterThan(at * 1000 - 100);
      expect(clips[0]?.toMs).toBeLessThan(at * 1000 + 3100);
    }
  });

  it("is not told to be clipped where both are: it was so before either of them", () => {
    const loud = (sides: readonly Float32Array[]) => each(sides, (sound) => clippedFor(sound, 10, 40));
    expect(found(compare(take(loud(talk)), take(loud(talk))), "clips")).toEqual([]);
  });

  it("is the same call, however short, when it jumps in three places, and another when it is of somebody else", () => {
    for (const seed of [100, 103, 106, 109, 112, 115, 118, 121, 124, 127, 130, 133, 136, 139]) {
      const sides = conversation(11, seed);
      const torn = [2.75, 5.5, 8.25].reduce(
        (sound, at) => each(sound, (side) => cutOut(side, at, at + 0.45, 8000)),
        each(sides, (side, which) => telephoned(side, { gainDb: -3, noiseDb: -62, seed: which + seed })),
      );
      expect(found(compare(take(sides), take(torn)), "unlike")).toEqual([]);
      expect(found(compare(take(sides), take(conversation(11, seed + 4900))), "unlike")).toHaveLength(1);
    }
  });

  it("is told to be of another call", () => {
    expect(compare(journal, take(conversation(60, 4711))).findings).toEqual([{ what: "unlike", in: "b" }]);
    expect(compare(journal, take([tone(60, 440, 0.3), silence(60)])).findings).toEqual([{ what: "unlike", in: "b" }]);
  });
});

describe("no false alarm", () => {
  it("over pairs with lengths, beginnings, loudness, noise and clocks within what telephones do", () => {
    const { alarms, worstOffsetMs } = falseAlarms(40, 20260301);
    expect(alarms).toEqual([]);
    expect(worstOffsetMs).toBeLessThanOrEqual(15);
  });
});
