import { join } from "node:path";
import { startTick } from "../../server/src/bridge/tick.ts";
import { systemClock } from "../../server/src/clock.ts";
import { createEviEngine } from "../../server/src/engine/evi/evi.ts";
import { createOpenAiEngine } from "../../server/src/engine/openai/openai.ts";
import { startProgram } from "../chaos/program.ts";
import { type Outcome, runCall } from "./call.ts";
import { openLink } from "./link.ts";
import type { Planned } from "./plan.ts";

const KEY = "chaos-key";

export interface World {
  /** Runs these calls side by side, each with its own engine object and its own link; callers speak `turns` times. */
  wave(calls: readonly Planned[], turns?: number): Promise<Outcome[]>;
  /** How late this process itself was since asked last, ms: what it adds to every silence. */
  lateMs(): number;
  close(): Promise<void>;
}

/** Both emulated engines, each a process; logs go to `dir`. */
export async function openWorld(dir: string): Promise<World> {
  const start = (name: string) =>
    startProgram(
      `emulators/${name}/main.ts`,
      ["--api-key", KEY, "--think-ms", "200"],
      { PATH: process.env.PATH },
      join(dir, `${name}.log`),
    );
  const [evi, openai] = await Promise.all([start("evi"), start("openai")]);
  const failures: unknown[] = [];
  const tick = startTick(systemClock, (error) => void failures.push(error));
  const one = async (planned: Planned, turns?: number): Promise<Outcome> => {
    const program = planned.engine === "evi" ? evi : openai;
    const link = await openLink(Number(new URL(program.url).port));
    const base = `ws://127.0.0.1:${link.port}`;
    try {
      return planned.engine === "evi"
        ? await runCall(planned, eviAt(base), link, tick, 16_000, turns)
        : await runCall(planned, openAiAt(base), link, tick, 24_000, turns);
    } finally {
      link.close();
    }
  };
  return {
    wave: (calls, turns) => Promise.all(calls.map((planned) => one(planned, turns))),
    lateMs: tick.worstLateMs,
    async close() {
      tick.close();
      await Promise.all([evi.stop(), openai.stop()]);
      if (failures.length > 0) throw failures[0];
    },
  };
}

const eviAt = (base: string) => createEviEngine({ url: `${base}/v0/evi/chat`, apiKey: KEY, configId: null, clock: systemClock });
const openAiAt = (base: string) =>
  createOpenAiEngine({ url: `${base}/v1/realtime`, apiKey: KEY, model: "desk", dialect: "openai", clock: systemClock });
