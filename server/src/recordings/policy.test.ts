import { AgentSettings } from "@earshot/contract/agent";
import { RecordingSource } from "@earshot/contract/recording";
import type { RecordingPolicy } from "@earshot/contract/recording-policy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { newId } from "../ids.ts";
import { asksFirst, type ConsentState, wants, wantsSql } from "./policy.ts";

const consents: readonly ConsentState[] = [null, "asked", "given", "refused", "silent"];
const policies: readonly (RecordingPolicy | undefined)[] = [
  undefined,
  ...(["none", "notice", "ask"] as const).flatMap((consent) =>
    ([["carrier"], ["journal"], ["engine"], ["carrier", "journal", "engine"]] as const).map((sources) => ({
      sources: [...sources],
      consent,
    })),
  ),
];

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

describe("what an agent wants recorded", () => {
  it("is both independent recordings, when it says nothing else", () => {
    expect(RecordingSource.options.filter((source) => wants({ record: true, recording: undefined }, null, source))).toEqual([
      "carrier",
      "journal",
    ]);
  });

  it("is nothing when it does not record, whatever its policy", () => {
    for (const recording of policies)
      for (const source of RecordingSource.options) expect(wants({ record: false, recording }, "given", source)).toBe(false);
  });

  it("is nothing of a caller who is asked and did not agree", () => {
    const rules = { record: true, recording: { sources: ["carrier" as const], consent: "ask" as const } };
    expect(asksFirst(rules)).toBe(true);
    expect(consents.filter((consent) => wants(rules, consent, "carrier"))).toEqual(["given"]);
  });

  it("is the same in the database: every policy, every answer, every source", async () => {
    for (const record of [true, false]) {
      for (const recording of policies) {
        const agent = newId();
        await db.pool.query("insert into agents (id, version) values ($1, 1)", [agent]);
        await db.pool.query("insert into agent_versions (agent_id, version, settings) values ($1, 1, $2)", [
          agent,
          AgentSettings.parse({ name: "A", prompt: "", record, ...(recording ? { recording } : {}) }),
        ]);
        for (const consent of consents) {
          const call = newId();
          await db.pool.query(
            `insert into calls (id, direction, status, agent_id, agent_version, recording_consent, deadline_at) values ($1, 'inbound', 'ringing', $2, 1, $3, now())`,
            [call, agent, consent],
          );
          const { rows } = await db.pool.query(
            `select ${RecordingSource.options.map((source) => `${wantsSql(source)} as ${source}`).join(", ")}
               from calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version where c.id = $1`,
            [call],
          );
          const rules = { record, recording };
          expect(rows[0]).toEqual(Object.fromEntries(RecordingSource.options.map((source) => [source, wants(rules, consent, source)])));
        }
      }
    }
  });
});
