import { Server as NetServer } from "node:net";
import type { FastifyInstance } from "fastify";

/** The way into a server: shut, open, shut again (connections that are there go on, others go to whoever shares the port), closed for good. */
export interface WayIn {
  open(): Promise<void>;
  shut(): void;
  /**
   * Requests under way are answered; connections that ask nothing (browsers keep spare ones) would hold the door open for over a minute, and audio
   * sockets as long as their calls. The carrier opens those again wherever a server answers then.
   */
  close(): Promise<void>;
}

/** So long may requests under way take when the door is closed. */
const LAST_ANSWERS_MS = 2_000;

/**
 * While several processes share a port the kernel gives each its part of the new connections; one that is to stop shuts its way in, and lets go of
 * kept connections with its next answer to them, so that all go to the others. `audio`: the sockets that are not requests any more.
 */
export function wayInto(
  app: FastifyInstance,
  where: { readonly port: number; readonly host: string; readonly reusePort: boolean },
  audio: { close(): void },
): WayIn {
  const { server } = app;
  let state: "new" | "open" | "shut" | "closed" = "new";
  server.prependListener("request", (_, response) => {
    if (state !== "open") response.shouldKeepAlive = false;
  });
  const listenAgain = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(where, () => {
        server.off("error", reject);
        resolve();
      });
    });
  return {
    async open() {
      if (state !== "new" && state !== "shut") return;
      const first = state === "new";
      state = "open";
      // `reusePort` is Node's; fastify passes it on and does not know of it.
      if (first) await app.listen(where);
      else await listenAgain();
    },
    shut() {
      if (state !== "open") return;
      state = "shut";
      // The HTTP server's own `close` would also end connections between two requests.
      NetServer.prototype.close.call(server);
    },
    async close() {
      state = "closed";
      const patience = setTimeout(() => {
        server.closeAllConnections();
        audio.close();
      }, LAST_ANSWERS_MS);
      await app.close();
      clearTimeout(patience);
      audio.close();
    },
  };
}
