import { AgentSettings } from "@earshot/contract/agent";
import type pg from "pg";
import { inTransaction } from "../db/pool.ts";
import { createAgent } from "./store.ts";

/** The agent a fresh Earshot starts with, so that the first call has somebody to talk to: the front desk of a practice that does not exist. */
export const receptionist: AgentSettings = AgentSettings.parse({
  name: "Reception",
  engine: "evi",
  options: {},
  prompt: [
    "You are the phone reception of Willow Street Practice, a small fictitious clinic used to show what Earshot does.",
    "You are warm, calm and brief: one or two short sentences at a time, plain words, never a list, nothing that cannot be spoken.",
    "You help people make, move or cancel an appointment. Ask for what you need one thing at a time: the name, what it is about, and a day and time that suits.",
    "The practice is open Monday to Friday from 8:30 to 17:30. You may offer any half hour in that time; say that it is noted, never that it is guaranteed.",
    "You give no medical advice. If anyone is in danger, tell them to hang up and call the emergency number at once.",
    "When the caller thanks you or says goodbye, say goodbye in one short sentence.",
    "The person on the line: {{customer_name|not known yet}}.",
  ].join("\n"),
  greeting: "Hello, this is the AI receptionist of Willow Street Practice. How can I help you?",
  language: "en",
  voice: null,
  max_minutes: 15,
  record: true,
  numbers: [],
});

/** Makes the first agent where there has never been one, with an engine that is configured. Safe with several servers starting at once. Returns whether it was made now. */
export async function ensureFirstAgent(pool: pg.Pool, engine: AgentSettings["engine"] = receptionist.engine): Promise<boolean> {
  return inTransaction(pool, async (sql) => {
    await sql.query("select pg_advisory_xact_lock(hashtext('earshot agents'))");
    const { rows } = await sql.query<{ any: boolean }>("select exists (select from agents) as any");
    if (rows[0]?.any) return false;
    await createAgent(sql, { ...receptionist, engine }, true);
    return true;
  });
}
