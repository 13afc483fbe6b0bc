import { heapFlags } from "../../server/src/heap-flags.ts";
import { ask, ended, start, told, wait } from "./children.ts";
import type { FromHello, FromServer, Hello } from "./protocol.ts";
import { percentile } from "./spread.ts";

/** From hello to the first word of the agent's, of many calls at once. */
export interface Hellos {
  readonly engine: "ready" | "late";
  readonly calls: number;
  /** Until the first frame of the greeting was at the carrier, ms, and without the engine's own time. */
  readonly firstP50: number;
  readonly ownP50: number;
  readonly ownMost: number;
  /** The caller's frames, from the first on, that never reached the engine, or in another order. */
  readonly lost: number;
}

/** The engine is asked for while it rings, so long before the audio comes; a late one is ready half a second after that. */
const RINGS_MS = 1_000;
const LATE_MS = 1_500;

export async function measureHello(engine: Hellos["engine"], calls: number, databaseUrl: string): Promise<Hellos> {
  const ends = start("hello-ends.ts", [String(engine === "late" ? LATE_MS : 0)]);
  const { url } = await told<FromHello, "engine">(ends, "engine");
  const server = start("earshot.ts", [`${url}/v0/evi/chat`, databaseUrl], heapFlags);
  await told<FromServer, "listening">(server, "listening");
  let hellos: readonly Hello[] = [];
  // The first round compiles what the second one measures.
  for (let round = 0; round < 2; round++) {
    const { urls, ids } = await ask<FromServer, "calls">(server, { ask: "calls", count: calls, greets: true }, "calls");
    await wait(RINGS_MS);
    ({ hellos } = await ask<FromHello, "hellos">(ends, { ask: "hello", urls, ids }, "hellos"));
    await ask<FromServer, "calls ended">(server, { ask: "end calls" }, "calls ended");
  }
  ends.send({ ask: "stop" });
  server.send({ ask: "stop" });
  await Promise.all([ended(ends), ended(server)]);
  const own = hellos.map(({ firstMs, engineMs }) => firstMs - engineMs);
  return {
    engine,
    calls,
    firstP50: percentile(
      hellos.map(({ firstMs }) => firstMs),
      0.5,
    ),
    ownP50: percentile(own, 0.5),
    ownMost: own.some(Number.isNaN) ? Number.NaN : Math.max(...own),
    // The last few are still on their way when the caller hangs up.
    lost: hellos.reduce((sum, { sent, delivered }) => sum + Math.max(0, sent - delivered - 3), 0),
  };
}
