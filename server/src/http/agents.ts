import { Agent, type AgentNote, AgentSettings, EngineInfo } from "@earshot/contract/agent";
import { page } from "@earshot/contract/call";
import { z } from "zod";
import { requireEngine } from "../agents/engines.ts";
import { examine, type House, notesOn } from "../agents/examine.ts";
import { AgentUnknown } from "../agents/failures.ts";
import {
  agentVersion,
  archiveAgent,
  changeAgent,
  createAgent,
  getAgent,
  listAgents,
  makeDefault,
  withCleanNumbers,
} from "../agents/store.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { AgentId } from "../ids.ts";
import { recordAudit } from "../people/audits.ts";
import { withSecretsKept } from "../tools/secrets.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";

const OfAgent = z.object({ id: z.uuid().transform((id) => id.toLowerCase() as AgentId) });
const OfVersion = OfAgent.extend({ version: z.coerce.number().int().min(1).max(2_147_483_647) });
const SeenVersion = z.object({
  "if-match": z
    .string()
    .regex(/^"?\d{1,9}"?$/)
    .transform((tag) => Number(tag.replaceAll('"', "")))
    .optional()
    .describe("The version that was edited: refused when somebody changed the agent since."),
});

/** The configured personas. Every change makes a version; a call keeps the one it ran with. */
export function agentRoutes(door: Door, { pool, clock, engines, engineKinds, tellings, secretsKey, agentSaved }: DoorParts): void {
  const configured = Object.keys(engines);
  const house: House = { local: tellings.local, seals: secretsKey !== null };
  /** With what is to be known about its settings, and what could not be checked when they were saved just now. */
  const shown = (agent: Agent, unchecked: readonly AgentNote[] = []): Agent => ({
    ...agent,
    notes: [
      ...unchecked,
      ...notesOn(agent.settings, configured.includes(agent.settings.engine) ? engines[agent.settings.engine] : undefined, house),
    ],
  });
  /** Settings as they may be saved, and what could not be checked. Nothing is written yet: the vendor is asked outside of any transaction. */
  const checked = async (body: AgentSettings): Promise<{ settings: AgentSettings; unchecked: AgentNote[] }> => {
    requireEngine(body.engine, configured, "engine");
    const settings = withCleanNumbers(body);
    const engine = engines[settings.engine];
    return { settings, unchecked: engine === undefined ? [] : await examine(settings, engine, house) };
  };
  const kept = async (sql: Sql, settings: AgentSettings, by: string): Promise<AgentSettings> => ({
    ...settings,
    tools: await withSecretsKept(sql, settings.tools, { by, at: clock.now(), key: secretsKey }),
  });

  const read = { access: { needs: "agents.read" } } as const;
  const change = { access: { needs: "agents.change" } } as const;

  door.get(
    "/api/agents",
    { config: read, schema: { summary: "List agents, the default first", tags: ["agents"], response: { 200: page(Agent) } } },
    async () => ({ items: (await listAgents(pool)).map((agent) => shown(agent)), next: null }),
  );

  door.post(
    "/api/agents",
    { config: change, schema: { summary: "Make an agent", tags: ["agents"], body: AgentSettings, response: { 201: Agent } } },
    async (request, reply) => {
      const { settings, unchecked } = await checked(request.body);
      const { actor } = credentialIn(request);
      const made = await inTransaction(pool, async (sql) => {
        const { id } = await createAgent(sql, await kept(sql, settings, actor));
        await recordAudit(sql, { at: clock.now(), actor, action: "agent.made", detail: { agent: id } });
        return getAgent(sql, id);
      });
      unchecked.push(...((await agentSaved?.(made)) ?? []));
      return reply.code(201).header("location", `/api/agents/${made.id}`).header("etag", `"${made.version}"`).send(shown(made, unchecked));
    },
  );

  door.get(
    "/api/agents/:id",
    { config: read, schema: { summary: "Read an agent, archived ones too", tags: ["agents"], params: OfAgent, response: { 200: Agent } } },
    async ({ params }, reply) => {
      const agent = await getAgent(pool, params.id);
      reply.header("etag", `"${agent.version}"`);
      return shown(agent);
    },
  );

  door.get(
    "/api/agents/:id/versions/:version",
    {
      config: read,
      schema: {
        summary: "The settings of a version, as a call ran with them",
        tags: ["agents"],
        params: OfVersion,
        response: { 200: AgentSettings },
      },
    },
    async ({ params }) => {
      const found = await agentVersion(pool, params.id, params.version);
      if (!found) throw new AgentUnknown(`${params.id} at version ${params.version}`);
      return found.settings;
    },
  );

  door.put(
    "/api/agents/:id",
    {
      config: change,
      schema: {
        summary: "Change an agent: its whole settings, as the next version",
        tags: ["agents"],
        params: OfAgent,
        headers: SeenVersion,
        body: AgentSettings,
        response: { 200: Agent },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { settings, unchecked } = await checked(request.body);
      const { actor } = credentialIn(request);
      const agent = await inTransaction(pool, async (sql) => {
        const { version } = await changeAgent(sql, id, await kept(sql, settings, actor), request.headers["if-match"] ?? null);
        await recordAudit(sql, {
          at: clock.now(),
          actor,
          action: "agent.changed",
          detail: { agent: id, version },
        });
        return getAgent(sql, id);
      });
      unchecked.push(...((await agentSaved?.(agent)) ?? []));
      reply.header("etag", `"${agent.version}"`);
      return shown(agent, unchecked);
    },
  );

  door.post(
    "/api/agents/:id/default",
    {
      config: change,
      schema: {
        summary: "Let it take what no other agent claims",
        tags: ["agents"],
        params: OfAgent,
        body: z.strictObject({}).nullish(),
        response: { 200: Agent },
      },
    },
    async (request) => {
      const { id } = request.params;
      return inTransaction(pool, async (sql) => {
        await makeDefault(sql, id);
        await recordAudit(sql, {
          at: clock.now(),
          actor: credentialIn(request).actor,
          action: "agent.made_default",
          detail: { agent: id },
        });
        return shown(await getAgent(sql, id));
      });
    },
  );

  door.get(
    "/api/engines",
    {
      config: read,
      schema: { summary: "What each engine makes of an agent's settings", tags: ["agents"], response: { 200: page(EngineInfo) } },
    },
    async () => ({
      items: engineKinds.map(({ name, title, needs }) => {
        const engine = Object.hasOwn(engines, name) ? engines[name] : undefined;
        return {
          name,
          title,
          configured: engine !== undefined,
          needs: [...needs],
          most_prompt_chars: engine?.manner.mostPromptChars ?? null,
          emotions: engine?.abilities.emotions ?? "none",
          verbatim: engine?.abilities.verbatim ?? false,
          notes: [...(engine?.manner.always ?? [])],
        };
      }),
      next: null,
    }),
  );

  door.delete(
    "/api/agents/:id",
    {
      config: change,
      schema: {
        summary: "Take an agent out of service; its calls and versions stay",
        tags: ["agents"],
        params: OfAgent,
        response: { 204: z.null().describe("Archived.") },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await inTransaction(pool, async (sql) => {
        await archiveAgent(sql, id);
        await recordAudit(sql, { at: clock.now(), actor: credentialIn(request).actor, action: "agent.archived", detail: { agent: id } });
      });
      return reply.code(204).send(null);
    },
  );
}
