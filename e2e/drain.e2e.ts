import { describe, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, place, readCall, utterances } from "./shapes.ts";

const drains = { DRAIN_SECONDS: "120" };
const talking = (house: House, id: string) =>
  until("the agent's first words are stored", async () => (await utterances(house, id)).length >= 1, 90_000);

/** What a placing is answered with. */
async function refusal(house: House) {
  const answer = await fetch(new URL("/api/calls", house.server.url), {
    method: "POST",
    headers: { authorization: `Bearer ${house.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ to: briefNumber }),
  });
  return { status: answer.status, retryAfter: answer.headers.get("retry-after"), problem: (await answer.json()) as { code?: string } };
}

describe.concurrent("a server that is asked to stop", () => {
  test("lets the call under way end by itself, takes no new one, and exits cleanly", async ({ expect, onTestFinished }) => {
    const house = await openHouse({ people: briefPeople, env: drains });
    onTestFinished(() => house.close());
    const id = await place(house, briefNumber);
    await talking(house, id);
    const stopped = house.server.stop();
    await until("it is no longer ready", async () => (await fetch(new URL("/readyz", house.server.url))).status === 503);
    expect(await refusal(house)).toMatchObject({ status: 503, retryAfter: "5", problem: { code: "DRAINING" } });
    expect((await readCall(house, id)).status).toBe("in_progress");
    expect(await stopped).toBe(0);

    await house.startServer();
    const call = await ended(house, id);
    expect(["caller_hung_up", "agent_hung_up"]).toContain(call.end_reason);
    const said = await utterances(house, id);
    expect(said.filter(({ speaker }) => speaker === "caller")).toHaveLength(2);
  });

  test("that is told twice hands its call over: the next server goes on with it", async ({ expect, onTestFinished }) => {
    const house = await openHouse({ people: briefPeople, env: drains });
    onTestFinished(() => house.close());
    const id = await place(house, briefNumber);
    await talking(house, id);
    const stopped = house.server.stop();
    await until("it is no longer ready", async () => (await fetch(new URL("/readyz", house.server.url))).status === 503);
    house.server.process.kill("SIGTERM");
    expect(await stopped).toBe(0);
    await house.startServer();
    const call = await ended(house, id, 160_000);
    expect(["caller_hung_up", "agent_hung_up"]).toContain(call.end_reason);
    const said = await utterances(house, id);
    expect(said.filter(({ text }) => text.startsWith("Hello, this is"))).toHaveLength(1);
  });
});
