import { heapFlags } from "../../server/src/heap-flags.ts";
import { ask, ended, start, told, wait } from "./children.ts";
import type { FromGenerator, FromServer } from "./protocol.ts";
import type { Measured } from "./run.ts";
import { percentile } from "./spread.ts";

/** What one more call takes, in a process that has carried calls for a while. */
export interface PerCall {
  readonly who: string;
  /** Resident kilobytes a call, by the step from `calls` to twice as many. */
  readonly kilobytes: number;
  /** The same, of the heap, of buffers, and of other memory that V8 knows of; what is left is native: sockets, the resampler, the allocator's slack. */
  readonly split: { readonly heap: number; readonly buffers: number; readonly external: number };
  readonly calls: number;
}

type Usage = Extract<FromServer, { tell: "usage" }>;
const WARM_UP_MS = 25_000;
const SAMPLES = 7;

/**
 * The memory of a call by the margin: `calls` calls talk until the code is compiled and every pool has its size, memory is taken after full
 * collections, then as many calls more talk, and it is taken again. Compiled code, pools and what the process is without calls are in both
 * and fall out. Calls speak and listen in turn, so each time the middle of seven looks is meant.
 */
export async function measurePerCall({ who, file, args }: Measured, calls: number): Promise<PerCall> {
  const generator = start("generator.ts", []);
  const engine = await told<FromGenerator, "engine">(generator, "engine");
  const server = start(file, [`${engine.url}/v0/evi/chat`, ...args], heapFlags);
  await told<FromServer, "listening">(server, "listening");
  const more = async (): Promise<void> => {
    const { urls } = await ask<FromServer, "calls">(server, { ask: "calls", count: calls }, "calls");
    await ask<FromGenerator, "connected">(generator, { ask: "connect", urls }, "connected");
    await wait(WARM_UP_MS);
  };
  const look = async (): Promise<Usage[]> => {
    const looks: Usage[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      looks.push(await ask<FromServer, "usage">(server, { ask: "usage", collect: true }, "usage"));
      await wait(1_700);
    }
    return looks;
  };
  await more();
  const some = await look();
  await more();
  const twice = await look();
  await ask<FromGenerator, "disconnected">(generator, { ask: "disconnect" }, "disconnected");
  generator.send({ ask: "stop" });
  server.send({ ask: "stop" });
  await Promise.all([ended(generator), ended(server)]);
  const step = (of: (usage: Usage) => number): number => (percentile(twice.map(of), 0.5) - percentile(some.map(of), 0.5)) / calls;
  return {
    who,
    calls,
    kilobytes: step(({ rssBytes }) => rssBytes / 1024),
    split: {
      heap: step(({ split }) => split.heapMB * 1024),
      buffers: step(({ split }) => split.buffersMB * 1024),
      external: step(({ split }) => split.externalMB * 1024),
    },
  };
}
