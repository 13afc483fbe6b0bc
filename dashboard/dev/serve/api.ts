/** The whole API of the stand-in: who may ask, and which answer is given. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { agentsRoutes } from "./agents.ts";
import { problem } from "./answers.ts";
import { callsRoutes } from "./calls.ts";
import { sessionRoutes } from "./door.ts";
import { oneCallRoutes } from "./one-call.ts";
import { peopleRoutes } from "./people.ts";
import { settingsRoutes } from "./settings.ts";
import type { World } from "./world.ts";

/** Answers `path` (below /api) out of the world. */
export function newApi(world: World) {
  const routes = [sessionRoutes, callsRoutes, agentsRoutes, peopleRoutes, settingsRoutes].flatMap((of) => of(world));
  const callRoutes = oneCallRoutes(world);
  return (request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): unknown => {
    const method = request.method ?? "GET";
    if (!world.signedIn && !path.startsWith("/session"))
      return problem(response, 401, "SIGN_IN_NEEDED", "You are not signed in.", "Sign in again.");
    for (const [verb, pattern, act] of routes) {
      const match = verb === method ? pattern.exec(path) : null;
      if (match) return act(request, response, match.slice(1), query);
    }
    const [, callId, rest = ""] = /^\/calls\/([\w-]+)(\/.*)?$/.exec(path) ?? [];
    const call = world.calls.find((c) => c.id === callId);
    if (callId && !call) return problem(response, 404, "CALL_UNKNOWN", "There is no such call.", "Look at the list of calls.");
    const act = callRoutes[`${method} ${rest}`];
    if (call && act) return act(call, request, response);
    return problem(response, 404, "ROUTE_UNKNOWN", "There is no such address.", "See /api/openapi.json.");
  };
}
