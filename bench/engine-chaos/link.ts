import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The way from one call to its engine, which can be cut like a real one. Nothing of what passes is looked at. */
export interface Link {
  readonly port: number;
  /** Every connection is reset, as when the other end's process dies. */
  drop(): void;
  /** Every connection stays open and carries nothing any more, as when a cable is pulled. */
  freeze(): void;
  /** For so long the engine is away: connections are refused. */
  away(ms: number): void;
  close(): void;
}

/** A link to the engine on `port`, on 127.0.0.1. */
export async function openLink(port: number): Promise<Link> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let awayUntil = 0;
  const server = createServer((client) => {
    client.setNoDelay(true).on("error", () => client.destroy());
    if (performance.now() < awayUntil) {
      client.resetAndDestroy();
      return;
    }
    const engine = connect(port, "127.0.0.1").setNoDelay(true);
    const pair = [client, engine] as const;
    pairs.add(pair);
    engine.on("error", () => engine.destroy());
    client.pipe(engine);
    engine.pipe(client);
    for (const [one, other] of [pair, [engine, client] as const])
      one.once("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
  });
  await new Promise<void>((settle, fail) => server.once("error", fail).listen(0, "127.0.0.1", settle));
  return {
    port: (server.address() as AddressInfo).port,
    drop() {
      for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    },
    freeze() {
      for (const [client, engine] of pairs) {
        client.unpipe(engine);
        engine.unpipe(client);
        // Read and thrown away: the kernel's buffers would fill up and tell of it.
        client.resume();
        engine.resume();
      }
    },
    away(ms) {
      awayUntil = performance.now() + ms;
    },
    close() {
      server.close();
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
  };
}
