import { describe, expect, it } from "vitest";
import { bars, barsPath, cutIns, gain, gaps, msOf, placeLabels, roomFor, ticks, type View, xOf, zoomed } from "./geometry.ts";

const view: View = { fromMs: 0, toMs: 60_000, width: 600 };

describe("time and pixels", () => {
  it("are each other's inverse", () => {
    expect(xOf(view, 30_000)).toBe(300);
    expect(msOf(view, 300)).toBe(30_000);
  });
  it("of an empty call divide by nothing", () => expect(xOf({ fromMs: 0, toMs: 0, width: 600 }, 0)).toBe(0));
});

describe("the time axis", () => {
  it("is labelled at round times with room between them", () =>
    expect(ticks(view)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]));
  it("of an hour on a phone has quarter hours", () =>
    expect(ticks({ fromMs: 0, toMs: 3_600_000, width: 360 })).toEqual([0, 900_000, 1_800_000, 2_700_000, 3_600_000]));
  it("of nothing is empty", () => expect(ticks({ fromMs: 0, toMs: 0, width: 360 })).toEqual([]));
});

describe("the lanes", () => {
  const peaks = {
    duration_ms: 1000,
    points: 4,
    channels: [
      [0, 10, -127, 0, 0, 64, 0, 0],
      [0, 0],
    ],
  };
  const small: View = { fromMs: 0, toMs: 1000, width: 12 };
  it("show the loudest moment of each bar, up or down", () =>
    expect(bars(peaks, 0, 0, small).map((b) => b.toFixed(2))).toEqual(["0.08", "1.00", "0.50", "0.00"]));
  it("stand at the right time when the recording began later than the call", () =>
    expect(bars(peaks, 0, 500, small).map((b) => b.toFixed(2))).toEqual(["0.00", "0.00", "0.08", "1.00"]));
  it("draw silence as silence, not as the noise of the line", () =>
    expect(bars({ duration_ms: 1000, points: 1, channels: [[-1, 1]] }, 0, 0, { fromMs: 0, toMs: 1000, width: 3 })).toEqual([0]));
  it("of a channel that is missing are silent", () => expect(bars(peaks, 5, 0, small)).toEqual([0, 0, 0, 0]));
  it("share one gain, so that a quiet side looks quiet", () => expect(gain([0.5, 0.1], [0.05])).toBeCloseTo(10, -1));
  it("of silence are not blown up", () => {
    expect(gain([0, 0], [0])).toBe(1);
    expect(gain([0.001], [0.001])).toBe(6);
  });
  it("are mirrored: the caller above the line, the agent below", () => {
    expect(barsPath([1], 1, 41, -1)).toBe("M1.5 -1V-41.0");
    expect(barsPath([1, 0], 1, 41, 1)).toBe("M1.5 1V41.0");
  });
});

const said = (speaker: "caller" | "agent", started_ms: number, ended_ms: number, cut = false) => ({ speaker, started_ms, ended_ms, cut });

it("a gap is the wait between two voices, not a pause within one", () => {
  const talk = [said("agent", 0, 1000), said("agent", 2000, 3000), said("caller", 3800, 5000), said("agent", 4900, 6000)];
  expect(gaps(talk)).toEqual([{ fromMs: 3000, toMs: 3800, waitingFor: "caller" }]);
});
it("a cut-in stands where speech was broken off", () => {
  expect(cutIns([said("agent", 0, 1000, true), said("caller", 900, 2000)]).map((u) => u.ended_ms)).toEqual([1000]);
});
it("the weightiest labels get the room, in reading order, none over another", () => {
  const label = (at: number, text: string, weight: number) => ({ at, text, weight, widthPx: 50 });
  expect(
    placeLabels([label(100, "b", 1), label(0, "a", 2), label(40, "over a", 1.5), label(580, "over the edge", 9)], 600).map((l) => l.text),
  ).toEqual(["a", "b"]);
});
it("a running call's score keeps its scale, and grows in round steps", () => {
  expect([0, 28_000, 29_000, 58_000, 3_500_000].map(roomFor)).toEqual([30_000, 30_000, 60_000, 120_000, 7_200_000]);
});
describe("zooming", () => {
  it("keeps the moment under the pointer where it is", () => {
    const close = { ...zoomed(view, 0.5, 15_000, 60_000, 2000), width: view.width };
    expect(xOf(close, 15_000)).toBeCloseTo(150);
    expect(close.toMs - close.fromMs).toBe(30_000);
  });
  it("stays within the call, and within what is worth drawing", () => {
    expect(zoomed({ fromMs: 30_000, toMs: 60_000 }, 10, 60_000, 60_000, 2000)).toEqual({ fromMs: 0, toMs: 60_000 });
    expect(zoomed(view, 0.0001, 60_000, 60_000, 2000)).toEqual({ fromMs: 58_000, toMs: 60_000 });
  });
  it("of a call shorter than that shows all of it", () =>
    expect(zoomed({ fromMs: 0, toMs: 900 }, 0.5, 0, 900, 2000)).toEqual({ fromMs: 0, toMs: 900 }));
});
