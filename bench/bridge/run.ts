import { heapFlags } from "../../server/src/heap-flags.ts";
import { ask, ended, start, told, wait } from "./children.ts";
import type { Speech } from "./engine-end.ts";
import { pin } from "./pin.ts";
import type { Figures, FromGenerator, FromServer } from "./protocol.ts";

export interface Run {
  readonly who: string;
  readonly calls: number;
  readonly seconds: number;
  readonly figures: Figures;
  /** Processor ms per second of call, user and system, all threads of the measured process. */
  readonly cpuMsPerCallSecond: number;
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

export interface How {
  /** What agents answer with; absent: 6 s of speech-like noise. */
  readonly speech?: Speech;
  /** The server is held to this core, and the load to the other. */
  readonly core?: number;
  readonly warmMs?: number;
}

/** Measures one server under `calls` calls for `seconds`, after a warm-up, with the load in a process of its own. */
export async function run({ who, file, args }: Measured, calls: number, seconds: number, how: How = {}): Promise<Run> {
  const generator = start("generator.ts", []);
  const engine = await told<FromGenerator, "engine">(generator, "engine");
  const server = start(file, [`${engine.url}/v0/evi/chat`, ...args], heapFlags);
  await told<FromServer, "listening">(server, "listening");
  await wait(500);
  if (how.core !== undefined) {
    pin(server.pid as number, how.core);
    pin(generator.pid as number, 1 - how.core);
  }
  const { urls } = await ask<FromServer, "calls">(server, { ask: "calls", count: calls }, "calls");
  await ask<FromGenerator, "connected">(generator, { ask: "connect", urls, ...(how.speech && { speech: how.speech }) }, "connected");
  await wait(how.warmMs ?? WARM_UP_MS);
  generator.send({ ask: "measure" });
  const before = await ask<FromServer, "usage">(server, { ask: "usage", collect: false }, "usage");
  await wait(seconds * 1000);
  const after = await ask<FromServer, "usage">(server, { ask: "usage", collect: false }, "usage");
  const { figures } = await ask<FromGenerator, "figures">(generator, { ask: "figures" }, "figures");
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
    coreShare: cpuMs / (after.atMs - before.atMs),
  };
}
