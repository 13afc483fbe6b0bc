import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kinds, putRecord, takeRecord } from "../journal/record.ts";
import { type Replay, replayJournal } from "./replay.ts";

/*
 * Calls that were really held, with the emulated engines (server/test/replay-corpus.ts), through the bridge of today: what it decides, what of each
 * utterance it finds heard, when it clears and how it paces must be what it was. Who changes one of these on purpose makes the corpus anew.
 */

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "earshot-corpus-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

type Spoil = (kind: string, payload: Buffer) => Buffer | null;
const names = Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [kind, name]));

const corpus = async (name: string): Promise<Buffer> =>
  gunzipSync(await readFile(join(import.meta.dirname, "replay-corpus", `${name}.journal.gz`)));

async function replayedFrom(bytes: Uint8Array): Promise<Replay> {
  const path = join(dir, "a.journal");
  await writeFile(path, bytes);
  return replayJournal(path);
}

/** Replays one of the corpus; `spoil` changes its records, or (null) leaves one out. */
async function replayed(name: string, spoil?: Spoil): Promise<Replay> {
  const bytes = await corpus(name);
  return replayedFrom(spoil === undefined ? bytes : Buffer.concat([...spoiled(bytes, spoil)]));
}

/** Where its records end. */
function endsOf(bytes: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at < bytes.length; at = ends.at(-1) as number) {
    const found = takeRecord(bytes, at);
    if (typeof found === "string") throw new Error("The corpus is damaged.");
    ends.push(found.end);
  }
  return ends;
}

function* spoiled(bytes: Buffer, spoil: Spoil): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const found = takeRecord(bytes, at);
    if (typeof found === "string") throw new Error("The corpus is damaged.");
    const kind = bytes[at + 1] as number;
    const payload = spoil(names[kind] ?? "", found.payload);
    if (payload !== null) {
      const record = Buffer.alloc(16 + payload.length);
      putRecord(record, 0, kind, found.micros, payload);
      yield record;
    }
    at = found.end;
  }
}

test.each<[string, number, number?]>([
  ["cut-in", 2],
  ["engine-lost", 0],
  ["caller-away", 0],
  ["tool-and-keys", 0],
  ["goodbye", 0],
  ["no-recording", 0],
  ["taken-over", 0, 2],
])("a call played again is the same call: %s", async (name, clears, bridges = 1) => {
  const replay = await replayed(name);
  expect(replay.differences).toEqual([]);
  expect(replay).toMatchObject({ bridges, clears, damagedBytes: 0, pacing: { worstApartMs: 0 } });
  expect(replay.utterances).toBeGreaterThan(1);
  expect(replay.decisions).toBeGreaterThan(8);
});

test.each(["cut-in", "engine-lost", "caller-away", "tool-and-keys", "goodbye", "taken-over"])(
  "a journal whose process died is no difference, wherever it breaks off: %s",
  async (name) => {
    const bytes = await corpus(name);
    const ends = endsOf(bytes);
    for (let kept = 1; kept < ends.length; kept += 7) {
      const { differences } = await replayedFrom(bytes.subarray(0, ends[kept - 1]));
      expect([kept, differences]).toEqual([kept, []]);
    }
  },
  60_000,
);

const json = (payload: Buffer): Record<string, unknown> => JSON.parse(payload.toString()) as Record<string, unknown>;
const inJson = (change: (is: Record<string, unknown>) => Record<string, unknown>) => (payload: Buffer) =>
  Buffer.from(JSON.stringify(change(json(payload))));

test.each<[string, string, Spoil, object]>([
  [
    "other words",
    "cut-in",
    (kind, payload) => (kind === "utterance" ? inJson((is) => ({ ...is, text: `${is.text} indeed` }))(payload) : payload),
    { recorded: expect.stringContaining("indeed") },
  ],
  [
    "less of it heard",
    "cut-in",
    (kind, payload) => (kind === "utterance" ? inJson((is) => (is.cut === true ? { ...is, heardMs: 1 } : is))(payload) : payload),
    { recorded: expect.stringContaining("heard 1 ms, cut") },
  ],
  [
    "an utterance a tenth of a second later",
    "tool-and-keys",
    (kind, payload) =>
      kind === "utterance"
        ? inJson((is) => ({ ...is, startedAtMs: (is.startedAtMs as number) + 100, endedAtMs: (is.endedAtMs as number) + 100 }))(payload)
        : payload,
    { heard: expect.stringContaining("utterance") },
  ],
  ["a clear that was not sent", "cut-in", (kind, payload) => (kind === "carrierTold" ? null : payload), { heard: "the caller cuts in" }],
  [
    "a sentence the engine never told of",
    "tool-and-keys",
    (kind, payload) => (kind === "heard" && payload.includes('"agent text"') ? null : payload),
    { heard: expect.stringContaining("utterance") },
  ],
  [
    "frames sent one later than due",
    "goodbye",
    (() => {
      let waiting: Buffer | null = null;
      return (kind: string, payload: Buffer) => {
        if (kind !== "playedFrame") return payload;
        const now = waiting ?? Buffer.alloc(0);
        waiting = Buffer.from(payload);
        return now.length === 0 ? null : now;
      };
    })(),
    { heard: "playedFrame" },
  ],
])("a call that went otherwise is shown: %s", async (_, name, spoil, difference) => {
  const { differences } = await replayed(name, spoil);
  expect(differences).toContainEqual(expect.objectContaining(difference));
});
