import { connect, createServer, type Socket } from "node:net";

/** One address before several server processes: what a load balancer does, without its manners. */
export interface Front {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Hands each connection to the next of `ports` that takes it, in turn. A dead one is skipped; when none lives the connection is reset, as a
 * balancer without a living backend answers at once. Nothing of what passes is looked at.
 */
export async function openFront(port: number, ports: readonly number[]): Promise<Front> {
  let turn = 0;
  const open = new Set<Socket>();
  const track = (socket: Socket): void => {
    open.add(socket);
    socket.setNoDelay(true).on("error", () => socket.destroy());
    socket.once("close", () => open.delete(socket));
  };
  const server = createServer({ pauseOnConnect: true }, (client) => {
    track(client);
    const first = turn++;
    const attempt = (tried: number): void => {
      if (client.destroyed) return;
      if (tried === ports.length) {
        client.resetAndDestroy();
        return;
      }
      const backend = connect(ports[(first + tried) % ports.length] as number, "127.0.0.1");
      const refused = (): void => attempt(tried + 1);
      backend.once("error", refused);
      backend.once("connect", () => {
        backend.off("error", refused);
        track(backend);
        client.pipe(backend);
        backend.pipe(client);
        client.once("close", () => backend.destroy());
        backend.once("close", () => client.destroy());
      });
    };
    attempt(0);
  });
  await new Promise<void>((settle, fail) => server.once("error", fail).listen(port, "127.0.0.1", settle));
  return {
    port,
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        for (const socket of open) socket.destroy();
      }),
  };
}
