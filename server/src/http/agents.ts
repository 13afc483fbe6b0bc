import { Agent, AgentSettings } from "@earshot/contract/agent";
import { page } from "@earshot/contract/call";
import { z } from "zod";
import { requireEngine } from "../agents/engines.ts";
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
import { inTransaction } from "../db/pool.ts";
import type { AgentId } from "../ids.ts";
import { recordAudit } from "../people/audits.ts";
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
export function agentRoutes(door: Door, { pool, clock, engines, agentSaved }: DoorParts): void {
  const read = { access: { needs: "agents.read" } } as const;
  const change = { access: { needs: "agents.change" } } as const;

  door.get(
    "/api/agents",
    { config: read, schema: { summary: "List agents, the default first", tags: ["agents"], response: { 200: page(Agent) } } },
    async () => ({ items: await listAgents(pool), next: null }),
  );

  door.post(
    "/api/agents",
    { config: change, schema: { summary: "Make an agent", tags: ["agents"], body: AgentSettings, response: { 201: Agent } } },
    async (request, reply) => {
      requireEngine(request.body.engine, engines, "engine");
      const made = await inTransaction(pool, async (sql) => {
        const { id } = await createAgent(sql, withCleanNumbers(request.body));
        await recordAudit(sql, { at: clock.now(), actor: credentialIn(request).actor, action: "agent.made", detail: { agent: id } });
        return getAgent(sql, id);
      });
      agentSaved?.(made);
      return reply.code(201).header("location", `/api/agents/${made.id}`).header("etag", `"${made.version}"`).send(made);
    },
  );

  door.get(
    "/api/agents/:id",
    { config: read, schema: { summary: "Read an agent, archived ones too", tags: ["agents"], params: OfAgent, response: { 200: Agent } } },
    async ({ params }, reply) => {
      const agent = await getAgent(pool, params.id);
      reply.header("etag", `"${agent.version}"`);
      return agent;
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
      requireEngine(request.body.engine, engines, "engine");
      const agent = await inTransaction(pool, async (sql) => {
        const { version } = await changeAgent(sql, id, withCleanNumbers(request.body), request.headers["if-match"] ?? null);
        await recordAudit(sql, {
          at: clock.now(),
          actor: credentialIn(request).actor,
          action: "agent.changed",
          detail: { agent: id, version },
        });
        return getAgent(sql, id);
      });
      agentSaved?.(agent);
      reply.header("etag", `"${agent.version}"`);
      return agent;
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
        return getAgent(sql, id);
      });
    },
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
