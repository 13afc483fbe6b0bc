import { describe, expect, it } from "vitest";
import { levelAt, Meter } from "./meter.ts";
import { packPeaks, unpackPeaks } from "./peaks.ts";
import { silence, tone } from "./test-sounds.ts";

function measured(channels: Float32Array[], rateHz = 16_000, block = 777) {
  const meter = new Meter();
  const length = channels[0]?.length ?? 0;
  for (let at = 0; at < length; at += block) meter.push({ rateHz, channels: channels.map((channel) => channel.subarray(at, at + block)) });
  return meter.finish();
}

describe("the meter", () => {
  it("tells loudness in dBFS: a full sine is -3, a tenth of it -23", () => {
    const { tracks } = measured([tone(1, 1000, 1), tone(1, 1000, 0.1)]);
    expect(tracks.map((track) => track.rmsDb)).toEqual([-3, -23]);
    expect(tracks[1]?.levels[10]).toBe(levelAt(-23));
  });

  it.each([8000, 11_025, 16_000, 44_100, 48_000])("has 200 frames a second at %i Hz, and the exact length", (rateHz) => {
    const { tracks, durationMs } = measured([tone(2.5, 300, 0.5, rateHz)], rateHz);
    expect(tracks[0]?.levels.length).toBeGreaterThanOrEqual(500);
    expect(tracks[0]?.levels.length).toBeLessThanOrEqual(501);
    expect(durationMs).toBe(2500);
  });

  it("knows digital silence from quiet", () => {
    const { tracks } = measured([silence(1), tone(1, 300, 0.00002)]);
    expect(tracks[0]?.rmsDb).toBe(Number.NEGATIVE_INFINITY);
    expect(Math.max(...(tracks[0]?.levels ?? []))).toBe(0);
    expect(Math.min(...(tracks[1]?.levels ?? []))).toBeGreaterThan(0);
  });

  it("counts flat tops as clipping, and a sine that touches the rail not", () => {
    const loud = tone(1, 200, 1.6).map((sample) => Math.max(-1, Math.min(1, sample)));
    expect(measured([loud]).tracks[0]?.clips.length).toBeGreaterThan(150);
    expect(measured([tone(1, 3000, 1)]).tracks[0]?.clips.length).toBe(0);
  });

  it("refuses sound that changes its shape", () => {
    const meter = new Meter();
    meter.push({ rateHz: 16_000, channels: [silence(1)] });
    expect(() => meter.push({ rateHz: 8000, channels: [silence(1)] })).toThrow(/changes/);
  });

  it("measures nothing as nothing", () => {
    expect(new Meter().finish()).toMatchObject({ durationMs: 0, tracks: [] });
  });
});

describe("peaks", () => {
  it("are 8000 points a channel, 32 kB in stereo, and come back as they were, or coarser", () => {
    const { tracks } = measured([tone(60, 200, 0.5), silence(60)]);
    const packed = packPeaks(tracks);
    expect(packed).toHaveLength(32_000);
    const { points, channels } = unpackPeaks(packed, 2);
    expect(points).toBe(8000);
    expect([2000, 500].map((wanted) => unpackPeaks(packed, 2, wanted).points)).toEqual([2000, 500]);
    expect(channels[0]?.slice(0, 2)).toEqual([-63, 64]);
    expect(new Set(channels[1])).toEqual(new Set([0]));
  });

  it("miss no peak, however short", () => {
    const sound = silence(3600);
    sound[23_456_789] = 0.9;
    const { channels } = unpackPeaks(packPeaks(measured([sound], 16_000, 1 << 20).tracks), 1);
    expect(Math.max(...(channels[0] ?? []))).toBe(114);
  });

  it("are as many as there are frames in a short sound", () => {
    expect(unpackPeaks(packPeaks(measured([tone(1, 200, 0.5)]).tracks), 1).points).toBe(200);
  });

  it("survive a buffer that begins in the middle of another", () => {
    const packed = packPeaks(measured([tone(1, 200, 0.5)]).tracks);
    const moved = Buffer.concat([Buffer.from([1, 2, 3]), packed]).subarray(3);
    expect(unpackPeaks(moved, 1)).toEqual(unpackPeaks(packed, 1));
  });
});
