import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Agent } from "@earshot/contract/agent";
import type { Keeping } from "@earshot/contract/keeping";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, place, playback, readCall, recordings, utterances } from "./shapes.ts";

/** Agrees by pressing 1 as soon as the question is asked; says a sentence to the agent. */
const agrees = "+12025550176";
/** Says nothing to the question. */
const silent = "+12025550177";
const says = { text: "Hello. I only wanted to see whether this works.", voice: "rms" };
const talks = [
  { after: { silenceMs: 900, atMostMs: 9_000 }, say: says },
  { after: { silenceMs: 900, atMostMs: 9_000 }, hangUp: true },
];
const people = [
  {
    number: agrees,
    habit: "Agrees to be recorded, says a sentence and hangs up.",
    voice: says.voice,
    whenDialled: { answers: { afterMs: 400 } },
    script: [{ after: { speechMs: 600, atMostMs: 9_000 }, press: "1" }, ...talks],
  },
  {
    number: silent,
    habit: "Does not answer whether it may be recorded, says a sentence and hangs up.",
    voice: says.voice,
    whenDialled: { answers: { afterMs: 400 } },
    script: [{ after: { ms: 17_000 }, say: says }, ...talks.slice(1)],
  },
];

let house: House;
let calls: { yes: string; no: string; all: string };
const keeping = (call: string): Promise<Keeping> => house.api<Keeping>(`/api/calls/${call}/keeping`);

beforeAll(async () => {
  house = await openHouse({ people: { people: [...people, ...briefPeople.people] } });
  const agent = async (name: string, recording: object): Promise<string> => {
    const settings = { name, prompt: "You are brief.", greeting: "Hello. How can I help you?", recording };
    return (await house.api<Agent>("/api/agents", { method: "POST", body: JSON.stringify(settings) })).id;
  };
  const asks = await agent("Asks first", { sources: ["carrier", "journal"], consent: "ask" });
  const wantsAll = await agent("Wants all", { sources: ["carrier", "journal", "engine"], consent: "none" });
  const [yes, no, all] = await Promise.all([
    place(house, agrees, { agent_id: asks }),
    place(house, silent, { agent_id: asks }),
    place(house, briefNumber, { agent_id: wantsAll }),
  ]);
  calls = { yes, no, all };
  await Promise.all(Object.values(calls).map((call) => ended(house, call)));
});
afterAll(() => house.close());

describe("an agent that asks before it records", () => {
  test("records a caller who presses 1, from there on, by both sources; question and answer are in the ledger", async () => {
    const both = await until("both recordings are verified", async () => {
      const all = await recordings(house, calls.yes);
      return all.length >= 2 && all.every(({ status }) => status === "verified") && all;
    });
    expect(both.map(({ source }) => source).sort()).toEqual(["carrier", "journal"]);
    const { consents } = await keeping(calls.yes);
    expect(consents.map(({ told_by, answer }) => `${told_by} ${answer}`)).toEqual(["carrier not_asked", "carrier given"]);
    expect(new Set(consents.map(({ words_sha256 }) => words_sha256)).size).toBe(1);
  });

  test("records nothing of a caller who does not: the call goes on, says why it has no recording, and the journal has no sound", async () => {
    const call = await readCall(house, calls.no);
    expect(call.recording).toMatchObject({ status: "none", url: null, because: { code: "RECORDING_NOT_CONSENTED" } });
    expect(await recordings(house, calls.no)).toEqual([]);
    expect((await utterances(house, calls.no)).some(({ speaker, text }) => speaker === "caller" && text === says.text)).toBe(true);
    expect((await keeping(calls.no)).consents.map(({ answer }) => answer)).toEqual(["not_asked", "silent"]);
    expect((await events(house, calls.no)).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["consent.not_asked", "consent.silent"]),
    );
    const sound = { frames: 0, loud: 0 };
    for (const payload of framesOf(await readFile(join(house.dir, "data/journal", `${calls.no}.journal`)))) {
      sound.frames++;
      if (payload.some((byte) => byte !== 0)) sound.loud++;
    }
    expect(sound.frames).toBeGreaterThan(100);
    expect(sound.loud).toBe(0);
  });
});

describe("an agent that wants every recording there is", () => {
  test("has the engine's own beside the carrier's and ours: fetched, decoded, verified, playable, and never from the engine's address", async () => {
    const all = await until("the engine's recording is verified", async () => {
      const found = await recordings(house, calls.all);
      return found.length === 3 && found.every(({ status }) => status === "verified") && found;
    });
    expect(all.map(({ source }) => source)).toEqual(["carrier", "journal", "engine"]);
    const engine = all[2];
    expect(engine).toMatchObject({ format: "mp4", url: `/api/calls/${calls.all}/recording?recording=${engine?.id}` });
    expect((await playback(house, calls.all, "?source=engine")).byteLength).toBe(engine?.size_bytes);
    expect((await playback(house, calls.all, "?source=engine&as=wav")).subarray(0, 4)).toEqual(new TextEncoder().encode("RIFF"));
  });
});

/** The frames of both sides in a journal, as server/src/journal/FORMAT.md says: a head of 16 bytes, kinds 2 and 3. */
function* framesOf(journal: Buffer): Generator<Buffer> {
  for (let at = 0; at + 16 <= journal.length; ) {
    const [kind, length] = [journal.readUInt8(at + 1), journal.readUInt32LE(at + 2)];
    if (kind === 2 || kind === 3) yield journal.subarray(at + 16, at + 16 + length);
    at += 16 + length;
  }
}
