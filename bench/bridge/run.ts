import { heapFlags } from "../../server/src/heap-flags.ts";
import { ask, ended, start, told, wait } from "./children.ts";
import type { Figures, FromGenerator, FromServer } from "./protocol.ts";

export interface Run {
  readonly who: string;
  readonly calls: number;
  readonly seconds: number;
  readonly figures: Figures;
  /** Processor ms per second of call, user and system, all threads of the measured process. */
  readonly cpuMsPerCallSecond: number;
  /** Kilobytes of resident memory a call adds. */
  readonly kilobytesPerCall: number;
  /** Of one core, over the run. */
  readonly coreShare: number;
}

export interface Measured {
  readonly who: string;
  readonly file: string;
  readonly args: readonly string[];
}

/** Until the just-in-time compiler is done: before, its threads are a third of the processor time of a fresh process. */
const WARM_UP_MS = 25_000;

/** Measures one server under `calls` calls for `seconds`, after a warm-up, with the load in a process of its own. */
export async function run({ who, file, args }: Measured, calls: number, seconds: number): Promise<Run> {
  const generator = start("generator.ts", []);
  const engine = await told<FromGenerator, "engine">(generator, "engine");
  const server = start(file, [`${engine.url}/v0/evi/chat`, ...args], heapFlags);
  await told<FromServer, "listening">(server, "listening");
  await wait(500);
  const empty = await ask<FromServer, "usage">(server, { ask: "usage", collect: true }, "usage");
  const { urls } = await ask<FromServer, "calls">(server, { ask: "calls", count: calls }, "calls");
  await ask<FromGenerator, "connected">(generator, { ask: "connect", urls, path: "media" }, "connected");
  await wait(WARM_UP_MS);
  generator.send({ ask: "measure" });
  const before = await ask<FromServer, "usage">(server, { ask: "usage", collect: false }, "usage");
  await wait(seconds * 1000);
  const after = await ask<FromServer, "usage">(server, { ask: "usage", collect: false }, "usage");
  const { figures } = await ask<FromGenerator, "figures">(generator, { ask: "figures" }, "figures");
  const full = await ask<FromServer, "usage">(server, { ask: "usage", collect: true }, "usage");
  await ask<FromGenerator, "disconnected">(generator, { ask: "disconnect" }, "disconnected");
  generator.send({ ask: "stop" });
  server.send({ ask: "stop" });
  await Promise.all([ended(generator), ended(server)]);
  const cpuMs = after.cpuMs - before.cpuMs;
  return {
    who,
    calls,
    seconds,
    figures,
    cpuMsPerCallSecond: cpuMs / (calls * seconds),
    kilobytesPerCall: (full.rssBytes - empty.rssBytes) / 1024 / calls,
    coreShare: cpuMs / (after.atMs - before.atMs),
  };
}
