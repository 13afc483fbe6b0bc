import type { Utterance } from "@earshot/contract/call";
import { describe, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, place, playback, readCall, utterances } from "./shapes.ts";

const kinds = async (house: House, id: string) => (await events(house, id)).map((event) => event.kind);
const said = async (house: House, id: string, speaker: "agent" | "caller") =>
  (await utterances(house, id)).filter((u) => u.speaker === speaker).length;

/** Ten moments of a call at which the server is killed, each known by a fact and not by a time. */
const moments: readonly { when: string; seen: (house: House, id: string) => Promise<boolean> }[] = [
  { when: "right after it was placed", seen: async () => true },
  { when: "while it is dialled", seen: async (house, id) => (await readCall(house, id)).dialed_at !== null },
  { when: "while it rings", seen: async (house, id) => (await readCall(house, id)).status === "ringing" },
  { when: "the moment it is answered", seen: async (house, id) => (await readCall(house, id)).status === "in_progress" },
  { when: "when the agent's first words are stored", seen: async (house, id) => (await said(house, id, "agent")) >= 1 },
  { when: "when the caller's first words are stored", seen: async (house, id) => (await said(house, id, "caller")) >= 1 },
  { when: "in the second turn", seen: async (house, id) => (await said(house, id, "agent")) >= 4 },
  { when: "in the goodbye", seen: async (house, id) => (await said(house, id, "caller")) >= 2 },
  { when: "the moment it ended", seen: async (house, id) => (await readCall(house, id)).status === "ended" },
  { when: "when the recording is announced", seen: async (house, id) => (await kinds(house, id)).includes("recording.announced") },
];

describe.concurrent("the server is killed", () => {
  test.for(moments)("$when: the next start ends the call properly and loses nothing", async ({ seen }, { expect, onTestFinished }) => {
    const house = await openHouse({ people: briefPeople });
    onTestFinished(() => house.close());
    const id = await place(house, briefNumber);
    await until("the moment", () => seen(house, id), 90_000);
    const before = {
      said: await utterances(house, id),
      events: await events(house, id),
      webhooks: (await house.api<{ items: { id: string }[] }>(`/api/calls/${id}/webhooks`)).items,
    };
    await house.server.kill();
    await house.startServer();

    const call = await ended(house, id, 160_000);
    expect(call.end_reason).not.toBeNull();
    const after = await utterances(house, id);
    for (const kept of before.said)
      expect(after.some((u: Utterance) => u.id === kept.id && u.text.startsWith(kept.text.slice(0, 10)))).toBe(true);
    expect((await events(house, id)).map((e) => e.id)).toEqual(expect.arrayContaining(before.events.map((e) => e.id)));
    const webhooks = (await house.api<{ items: { id: string }[] }>(`/api/calls/${id}/webhooks`)).items;
    expect(webhooks.map((w) => w.id)).toEqual(expect.arrayContaining(before.webhooks.map((w) => w.id)));

    // An answered call leaves something to play: the carrier's file where it was announced, else the journal's.
    const settled = await until(
      "the recording settles",
      async () => {
        const now = await readCall(house, id);
        return ["verified", "stored", "missing", "failed", "none"].includes(now.recording.status) && now;
      },
      60_000,
    );
    if (settled.started_at !== null && before.said.length > 0) {
      expect(settled.recording.url).not.toBeNull();
      expect((await playback(house, id)).byteLength).toBeGreaterThan(1_000);
    }
  });
});
