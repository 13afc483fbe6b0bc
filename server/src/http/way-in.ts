import { Server as NetServer } from "node:net";
import type { FastifyInstance } from "fastify";

/** The way into a server: open, shut (connections that are there go on, others go to whoever shares the port), closed for good. */
export interface WayIn {
  open(): Promise<void>;
  shut(): void;
  close(): void;
}

/**
 * Opens it. While several processes share a port the kernel gives each its part of the new connections; one that is to stop shuts its way in, and
 * lets go of kept connections with its next answer to them, so that all go to the others.
 */
export async function openWayIn(app: FastifyInstance, where: { port: number; host: string; reusePort: boolean }): Promise<WayIn> {
  const { server } = app;
  let state: "open" | "shut" | "closed" = "open";
  server.prependListener("request", (_, response) => {
    if (state !== "open") response.shouldKeepAlive = false;
  });
  // `reusePort` is Node's; fastify passes it on and does not know of it.
  await app.listen(where);
  return {
    async open() {
      if (state !== "shut") return;
      state = "open";
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(where, () => {
          server.off("error", reject);
          resolve();
        });
      });
    },
    shut() {
      if (state !== "open") return;
      state = "shut";
      // The HTTP server's own `close` would also end connections between two requests.
      NetServer.prototype.close.call(server);
    },
    close() {
      state = "closed";
    },
  };
}
