import type { Utterance } from "@earshot/contract/call";
import { type CallStatus, callStatuses } from "@earshot/contract/status";
import { describe, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, place, playback, readCall, recorded, utterances } from "./shapes.ts";

const kinds = async (house: House, id: string) => (await events(house, id)).map((event) => event.kind);
const said = async (house: House, id: string, speaker: "agent" | "caller") =>
  (await utterances(house, id)).filter((u) => u.speaker === speaker).length;

/** Did the carrier get an answer of ours when it told of that? It asks for instructions twice, and tells each event once (vonage-voice §3, §6). */
async function heardOf(house: House, kind: "answer" | "record"): Promise<boolean> {
  const ask = async <T>(path: string): Promise<T> => (await (await fetch(new URL(path, house.phone.url))).json()) as T;
  const { calls } = await ask<{ calls: { uuid: string; to: { number?: string } }[] }>("/emulator/calls");
  const leg = calls.find(({ to }) => to.number === briefNumber.slice(1));
  if (leg === undefined) return false; // killed before it was dialled
  const { webhooks } = await ask<{ webhooks: { kind: string; status: number | null }[] }>(`/emulator/calls/${leg.uuid}`);
  return webhooks.some((told) => told.kind === kind && told.status !== null && told.status < 300);
}

/** So long the carrier looks for another process before it says that we are sorry (carrier/vonage/ncco.ts: 0.1, 1, 2, 3, 5 and 8 s). */
const CARRIER_TRIES_FOR_MS = 18_000;

/** Is it so far, or, on a busy machine, already farther? */
const reached = async (house: House, id: string, status: CallStatus): Promise<boolean> =>
  callStatuses.indexOf((await readCall(house, id)).status) >= callStatuses.indexOf(status);

/** Ten moments of a call at which the server is killed, each known by a fact and not by a time. */
const moments: readonly { when: string; seen: (house: House, id: string) => Promise<boolean> }[] = [
  { when: "right after it was placed", seen: async () => true },
  { when: "while it is dialled", seen: async (house, id) => (await readCall(house, id)).dialed_at !== null },
  { when: "while it rings", seen: (house, id) => reached(house, id, "ringing") },
  { when: "the moment it is answered", seen: (house, id) => reached(house, id, "in_progress") },
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
    const killedAt = performance.now();
    await house.startServer();
    const awayMs = performance.now() - killedAt;

    const call = await ended(house, id, 160_000);
    const after = await utterances(house, id);
    for (const kept of before.said)
      expect(after.some((u: Utterance) => u.id === kept.id && u.text.startsWith(kept.text.slice(0, 10)))).toBe(true);
    expect((await events(house, id)).map((e) => e.id)).toEqual(expect.arrayContaining(before.events.map((e) => e.id)));
    const webhooks = (await house.api<{ items: { id: string }[] }>(`/api/calls/${id}/webhooks`)).items;
    expect(webhooks.map((w) => w.id)).toEqual(expect.arrayContaining(before.webhooks.map((w) => w.id)));

    // Whom nobody answered while we were away, the carrier let go; else nobody but the two who talk ends the call.
    if (!(await heardOf(house, "answer"))) return expect(call.end_reason).not.toBeNull();
    if (awayMs < CARRIER_TRIES_FOR_MS) expect(["caller_hung_up", "agent_hung_up"]).toContain(call.end_reason);
    // A recording that was told to the dead is not known of; ours plays then.
    await recorded(house, id, (await heardOf(house, "record")) ? "carrier" : undefined);
    expect((await playback(house, id)).byteLength).toBeGreaterThan(1_000);
  });
});
