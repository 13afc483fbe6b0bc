import { type Agent, AgentSettings } from "@earshot/contract/agent";
import { z } from "zod";
import type { Sql } from "../db/pool.ts";
import { type AgentId, newId } from "../ids.ts";
import { cleanNumber } from "./examine.ts";
import { AgentChanged, AgentNumberInvalid, AgentUnknown, DefaultAgentNeeded, NoAgent, NumberTaken } from "./failures.ts";

/** The only place that writes `agents` and `agent_versions`. A version is never edited: calls keep the one they ran with. */

/** Settings as an older version may have left them: what this version does not know is left out, what it added has its default. */
const Stored = z.object(AgentSettings.shape);

/** An agent as calls need it. */
export interface LoadedAgent {
  readonly id: AgentId;
  readonly version: number;
  readonly settings: AgentSettings;
}

interface Row {
  id: AgentId;
  version: number;
  is_default: boolean;
  created_at: Date;
  settings: unknown;
}

const current = `select a.id, a.version, a.is_default, a.created_at, v.settings
  from agents a join agent_versions v on v.agent_id = a.id and v.version = a.version`;

/** A new agent at version 1. The first one becomes the default, so that a called number always finds somebody. In a transaction. */
export async function createAgent(sql: Sql, settings: AgentSettings, asDefault = false): Promise<LoadedAgent> {
  await lockAgents(sql);
  await refuseTakenNumbers(sql, settings, null);
  const id = newId<AgentId>();
  if (asDefault) await sql.query("update agents set is_default = false where is_default");
  await sql.query(
    `insert into agents (id, version, is_default)
     values ($1, 1, not exists (select from agents where is_default and archived_at is null))`,
    [id],
  );
  await sql.query("insert into agent_versions (agent_id, version, settings) values ($1, 1, $2)", [id, JSON.stringify(settings)]);
  return { id, version: 1, settings };
}

/**
 * Saves settings as the next version. `from` is the version the editor saw: when it is not the current one, somebody else's change would
 * be lost, so it is refused. The same settings again make no version. In a transaction.
 */
export async function changeAgent(sql: Sql, agent: AgentId, settings: AgentSettings, from: number | null = null): Promise<LoadedAgent> {
  await lockAgents(sql);
  const now = await getAgent(sql, agent);
  if (from !== null && from !== now.version) throw new AgentChanged(agent, now.version);
  await refuseTakenNumbers(sql, settings, agent);
  const { rows } = await sql.query<{ same: boolean }>("select $1::jsonb = $2::jsonb as same", [
    JSON.stringify(settings),
    JSON.stringify(now.settings),
  ]);
  if (rows[0]?.same) return { id: agent, version: now.version, settings };
  const version = now.version + 1;
  await sql.query("insert into agent_versions (agent_id, version, settings) values ($1, $2, $3)", [
    agent,
    version,
    JSON.stringify(settings),
  ]);
  await sql.query("update agents set version = $2 where id = $1", [agent, version]);
  return { id: agent, version, settings };
}

/** Makes an agent the one that takes what no other claims. In a transaction. */
export async function makeDefault(sql: Sql, agent: AgentId): Promise<void> {
  await lockAgents(sql);
  await agentForCall(sql, agent);
  await sql.query("update agents set is_default = false where is_default and id <> $1", [agent]);
  await sql.query("update agents set is_default = true where id = $1", [agent]);
}

/** Takes an agent out of service; its calls and versions stay. The default one cannot go. */
export async function archiveAgent(sql: Sql, agent: AgentId): Promise<void> {
  const { rowCount } = await sql.query("update agents set archived_at = now() where id = $1 and archived_at is null and not is_default", [
    agent,
  ]);
  if (rowCount === 0) {
    if ((await getAgent(sql, agent)).is_default) throw new DefaultAgentNeeded();
  }
}

/** Every agent in service, the default first, then by age. */
export async function listAgents(sql: Sql): Promise<Agent[]> {
  const { rows } = await sql.query<Row>(`${current} where a.archived_at is null order by a.is_default desc, a.created_at, a.id`);
  return rows.map(asAgent);
}

/** One agent, archived ones too. Throws AgentUnknown. */
export async function getAgent(sql: Sql, agent: AgentId): Promise<Agent> {
  const { rows } = await sql.query<Row>(`${current} where a.id = $1`, [agent]);
  if (rows[0] === undefined) throw new AgentUnknown(agent);
  return asAgent(rows[0]);
}

/** The agent a new call asks for, or the default. Throws AgentUnknown (also for archived ones) or NoAgent. */
export async function agentForCall(sql: Sql, agent: AgentId | null): Promise<LoadedAgent> {
  const { rows } = await sql.query<Row>(
    `${current} where a.archived_at is null and ${agent === null ? "a.is_default" : "a.id = $1"}`,
    agent === null ? [] : [agent],
  );
  const row = rows[0];
  if (row === undefined) throw agent === null ? new NoAgent() : new AgentUnknown(agent);
  return loaded(row);
}

/** Who answers a called number: the agent that claims it, else the default; null when there is neither. */
export async function agentForNumber(sql: Sql, number: string | null): Promise<LoadedAgent | null> {
  const { rows } = await sql.query<Row>(
    `${current} where a.archived_at is null and (a.is_default or v.settings->'numbers' ? $1)
     order by (v.settings->'numbers' ? $1) desc, a.created_at limit 1`,
    [number ?? ""],
  );
  return rows[0] === undefined ? null : loaded(rows[0]);
}

/** A certain version, as a call ran with it; null when it is not there. */
export async function agentVersion(sql: Sql, agent: AgentId, version: number): Promise<LoadedAgent | null> {
  const { rows } = await sql.query<{ settings: unknown }>("select settings from agent_versions where agent_id = $1 and version = $2", [
    agent,
    version,
  ]);
  return rows[0] === undefined ? null : { id: agent, version, settings: Stored.parse(rows[0].settings) };
}

/**
 * Settings as they are kept: numbers in E.164, so that a called number finds its agent however it was typed. Throws AgentNumberInvalid, naming
 * each place that holds no number.
 */
export function withCleanNumbers(settings: AgentSettings): AgentSettings {
  const read = settings.numbers.map((number, place) => ({ number, place: `numbers.${place}`, clean: cleanNumber(number) }));
  const { transfer_number: person } = settings;
  const transfer_number = person === null ? null : cleanNumber(person);
  const wrong = read.filter(({ clean }) => clean === null);
  if (person !== null && transfer_number === null) wrong.push({ number: person, place: "transfer_number", clean: null });
  if (wrong.length > 0) throw new AgentNumberInvalid(wrong);
  return { ...settings, numbers: [...new Set(read.map(({ number, clean }) => clean ?? number))], transfer_number };
}

async function refuseTakenNumbers(sql: Sql, settings: AgentSettings, except: AgentId | null): Promise<void> {
  if (settings.numbers.length === 0) return;
  const { rows } = await sql.query<{ number: string; name: string }>(
    `select n.number, v.settings->>'name' as name
     from agents a join agent_versions v on v.agent_id = a.id and v.version = a.version
     cross join lateral jsonb_array_elements_text(v.settings->'numbers') n(number)
     where a.archived_at is null and a.id is distinct from $1 and n.number = any($2) limit 1`,
    [except, settings.numbers],
  );
  if (rows[0] !== undefined) throw new NumberTaken(rows[0].number, rows[0].name);
}

/** Agents change rarely and must agree with each other (one default, one agent a number): one change at a time. */
async function lockAgents(sql: Sql): Promise<void> {
  await sql.query("select pg_advisory_xact_lock(hashtext('earshot agents'))");
}

function asAgent(row: Row): Agent {
  return {
    id: row.id,
    version: row.version,
    is_default: row.is_default,
    created_at: row.created_at.toISOString(),
    settings: Stored.parse(row.settings),
    notes: [],
  };
}

function loaded(row: Row): LoadedAgent {
  return { id: row.id, version: row.version, settings: Stored.parse(row.settings) };
}
