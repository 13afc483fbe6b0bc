import { describe, expect, test } from "vitest";
import { LEAD_MS, Player, type PlayerEvent } from "./player.ts";

/** A frame sent to the carrier, or (without bytes) a `clear`. */
interface Sent {
  at: number;
  bytes: Uint8Array;
}

/** A player, the carrier as the documents describe it, and a clock moved by hand in steps of 20 ms (or others). */
function house(rate = 16_000, { stepMs = 20 } = {}) {
  const sent: Sent[] = [];
  const events: PlayerEvent[] = [];
  const clears: { at: number; after: number }[] = [];
  let now = 1_000;
  const player = new Player({
    rate,
    send(bytes) {
      const size = (rate / 50) * 2;
      for (let i = 0; i < bytes.length; i += size) sent.push({ at: now, bytes: bytes.slice(i, i + size) });
    },
    tell: (event) => events.push(event),
  });
  const samples = (ms: number, value = 1): Int16Array => new Int16Array((rate * ms) / 1000).fill(value);
  return {
    player,
    sent,
    events,
    samples,
    say: (utterance: string, ms: number, value = 1) => player.push(utterance, samples(ms, value), now),
    connect: () => player.connect(now),
    finish: () => player.finish(now),
    cut: () => {
      const dropped = player.cut(now);
      if (dropped > 0) clears.push({ at: now, after: sent.length });
      return dropped;
    },
    clears,
    now: () => now,
    pass(ms: number, step = stepMs) {
      for (const until = now + ms; now < until; ) {
        now = Math.min(until, now + step);
        player.visit(now);
      }
    },
    /** A stall: time passes and nobody visits. */
    stall(ms: number) {
      now += ms;
    },
    bytes: () => sent.reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}

/** What the carrier holds and has not played at each send: arrives at once, plays in real time, runs dry. */
function leads(sent: readonly Sent[], bytesPerMs: number, clears: readonly { at: number; after: number }[] = []) {
  let end = Number.NEGATIVE_INFINITY;
  let dryMs = 0;
  const lead: number[] = [];
  for (const [i, { at, bytes }] of sent.entries()) {
    for (const clear of clears) if (clear.after === i) end = Math.min(end, clear.at);
    if (end > 0 && at > end + 0.001) dryMs += at - end;
    end = Math.max(end, at) + bytes.length / bytesPerMs;
    lead.push(end - at);
  }
  return { lead, dryMs };
}

test.each([
  [8_000, 320],
  [16_000, 640],
  [24_000, 960],
])("at %i Hz every frame has exactly %i bytes, whatever the engine's chunks", (rate, size) => {
  const { player, sent, connect, pass, now, finish } = house(rate);
  connect();
  for (const length of [1, 7, 319, 320, 321, 4_799, 100]) player.push("a", new Int16Array(length).fill(5), now());
  finish();
  pass(1_000);
  expect(new Set(sent.map(({ bytes }) => bytes.length))).toEqual(new Set([size]));
});

test("no sample is lost, doubled or moved", () => {
  const { player, sent, connect, pass, now, finish } = house();
  connect();
  const speech = Int16Array.from({ length: 16_000 }, (_, i) => i);
  for (let at = 0, i = 0; at < speech.length; i++) {
    const size = [333, 1, 640, 2_001][i % 4] as number;
    player.push("a", speech.subarray(at, at + size), now());
    at += size;
  }
  finish();
  pass(2_000);
  const heard = sent.flatMap(({ bytes }) => [...new Int16Array(bytes.slice().buffer)]);
  expect(heard.slice(0, speech.length)).toEqual([...speech]);
  expect(heard.slice(speech.length).every((sample) => sample === 0)).toBe(true);
  expect(player.paddedMs).toBeLessThanOrEqual(20);
});

test("the first frame leaves in the moment the sound arrives, not at the next tick", () => {
  const { sent, connect, say, now } = house();
  connect();
  say("a", 500);
  expect(sent[0]?.at).toBe(now());
  expect(sent).toHaveLength(LEAD_MS / 20);
});

test("the lead stays between 40 and 120 ms through a minute of speech given at once", () => {
  const { sent, connect, say, finish, pass } = house();
  connect();
  say("a", 60_000);
  finish();
  pass(61_000);
  const { lead, dryMs } = leads(sent, 32);
  expect(sent).toHaveLength(3_000);
  expect(Math.max(...lead)).toBeLessThanOrEqual(120);
  expect(Math.min(...lead.slice(5))).toBeGreaterThanOrEqual(80);
  expect(dryMs).toBe(0);
});

test("a tick that is never on time changes nothing: lead and pace are the clock's", () => {
  const { sent, connect, say, finish, pass } = house(16_000, { stepMs: 23.7 });
  connect();
  say("a", 30_000);
  finish();
  pass(31_000);
  const { lead, dryMs } = leads(sent, 32);
  expect(Math.max(...lead)).toBeLessThanOrEqual(120);
  expect(Math.min(...lead.slice(5))).toBeGreaterThanOrEqual(40);
  expect(dryMs).toBe(0);
});

test("a stall shorter than the lead is not heard", () => {
  const { sent, connect, say, finish, pass, stall } = house();
  connect();
  say("a", 2_000);
  finish();
  pass(500);
  stall(60);
  pass(2_000);
  expect(leads(sent, 32).dryMs).toBe(0);
});

test("after a long stall nothing is sent beyond the lead", () => {
  const { player, sent, connect, say, finish, pass, stall } = house();
  connect();
  say("a", 3_000);
  finish();
  pass(500);
  const before = sent.length;
  stall(400);
  pass(20);
  expect(sent.length - before).toBeLessThanOrEqual(LEAD_MS / 20 + 1);
  pass(4_000);
  expect(Math.max(...leads(sent, 32).lead)).toBeLessThanOrEqual(120);
  expect(sent).toHaveLength(150);
  expect(player.underruns).toBe(0);
});

test("a sentence whose sound comes too slowly is counted as an underrun and goes on", () => {
  const { player, sent, connect, say, finish, pass } = house();
  connect();
  say("a", 100);
  pass(300);
  say("a", 100);
  finish();
  pass(300);
  expect(player.underruns).toBe(1);
  expect(sent).toHaveLength(10);
});

test("the rest of a chunk waits for the next chunk of its sentence, and is padded only before the carrier runs dry", () => {
  const { player, connect, say, pass } = house();
  connect();
  say("a", 210);
  pass(60);
  expect(player.paddedMs).toBe(0);
  say("a", 110);
  pass(100);
  expect(player.paddedMs).toBe(0);
  pass(200);
  expect(player.paddedMs).toBe(0);
  say("a", 10);
  pass(200);
  expect(player.paddedMs).toBe(10);
});

test("sentences follow each other without a gap or padding between them", () => {
  const { player, sent, events, connect, say, finish, pass, now } = house();
  connect();
  const start = now();
  say("a", 130);
  say("b", 170);
  finish();
  pass(600);
  expect(sent).toHaveLength(15);
  expect(player.paddedMs).toBe(0);
  expect(events).toEqual([
    { what: "started", utterance: "a", at: start, knownMs: 130 },
    { what: "started", utterance: "b", at: start + 130, knownMs: 170 },
    { what: "ended", utterance: "a", at: start + 130, heardMs: 130, cut: false },
    { what: "ended", utterance: "b", at: start + 300, heardMs: 170, cut: false },
    { what: "quiet", at: start + 300 },
  ]);
});

test("what the engine says before the caller is there waits, and begins when they come", () => {
  const { player, sent, events, connect, say, finish, pass, now } = house();
  say("greeting", 400);
  finish();
  pass(2_000);
  expect(sent).toHaveLength(0);
  expect(player.unplayedMs(now())).toBe(400);
  const start = now();
  connect();
  expect(sent).toHaveLength(5);
  pass(600);
  expect(events[0]).toEqual({ what: "started", utterance: "greeting", at: start, knownMs: 400 });
  expect(events.at(-1)).toEqual({ what: "quiet", at: start + 400 });
});

describe("when the caller cuts in", () => {
  test("what was not heard is dropped, and how much of each sentence was heard is known to the millisecond", () => {
    const { player, sent, events, connect, say, pass, cut, now } = house();
    connect();
    say("a", 300);
    say("b", 500);
    say("c", 1_000);
    pass(460);
    const frames = sent.length;
    events.length = 0;
    expect(cut()).toBe(1_340);
    expect(events).toEqual([
      { what: "ended", utterance: "b", at: now(), heardMs: 160, cut: true },
      { what: "ended", utterance: "c", at: now(), heardMs: 0, cut: true },
      { what: "quiet", at: now() },
    ]);
    pass(1_000);
    expect(sent).toHaveLength(frames);
    expect(player.active).toBe(false);
    expect(player.unplayedMs(now())).toBe(0);
  });

  test("the next answer begins at once, with a fresh lead", () => {
    const { sent, connect, say, pass, cut, now } = house();
    connect();
    say("a", 3_000);
    pass(500);
    cut();
    const frames = sent.length;
    pass(40);
    say("b", 500, 9);
    const fresh = sent.slice(frames);
    expect(fresh).toHaveLength(5);
    expect(fresh.every(({ at, bytes }) => at === now() && bytes[0] === 9)).toBe(true);
  });

  test("a sentence heard to its end is not marked as cut", () => {
    const { events, connect, say, finish, pass, cut } = house();
    connect();
    say("a", 100);
    finish();
    pass(100);
    expect(cut()).toBe(0);
    expect(events.filter(({ what }) => what === "ended")).toEqual([{ what: "ended", utterance: "a", at: 1_100, heardMs: 100, cut: false }]);
  });

  test("cutting twice or in silence does nothing", () => {
    const { events, connect, cut } = house();
    connect();
    expect(cut()).toBe(0);
    expect(cut()).toBe(0);
    expect(events).toEqual([]);
  });
});

test("an engine that floods us is refused beyond three minutes", () => {
  const { player, connect, samples, now } = house();
  connect();
  for (let i = 0; i < 19; i++) player.push("a", samples(10_000), now());
  expect(player.push("a", samples(10_000), now())).toBe("full");
});

test("however the sound comes and the ticks fall, frames are whole, the lead bounded and the account right", () => {
  let seed = 42;
  const next = (most: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed / 0x8000_0000) * most;
  };
  for (let round = 0; round < 60; round++) {
    const { player, sent, events, clears, connect, pass, stall, now, finish, cut } = house();
    connect();
    const given = new Map<string, number>();
    for (let turn = 0; turn < 40; turn++) {
      const what = next(10);
      if (what < 5) {
        const utterance = `u${Math.floor(turn / 4)}`;
        const length = 1 + Math.floor(next(8_000));
        player.push(utterance, new Int16Array(length), now());
        given.set(utterance, (given.get(utterance) ?? 0) + length / 16);
      } else if (what < 8) pass(next(400), 5 + next(40));
      else if (what < 9) stall(next(300));
      else if (what < 9.5) finish();
      else cut();
    }
    finish();
    pass(30_000);
    expect(new Set(sent.map(({ bytes }) => bytes.length)).size).toBeLessThanOrEqual(1);
    expect(Math.max(0, ...leads(sent, 32, clears).lead)).toBeLessThanOrEqual(121);
    const heard = new Map<string, number>();
    for (const event of events) if (event.what === "ended") heard.set(event.utterance, (heard.get(event.utterance) ?? 0) + event.heardMs);
    for (const [utterance, ms] of given) expect(heard.get(utterance) ?? 0).toBeLessThanOrEqual(ms + 0.001);
    expect(player.active).toBe(false);
  }
});

test("an utterance of which sound was left out is not told as heard to its end, and the next one is", () => {
  const { player, samples, now, connect, finish, pass, events } = house();
  connect();
  for (let i = 0; i < 19; i++) player.push("a", samples(10_000), now());
  expect([player.push("a", samples(100), now()), player.push("a", samples(100), now())]).toEqual(["full", "still full"]);
  finish();
  pass(191_000);
  player.push("b", samples(100), now());
  finish();
  pass(400);
  expect(events.filter(({ what }) => what === "ended")).toMatchObject([
    { utterance: "a", cut: true, heardMs: 190_000 },
    { utterance: "b", cut: false },
  ]);
});
