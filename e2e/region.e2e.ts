import { describe, test } from "vitest";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, place, readCall } from "./shapes.ts";

/** Lives in another region: where we ask, the network says 404 until the answer has told its region. */
const number = "+12025550141";
const people = [
  {
    number,
    habit: "Rings for a while, says one sentence and hangs up.",
    voice: "rms",
    whenDialled: { answers: { afterMs: 30_000 } },
    script: [
      { after: { silenceMs: 700, atMostMs: 8_000 }, say: { text: "Hello. I only wanted to see whether this works." } },
      { after: { ms: 1_500 }, hangUp: true },
    ],
    faults: { elsewhere: true },
  },
];
const happened = async (house: House, id: string) => (await events(house, id)).map(({ kind }) => kind);
const rings = (house: House, id: string) => until("it rings", async () => (await readCall(house, id)).status === "ringing", 30_000);

describe.concurrent("a call in another region, while it rings,", () => {
  test("cannot be hung up, and it is said: who picks up is not talked with", async ({ expect, onTestFinished }) => {
    const house = await openHouse({ people: { people } });
    onTestFinished(() => house.close());
    const id = await place(house, number);
    await rings(house, id);
    const refused = await house.api<{ code: string }>(`/api/calls/${id}/hangup`, { method: "POST", expect: 502 });
    expect(refused.code).toBe("CARRIER_REGION_UNKNOWN");
    expect(await happened(house, id)).toEqual(expect.arrayContaining(["call.hangup_asked", "call.hangup_failed"]));
    expect((await ended(house, id)).end_reason).toBe("operator_hung_up");
    expect(await happened(house, id)).not.toContain("audio.started");
  });

  test("survives a restart: it is not taken for over, and is talked with when it is answered", async ({ expect, onTestFinished }) => {
    const house = await openHouse({ people: { people } });
    onTestFinished(() => house.close());
    const id = await place(house, number);
    await rings(house, id);
    await house.server.kill();
    await house.startServer();
    await until("the watchdog has looked", async () => (await happened(house, id)).includes("watchdog.looked"), 60_000);
    const call = await ended(house, id, 120_000);
    expect(call.end_reason).toBe("caller_hung_up");
    expect(await happened(house, id)).toContain("audio.started");
  });
});
