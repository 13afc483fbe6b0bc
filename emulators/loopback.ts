import type { FastifyInstance } from "fastify";

/** Is this a name of the machine itself, with or without a port, as a Host header has it? */
export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(([a-z0-9-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host);
}

/**
 * Refuses requests with a foreign Host header (421) to the routes that ask for no credential. A web page anywhere may let its own name point to
 * 127.0.0.1 (DNS rebinding) and would else read and place calls here from the visitor's browser.
 *
 * @param isOpen says of a route's path whether it is one of those
 * @param isOurs says of a Host header whether it names us
 */
export function refuseForeignHosts(app: FastifyInstance, isOpen: (route: string) => boolean, isOurs = isLoopback): void {
  app.addHook("onRequest", async (request, reply) => {
    if (!isOpen(request.routeOptions.url ?? "") || isOurs(request.headers.host)) return;
    return reply.code(421).send({ error: "This listens for the machine itself: open it as localhost or 127.0.0.1." });
  });
}
