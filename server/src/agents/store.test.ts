import { AgentSettings } from "@earshot/contract/agent";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { inTransaction } from "../db/pool.ts";
import type { AgentId } from "../ids.ts";
import { ensureFirstAgent, receptionist } from "./first.ts";
import {
  agentForCall,
  agentForNumber,
  agentVersion,
  archiveAgent,
  changeAgent,
  createAgent,
  getAgent,
  listAgents,
  makeDefault,
  withCleanNumbers,
} from "./store.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const settings = (more: object): AgentSettings => AgentSettings.parse({ name: "Sales", prompt: "Sell.", ...more });
const add = (more: object) => inTransaction(db.pool, (sql) => createAgent(sql, settings(more)));

describe("agents", () => {
  it("the first is made once, by whichever server is first, with an engine that is configured, and is the default", async () => {
    const made = await Promise.all([1, 2, 3].map(() => ensureFirstAgent(db.pool, "openai")));
    expect(made.filter(Boolean)).toHaveLength(1);
    const all = await listAgents(db.pool);
    expect(all).toMatchObject([{ version: 1, is_default: true, settings: { name: receptionist.name, engine: "openai" } }]);
    expect(AgentSettings.parse(receptionist)).toEqual(receptionist);
  });

  it("a change makes a version and leaves the earlier one to the calls that ran with it", async () => {
    const { id } = await add({ name: "Versions" });
    const changed = await inTransaction(db.pool, (sql) => changeAgent(sql, id, settings({ name: "Versions", prompt: "Sell more." }), 1));
    expect(changed.version).toBe(2);
    expect((await agentVersion(db.pool, id, 1))?.settings.prompt).toBe("Sell.");
    expect((await getAgent(db.pool, id)).settings.prompt).toBe("Sell more.");
    expect((await inTransaction(db.pool, (sql) => changeAgent(sql, id, changed.settings))).version).toBe(2);
  });

  it("a change to a version that is not the current one any more is refused", async () => {
    const { id } = await add({ name: "Raced" });
    await inTransaction(db.pool, (sql) => changeAgent(sql, id, settings({ name: "Raced", prompt: "One." }), 1));
    await expect(
      inTransaction(db.pool, (sql) => changeAgent(sql, id, settings({ name: "Raced", prompt: "Other." }), 1)),
    ).rejects.toMatchObject({
      code: "AGENT_CHANGED",
    });
  });

  it("a called number finds its agent, any other the default", async () => {
    const { id } = await add(withCleanNumbers(settings({ name: "Night desk", numbers: ["+1 202 555 0107"] })));
    expect((await agentForNumber(db.pool, "+12025550107"))?.id).toBe(id);
    expect((await agentForNumber(db.pool, "+12025550199"))?.settings.name).toBe(receptionist.name);
    expect((await agentForNumber(db.pool, null))?.settings.name).toBe(receptionist.name);
  });

  it("a number has one agent", async () => {
    await expect(add({ name: "Thief", numbers: ["+12025550107"] })).rejects.toMatchObject({ code: "NUMBER_TAKEN" });
  });

  it("an archived agent takes no calls; the default cannot be archived", async () => {
    const { id } = await add({ name: "Old", numbers: ["+12025550108"] });
    await archiveAgent(db.pool, id);
    expect((await agentForNumber(db.pool, "+12025550108"))?.id).not.toBe(id);
    await expect(agentForCall(db.pool, id)).rejects.toMatchObject({ code: "AGENT_UNKNOWN" });
    const standard = await agentForCall(db.pool, null);
    await expect(archiveAgent(db.pool, standard.id)).rejects.toMatchObject({ code: "DEFAULT_AGENT_NEEDED" });
    await expect(inTransaction(db.pool, (sql) => makeDefault(sql, id))).rejects.toMatchObject({ code: "AGENT_UNKNOWN" });
  });

  it("another default takes the place of the first", async () => {
    const { id } = await add({ name: "New front" });
    await inTransaction(db.pool, (sql) => makeDefault(sql, id));
    expect((await agentForCall(db.pool, null)).id).toBe(id);
    expect((await listAgents(db.pool)).filter((agent) => agent.is_default)).toHaveLength(1);
  });

  it("an unknown one is said to be unknown", async () => {
    await expect(getAgent(db.pool, "0199a0b1-7d1f-7000-8000-00000000dead" as AgentId)).rejects.toMatchObject({
      code: "AGENT_UNKNOWN",
      status: 404,
    });
  });

  it("settings of an older or newer version are read for what is known of them", async () => {
    const { id } = await add({ name: "Future" });
    await db.pool.query("update agent_versions set settings = settings - 'max_minutes' || '{\"telepathy\": true}' where agent_id = $1", [
      id,
    ]);
    const { settings: read } = await getAgent(db.pool, id);
    expect(read.max_minutes).toBe(30);
    expect(read).not.toHaveProperty("telepathy");
  });
});
