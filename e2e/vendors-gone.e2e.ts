import type { Call } from "@earshot/contract/call";
import { afterAll, beforeAll, expect, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, type Page, place, playback, readCall, recorded, utterances } from "./shapes.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse({ people: briefPeople });
});
afterAll(() => house.close());

test("with the phone network and the engine gone, every past call can be read and its recording played, also after a restart", async () => {
  const id = await place(house, briefNumber);
  await ended(house, id);
  await recorded(house, id, "carrier");
  await until("both recordings are compared", async () => (await events(house, id)).some((event) => event.kind === "recording.compared"));
  const before = await until("nothing more is to come of it: its costs are known", async () => {
    const now = await readCall(house, id);
    return now.cost.carrier !== null && now.cost.usage !== null && now;
  });
  const said = await utterances(house, id);
  const sound = await playback(house, id);

  await Promise.all([house.phone.kill(), house.evi.kill()]);
  for (const round of ["running", "restarted"]) {
    if (round === "restarted") {
      await house.server.stop();
      await house.startServer();
    }
    const list = await house.api<Page<Call>>("/api/calls");
    expect(list.items.map((call) => call.id)).toContain(id);
    expect(await house.api<Call>(`/api/calls/${id}`)).toEqual(before);
    expect(await utterances(house, id)).toEqual(said);
    expect((await events(house, id)).length).toBeGreaterThan(5);
    expect(Buffer.compare(await playback(house, id), sound)).toBe(0);
  }
});
