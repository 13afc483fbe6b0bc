/** Agents and engines. */

import * as desk from "../story/desk.ts";
import { id } from "../story/made.ts";
import { bodyOf, json, problem, type Route } from "./answers.ts";
import type { World } from "./world.ts";

export const agentsRoutes = (world: World): Route[] => [
  ["GET", /^\/agents$/, (_q, r) => json(r, 200, { items: world.agents, next: null })],
  [
    "POST",
    /^\/agents$/,
    async (q, r) => {
      const agent = {
        id: id(`agent ${Date.now()}`),
        version: 1,
        is_default: false,
        created_at: new Date().toISOString(),
        settings: (await bodyOf(q)) as never,
        notes: [],
      };
      world.agents.push(agent);
      json(r, 201, agent);
    },
  ],
  [
    "GET",
    /^\/agents\/([\w-]+)$/,
    (_q, r, [agentId]) => {
      const agent = world.agents.find((a) => a.id === agentId);
      return agent ? json(r, 200, agent) : problem(r, 404, "AGENT_UNKNOWN", "There is no such agent.", "Look at the list of world.agents.");
    },
  ],
  [
    "GET",
    /^\/agents\/([\w-]+)\/versions\/(\d+)$/,
    (_q, r, [agentId]) => json(r, 200, world.agents.find((a) => a.id === agentId)?.settings),
  ],
  [
    "POST",
    /^\/agents\/([\w-]+)\/default$/,
    (_q, r, [agentId]) => {
      for (const a of world.agents) a.is_default = a.id === agentId;
      json(
        r,
        200,
        world.agents.find((a) => a.id === agentId),
      );
    },
  ],
  [
    "DELETE",
    /^\/agents\/([\w-]+)$/,
    (_q, r, [agentId]) => {
      world.agents.splice(
        world.agents.findIndex((a) => a.id === agentId),
        1,
      );
      json(r, 204, undefined);
    },
  ],
  [
    "PUT",
    /^\/agents\/([\w-]+)$/,
    async (q, r, [agentId]) => {
      const agent = world.agents.find((a) => a.id === agentId);
      if (!agent) return problem(r, 404, "AGENT_UNKNOWN", "There is no such agent.", "Look at the list of world.agents.");
      Object.assign(agent, { version: agent.version + 1, settings: await bodyOf(q) });
      return json(r, 200, agent);
    },
  ],
  ["GET", /^\/engines$/, (_q, r) => json(r, 200, { items: desk.engines, next: null })],
];
