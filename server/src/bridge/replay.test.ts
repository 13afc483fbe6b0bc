import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { type CallId, newId } from "../ids.ts";
import { journalPath, openJournals } from "../journal/file.ts";
import { replayJournal } from "./replay.ts";
import { type Bridge, beginning, type Heard } from "./states.ts";
import { step } from "./step.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "earshot-replay-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const story: readonly Heard[] = [
  { what: "engine ready", at: 100, resume: "group-1" },
  { what: "media on", at: 900 },
  { what: "caller words", final: false, at: 0 },
  { what: "cut in" },
  { what: "caller words", final: true, at: 0 },
  { what: "media off", at: 5_000 },
  { what: "media on", at: 6_000 },
  { what: "engine ended", at: 7_000, why: "lost", code: "1006", text: "It broke off.", retry: true },
  { what: "engine ready", at: 8_000, resume: "group-1" },
  { what: "caller words", final: false, at: 0 },
  { what: "end", at: 20_000 },
  { what: "second", at: 22_600 },
  { what: "second", at: 23_100 },
];

/** A journal as the bridge writes it; `spoiled` changes one record. */
async function journalOf(spoiled: (entry: Record<string, unknown>, nth: number) => Record<string, unknown> = (entry) => entry) {
  const call = newId<CallId>();
  const journals = openJournals({ dir, clock: systemClock, log: { warn() {} } });
  const journal = journals.open(call);
  const now = () => systemClock.monotonicMs();
  journal.put("decided", now(), JSON.stringify({ begun: { resume: null }, state: "opening", actions: [] }));
  let bridge: Bridge = beginning(null);
  for (const [nth, heard] of story.entries()) {
    const [next, actions] = step(bridge, heard);
    if (next !== bridge || actions.length > 0)
      journal.put("decided", now(), JSON.stringify(spoiled({ heard, state: next.state, actions }, nth)));
    bridge = next;
    journal.put("callerFrame", now(), new Uint8Array(640));
    if (bridge.state === "talking") {
      journal.put("engineAudio", now(), JSON.stringify({ utterance: "a", samples: 320 }));
      journal.put("playedFrame", now(), new Uint8Array(640));
    }
  }
  await journals.close();
  return journalPath(dir, call);
}

test("a journal played again comes to the same decisions", async () => {
  const replay = await replayJournal(await journalOf());
  expect(replay.differences).toEqual([]);
  expect(replay).toMatchObject({ bridges: 1, decisions: 12, damagedBytes: 0 });
});

test("a decision that would be another today is shown, with what was heard", async () => {
  const path = await journalOf((entry, nth) => (nth === 3 ? { ...entry, actions: [] } : entry));
  const { differences } = await replayJournal(path);
  expect(differences).toMatchObject([
    { heard: '{"what":"cut in"}', recorded: "talking", replayed: 'talking, {"do":"drop speech","cutIn":true}' },
  ]);
});

test("sound that went out without having been let through is shown", async () => {
  const call = newId<CallId>();
  const journals = openJournals({ dir, clock: systemClock, log: { warn() {} } });
  const journal = journals.open(call);
  journal.put("decided", 0, JSON.stringify({ begun: { resume: null }, state: "opening", actions: [] }));
  journal.put("playedFrame", 0, new Uint8Array(640));
  await journals.close();
  expect((await replayJournal(journalPath(dir, call))).differences).toMatchObject([{ recorded: "320 samples went out" }]);
});
