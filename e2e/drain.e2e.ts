import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "@earshot/contract/call";
import pg from "pg";
import { describe, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { type House, openHouse, ourNumber, startProgram, until } from "./house.ts";
import { ended, type Page, place, readCall, utterances } from "./shapes.ts";

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

/** Somebody calls us; the call, once it has its row. */
async function callIn(house: House): Promise<Call> {
  const asked = await fetch(new URL("/emulator/calls", house.phone.url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ from: "+12025550106", to: ourNumber }),
  });
  if (!asked.ok) throw new Error(`Nobody could call: ${asked.status}`);
  return until("the call appears", async () => (await house.api<Page<Call>>("/api/calls?direction=inbound")).items[0]);
}

/** A Postgres that outlives every server of the test. */
async function openDatabase() {
  const dir = mkdtempSync(join(tmpdir(), "earshot-e2e-database-"));
  chmodSync(dir, 0o755); // the account that runs Postgres must get in
  const program = await startProgram("server/test/embedded-host.ts", [dir], { PATH: process.env.PATH, HOME: process.env.HOME });
  return {
    url: program.url,
    async close() {
      const gone = once(program.process, "exit");
      program.process.stdin?.end();
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Asks the server to stop while it carries a call. `stopped` comes with its exit code. */
async function stoppedInACall(house: House): Promise<{ id: string; stopped: Promise<number | null> }> {
  const id = await place(house, briefNumber);
  await talking(house, id);
  const stopped = house.server.stop();
  await until("it is no longer ready", async () => (await fetch(new URL("/readyz", house.server.url))).status === 503);
  return { id, stopped };
}

describe.concurrent("a server that is asked to stop", () => {
  test("lets the call under way end by itself, takes no new one, and exits cleanly", async ({ expect, onTestFinished }) => {
    const house = await openHouse({ people: briefPeople, env: drains });
    onTestFinished(() => house.close());
    const { id, stopped } = await stoppedInACall(house);
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
    const { id, stopped } = await stoppedInACall(house);
    house.server.process.kill("SIGTERM");
    expect(await stopped).toBe(0);
    await house.startServer();
    const call = await ended(house, id, 160_000);
    expect(["caller_hung_up", "agent_hung_up"]).toContain(call.end_reason);
    const said = await utterances(house, id);
    expect(said.filter(({ text }) => text.startsWith("Hello, this is"))).toHaveLength(1);
  });

  test("tells who calls now that nobody can talk, and accounts for them as turned away", async ({ expect, onTestFinished }) => {
    const house = await openHouse({ people: briefPeople, env: drains });
    onTestFinished(() => house.close());
    const { id, stopped } = await stoppedInACall(house);
    const { id: late } = await callIn(house);
    expect(await stopped).toBe(0);

    await house.startServer();
    expect(await ended(house, late)).toMatchObject({
      end_reason: "turned_away",
      end_detail: "The server was being stopped, and no other one was there to take the call.",
    });
    expect((await ended(house, id)).end_reason).toMatch(/^(caller|agent)_hung_up$/);
  }, 360_000);

  test("beside another one leaves who calls now to that, and ends when its own call has", async ({ expect, onTestFinished }) => {
    const database = await openDatabase();
    onTestFinished(() => database.close());
    const house = await openHouse({ people: briefPeople, env: { ...drains, SHARE_PORT: "1", DATABASE_URL: database.url } });
    onTestFinished(() => house.close());
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    onTestFinished(() => sql.end());
    const id = await place(house, briefNumber);
    await talking(house, id);
    const first = house.server;
    const second = await house.startServer();
    const stopped = first.stop();
    await until("it stops", async () => (await sql.query("select from processes where draining_at is not null")).rowCount === 1);
    const { id: late } = await callIn(house);
    expect(await stopped).toBe(0);
    expect((await ended(house, late)).end_reason).toMatch(/^(caller|agent)_hung_up$/);
    expect((await sql.query("select owner from calls where id = $1", [late])).rows[0].owner).toContain(`-${second.process.pid}-`);
    expect((await ended(house, id)).end_reason).toMatch(/^(caller|agent)_hung_up$/);
  }, 360_000);
});
