import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import type { CallerMedia, MediaListener } from "../bridge/media.ts";
import { runBridge } from "../bridge/run.ts";
import { startTick } from "../bridge/tick.ts";
import { systemClock } from "../clock.ts";
import { type ConfigFailure, forgetSecrets, readConfig } from "../config.ts";
import type { Utterance } from "../conversation/utterance.ts";
import { openTestHouse } from "../http/test-house.ts";
import { type CallId, newId } from "../ids.ts";
import { engineKind, openEngines } from "./kind.ts";
import { engineKinds } from "./kinds.ts";
import { type Engine, type EngineAbilities, type EngineEvent, plainManners } from "./port.ts";

/*
 * What adding an engine takes (docs/decisions/0010): a kind. This one needs no vendor: it says its greeting, and after each half second of sound says how
 * much of it there was. Nothing outside of this file knows of it.
 */

const abilities: EngineAbilities = {
  name: "counter",
  inRates: [16_000],
  outRates: [16_000],
  turns: true,
  paced: false,
  verbatim: true,
  interim: false,
  emotions: "none",
  wantsPlayed: false,
  resume: false,
  maxMs: null,
};
const HALF_SECOND_BYTES = 16_000;

const counterEngine = (shout: boolean): Engine => ({
  abilities,
  manner: {
    mostPromptChars: null,
    always: [{ field: "voice", message: "It hums." }],
    notes: () => [],
    refuses: ({ options }) => (options.shout === undefined ? [] : [{ field: "options.shout", message: "is set for the whole server" }]),
  },
  open(session, listener) {
    let heard = 0;
    let spoken = 0;
    const say = (text: string): void => {
      const utterance = `a${++spoken}`;
      listener({ what: "agent text", utterance, text: shout ? text.toUpperCase() : text, final: true, language: null });
      listener({ what: "agent audio", utterance, pcm: new Int16Array(1_600).fill(900) });
      listener({ what: "agent done", how: "complete" });
    };
    setImmediate(() => {
      listener({ what: "ready", session: "s1", resume: null, expiresAt: null });
      if (session.greeting !== null) say(session.greeting);
    });
    return {
      abilities,
      audio(pcm) {
        const before = Math.floor(heard / HALF_SECOND_BYTES);
        heard += pcm.length;
        const now = Math.floor(heard / HALF_SECOND_BYTES);
        if (now === before) return;
        const toMs = now * 500;
        const words: EngineEvent = {
          what: "caller text",
          utterance: `c${now}`,
          text: "hum",
          final: true,
          fromMs: toMs - 500,
          toMs,
          language: null,
        };
        listener(words);
        say(`That was ${now}.`);
      },
      say,
      context: () => undefined,
      toolResult: () => undefined,
      played: () => undefined,
      playing: () => undefined,
      close: () => listener({ what: "ended", why: "asked", code: null, text: "We ended the session.", retry: false }),
    };
  },
});

const counter = engineKind({
  name: "counter",
  title: "Counting engine",
  variables: {
    COUNTER_KEY: z.string().min(4, "is too short").optional(),
    COUNTER_SHOUTS: z.enum(["0", "1"], "is neither 0 nor 1").default("0"),
  },
  needs: ["COUNTER_KEY"],
  secrets: ["COUNTER_KEY"],
  settings: ({ COUNTER_SHOUTS }) => ({ shout: COUNTER_SHOUTS === "1" }),
  describe: () => "Counting engine in this process",
  open: async ({ shout }) => ({ engine: counterEngine(shout) }),
});
const kinds = [...engineKinds, counter];

test("a third engine's configuration is read with all other, its problems too, and its secrets are forgotten", () => {
  const wrong = (env: Record<string, string>): unknown => {
    try {
      return readConfig(env, kinds).engines;
    } catch (error) {
      return (error as ConfigFailure).fields;
    }
  };
  expect(wrong({ COUNTER_KEY: "long enough", COUNTER_SHOUTS: "1", HUME_API_KEY: "k" })).toMatchObject({
    counter: { shout: true },
    evi: {},
  });
  expect(wrong({ COUNTER_KEY: "x", PORT: "much" })).toMatchObject([{ field: "PORT" }, { field: "COUNTER_KEY", message: "is too short" }]);
  expect(wrong({ COUNTER_SHOUTS: "1" })).toEqual([{ field: "COUNTER_KEY", message: "is missing: Counting engine needs it" }]);
  const env: Record<string, string | undefined> = { COUNTER_KEY: "long enough", COUNTER_SHOUTS: "1" };
  forgetSecrets(env, kinds);
  expect(env).toEqual({ COUNTER_SHOUTS: "1" });
});

test("a third engine is offered, looks at its agents' settings, and carries a call", async () => {
  const { engines: settings } = readConfig({ COUNTER_KEY: "long enough", COUNTER_SHOUTS: "1" }, kinds);
  let engines: Readonly<Record<string, Engine>> = {};
  // The house's own engines and this one: nothing but the table is different.
  const house = await openTestHouse({ engineKinds: kinds, engines: { counter: counterEngine(true) } });
  onTestFinished(() => house.close());
  ({ engines } = await openEngines(kinds, settings, {
    pool: house.database.pool,
    clock: systemClock,
    log: { warn: () => undefined, error: () => undefined },
    publicUrl: "http://localhost:4000",
    onUnnoticedEnd: () => undefined,
  }));
  expect(Object.keys(engines)).toEqual(["counter"]);

  const { items } = (await house.ask("viewer", { url: "/api/engines" })).json();
  expect(items.map(({ name, title, configured }: Record<string, unknown>) => [name, title, configured])).toEqual([
    ["evi", "Hume EVI", false],
    ["openai", "OpenAI Realtime", false],
    ["counter", "Counting engine", true],
  ]);
  const agent = { name: "Counter", engine: "counter", prompt: "Count.", greeting: "Hello." };
  const make = (payload: object) => house.ask("member", { method: "POST", url: "/api/agents", payload: { ...agent, ...payload } });
  expect((await make({})).statusCode).toBe(201);
  expect((await make({ options: { shout: true } })).json()).toMatchObject({ code: "AGENT_REFUSED", errors: [{ field: "options.shout" }] });
  for (const engine of ["evi", "nobody", "constructor"]) expect((await make({ engine })).json().code).toBe("ENGINE_NOT_CONFIGURED");

  const tick = startTick(systemClock, (error) => {
    throw error;
  });
  onTestFinished(() => tick.close());
  const said = new Map<string, Utterance>();
  let listener: MediaListener | null = null;
  const media: CallerMedia = {
    rate: 16_000,
    keepsSound: true,
    play: () => undefined,
    clear: () => undefined,
    mark: () => undefined,
    ready: () => true,
    close: () => undefined,
    listen: (who) => {
      listener = who;
    },
  };
  const bridge = runBridge({
    call: newId<CallId>(),
    engine: engines.counter as Engine,
    agent: {
      agent: null,
      manners: plainManners,
      tools: [],
      prompt: agent.prompt,
      greeting: agent.greeting,
      voice: null,
      language: "en",
      options: {},
      variables: {},
    },
    resume: null,
    history: [],
    rate: 16_000,
    clock: systemClock,
    tick,
    journal: { put: () => undefined, close: async () => undefined },
    said: (utterance) => void said.set(utterance.ref, utterance),
    fact: () => undefined,
    hangUp: () => undefined,
    engineLost: () => undefined,
  });
  bridge.attach(media);
  bridge.answered(systemClock.now());
  const heard = (speaker: string): string[] => [...said.values()].filter((one) => one.speaker === speaker).map(({ text }) => text);
  await vi.waitFor(() => expect(heard("agent")).toEqual(["HELLO."]));
  const timer = setInterval(() => listener?.frame(new Uint8Array(640)), 20);
  await vi.waitFor(() => expect(heard("agent")).toEqual(["HELLO.", "THAT WAS 1.", "THAT WAS 2."]));
  clearInterval(timer);
  expect(heard("caller").slice(0, 2)).toEqual(["hum", "hum"]);
  await bridge.end();
});
