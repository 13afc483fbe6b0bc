import { createHash } from "node:crypto";
import type pg from "pg";
import { inTransaction, type Sql } from "../../db/pool.ts";
import { EngineHasNot } from "../failures.ts";
import type { EngineSession } from "../port.ts";
import { type BaseConfig, type Configured, configBody, markOf } from "./config-body.ts";
import type { HumeRest } from "./rest.ts";
import { addVersion, type ConfigVersion, configNamed, createConfig, hasVersion, readConfig, versionMarked } from "./rest-configs.ts";
import { SavedOptions } from "./settings.ts";

export interface ConfigsParts {
  readonly pool: pg.Pool;
  readonly rest: HumeRest;
  /** Whose account it is, without telling: a Config of another account is not ours. */
  readonly apiKey: string;
  /** HUME_CONFIG_ID: the ground of every agent that names none of its own. */
  readonly configId: string | null;
  /** Where Hume shall tell of chats; null: nowhere. */
  readonly webhooks: string | null;
  /** An operator's own Config is read anew after so long: who edits it there need not save every agent here. A minute by default. */
  readonly freshMs?: number;
}

/** An agent at a version, with what of it stands in a Config. */
export type ConfiguredAgent = Configured & { readonly agent: NonNullable<EngineSession["agent"]> };

export interface Configs {
  /**
   * The agent's Config, if this process knows it already. One that was made from an operator's own and not looked at lately is looked at beside the
   * call, for the calls after it.
   */
  known(agent: ConfiguredAgent): ConfigVersion | null;
  /** Finds or makes the agent's Config. Asked by several at once it is made once. Throws EngineFailure, or what the database throws. */
  ensure(agent: ConfiguredAgent): Promise<ConfigVersion>;
  /** Hume does not know this one any more. */
  forget(config: ConfigVersion): void;
}

const FRESH_MS = 60_000;

/**
 * One Config an agent, one version of it an agent's version (decision 0012). Remembered in `engine_configs`; found again by its name and its
 * mark where the table does not know it, so that a lost answer, a restart or another process makes no second one. The only place that writes
 * that table.
 */
export function openConfigs(parts: ConfigsParts): Configs {
  const { pool, rest, freshMs = FRESH_MS } = parts;
  const account = createHash("sha256").update(`${rest.origin} ${parts.apiKey}`).digest("hex").slice(0, 16);
  const ready = new Map<string, { readonly config: ConfigVersion; readonly at: number }>();
  const underWay = new Map<string, Promise<ConfigVersion>>();
  const bases = new Map<string, { readonly base: BaseConfig; readonly at: number }>();

  const keyOf = ({ agent, manners, options, language }: ConfiguredAgent): string =>
    JSON.stringify([agent.id, agent.version, manners, options, language]);

  const ownOf = (agent: ConfiguredAgent): { id: string | null; config_version?: number | undefined } => {
    const { config_id, config_version } = SavedOptions.parse(agent.options);
    return { id: config_id ?? parts.configId, config_version };
  };
  const baseOf = async (agent: ConfiguredAgent): Promise<BaseConfig | null> => {
    const { id, config_version } = ownOf(agent);
    if (id === null) return null;
    const name = `${id} ${config_version ?? "latest"}`;
    const known = bases.get(name);
    if (known !== undefined && performance.now() - known.at < freshMs) return known.base;
    const base = await readConfig(rest, id, config_version ?? null);
    bases.set(name, { base, at: performance.now() });
    return base;
  };

  const make = async (wanted: ConfiguredAgent): Promise<ConfigVersion> => {
    const { agent } = wanted;
    const body = configBody(wanted, await baseOf(wanted), parts.webhooks);
    const mark = markOf(body);
    return inTransaction(pool, async (sql) => {
      // One at a time over all processes: between looking and making nobody else may make.
      await sql.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`earshot engine config ${agent.id}`]);
      const remembered = await recall(sql, account, agent, mark);
      if (remembered !== null && (await isThere(rest, remembered))) return remembered;
      const described = { version_description: `Version ${agent.version} of the agent ${agent.name} (${mark})`.slice(-250), ...body };
      const id = await configOf(sql, rest, account, agent.id);
      const config =
        id === null
          ? await createConfig(rest, { name: nameOf(agent.id), ...described })
          : ((await versionMarked(rest, id, `(${mark})`)) ?? (await addVersion(rest, id, described)));
      await sql.query(
        `insert into engine_configs (account, agent_id, agent_version, config, config_version, mark) values ($1, $2, $3, $4, $5, $6)
         on conflict (account, agent_id, agent_version) do update
           set config = excluded.config, config_version = excluded.config_version, mark = excluded.mark, made_at = now()`,
        [account, agent.id, agent.version, config.id, config.version, mark],
      );
      return config;
    });
  };

  const ensure = (agent: ConfiguredAgent, key: string): Promise<ConfigVersion> => {
    const making = underWay.get(key);
    if (making !== undefined) return making;
    const made = make(agent)
      .then((config) => {
        ready.set(key, { config, at: performance.now() });
        return config;
      })
      .finally(() => underWay.delete(key));
    underWay.set(key, made);
    return made;
  };
  return {
    known(agent) {
      const key = keyOf(agent);
      const known = ready.get(key);
      if (known === undefined) return null;
      if (ownOf(agent).id !== null && performance.now() - known.at > freshMs) ensure(agent, key).catch(() => {});
      return known.config;
    },
    ensure(agent) {
      const key = keyOf(agent);
      const known = ready.get(key);
      return known === undefined ? ensure(agent, key) : Promise.resolve(known.config);
    },
    forget({ id }) {
      for (const [key, { config }] of ready) if (config.id === id) ready.delete(key);
    },
  };
}

/** Under this name it is found again. */
const nameOf = (agent: string): string => `earshot ${agent}`;

async function recall(sql: Sql, account: string, agent: { id: string; version: number }, mark: string): Promise<ConfigVersion | null> {
  const { rows } = await sql.query<ConfigVersion>(
    `select config as id, config_version as version from engine_configs
      where account = $1 and agent_id = $2 and agent_version = $3 and mark = $4`,
    [account, agent.id, agent.version, mark],
  );
  return rows[0] ?? null;
}

/** The agent's Config at Hume, whichever version: by what we remember, else by its name. */
async function configOf(sql: Sql, rest: HumeRest, account: string, agent: string): Promise<string | null> {
  const { rows } = await sql.query<{ config: string; version: number }>(
    "select config, config_version as version from engine_configs where account = $1 and agent_id = $2 order by made_at desc limit 1",
    [account, agent],
  );
  const last = rows[0];
  if (last !== undefined && (await isThere(rest, { id: last.config, version: last.version }))) return last.config;
  return configNamed(rest, nameOf(agent));
}

async function isThere(rest: HumeRest, config: ConfigVersion): Promise<boolean> {
  try {
    await hasVersion(rest, config);
    return true;
  } catch (error) {
    if (error instanceof EngineHasNot) return false;
    throw error;
  }
}
