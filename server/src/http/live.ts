import { z } from "zod";
import { credentialIn } from "./access.ts";
import type { Door } from "./door.ts";
import type { LiveFeed } from "./live-feed.ts";

/** The live stream: server-sent events that say which call changed. Last-Event-ID is not needed: every stream begins with a snapshot. */
export function liveRoutes(door: Door, feed: LiveFeed): void {
  door.get(
    "/api/live",
    {
      config: { access: { needs: "calls.read" } },
      exposeHeadRoute: false,
      schema: {
        summary: "Server-sent events: which call changed",
        description:
          "`event: change` carries a LiveChange. `event: snapshot` comes first and whenever something may have been missed: read everything again.",
        tags: ["live"],
        response: { 200: { description: "The stream.", content: { "text/event-stream": { schema: z.string() } } } },
      },
    },
    (request, reply) => {
      const credential = credentialIn(request);
      feed.refuseTooMany(credential);
      reply.hijack();
      const head = {
        ...reply.getHeaders(),
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
      };
      reply.raw.writeHead(200, head as Record<string, string>);
      feed.join(credential, reply.raw);
    },
  );
}
