import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from "vitest";
import { babble } from "../../test/carrier-socket.ts";
import { patientClock } from "../../test/patient-clock.ts";
import { type Program, startProgram } from "../../test/program.ts";
import { startVoice } from "../../test/voice.ts";
import type { CallerMedia, MediaListener } from "../bridge/media.ts";
import type { RunningBridge } from "../bridge/parts.ts";
import { runBridge } from "../bridge/run.ts";
import { startTick, type Tick } from "../bridge/tick.ts";
import type { BridgeFact } from "../bridge/timeline.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Utterance } from "../conversation/utterance.ts";
import { EXPRESSION_SET, expressionSource } from "../emotion/expression/expression.ts";
import type { EmotionSource } from "../emotion/port.ts";
import { type CallId, newId } from "../ids.ts";
import { createEviEngine } from "./evi/evi.ts";
import { createOpenAiEngine } from "./openai/openai.ts";
import { type Engine, type EngineEvent, type EngineSession, plainManners, type Tool, type WireTap } from "./port.ts";

/*
 * What any engine must do for a call, tried with every adapter against its emulator in a process of its own. Behaviours of a call go through the
 * real bridge with a caller in real time; those of the port alone straight to the adapter. A third engine is a third row here.
 */

interface Kind {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Hz of the carrier. */
  readonly rate: number;
  engine(url: string, key: string): Engine;
  /** Options of an agent whose sessions end after twenty or thirty seconds, where the adapter renews them. */
  readonly short: Readonly<Record<string, unknown>> | null;
  /** What the engine believes was heard of its last cut answer, ms; null where it is not told. */
  heardAtMost(url: string): Promise<number | null>;
}

const KEY = "test-key";
const emulators = join(import.meta.dirname, "../../../emulators");
const ws = (url: string): string => url.replace(/^http/, "ws");

const openai = (url: string, apiKey: string, dialect: "openai" | "localai" | "huggingface", model: string): Engine =>
  createOpenAiEngine({ url: `${ws(url)}/v1/realtime`, apiKey, model, dialect, clock: systemClock });

const kinds: readonly Kind[] = [
  {
    name: "EVI",
    program: "evi/main.ts",
    args: ["--think-ms", "50"],
    rate: 16_000,
    engine: (url, apiKey) => createEviEngine({ url: `${ws(url)}/v0/evi/chat`, apiKey, configId: null, clock: systemClock }),
    short: { config_id: "expires", max_duration_s: 30 },
    heardAtMost: async () => null,
  },
  {
    name: "OpenAI Realtime",
    program: "openai/main.ts",
    args: ["--think-ms", "50", "--transcribe-ms", "150"],
    rate: 24_000,
    engine: (url, key) => openai(url, key, "openai", "gpt-realtime-2.1"),
    short: { model: "desk+expire" },
    heardAtMost: truncatedAt,
  },
  {
    name: "OpenAI Realtime, carrier at 16 kHz",
    program: "openai/main.ts",
    args: ["--think-ms", "50", "--as", "late-text+late-deltas"],
    rate: 16_000,
    engine: (url, key) => openai(url, key, "openai", "gpt-realtime-2.1"),
    short: { model: "desk+expire" },
    heardAtMost: truncatedAt,
  },
  {
    name: "a self-hosted server of 16 kHz",
    program: "openai/main.ts",
    args: ["--think-ms", "50", "--as", "local"],
    rate: 16_000,
    engine: (url, key) => openai(url, key, "localai", "desk"),
    short: { model: "desk+local+expire" },
    heardAtMost: truncatedAt,
  },
  {
    name: "a self-hosted server of older names that cannot truncate",
    program: "openai/main.ts",
    args: ["--think-ms", "50", "--as", "speech-to-speech+beta-names"],
    rate: 16_000,
    engine: (url, key) => openai(url, key, "huggingface", "desk"),
    short: null,
    heardAtMost: async () => null,
  },
];

async function truncatedAt(url: string): Promise<number | null> {
  const { sessions } = (await (await fetch(`${url}/emulator/sessions`)).json()) as {
    sessions: { agent: string; items: { role: string; text: string; audio_ms: number }[] }[];
  };
  const items = sessions.filter(({ agent }) => agent === "storyteller").flatMap((session) => session.items);
  return items.find(({ role, text, audio_ms }) => role === "assistant" && text === "" && audio_ms > 0)?.audio_ms ?? null;
}

/** They wait in real time: many at once, and not all, since every call's engine is a busy program while it speaks. */
vi.setConfig({ maxConcurrency: 12 });

interface Time {
  readonly clock: Clock;
  readonly tick: Tick;
}
const timeOf = (clock: Clock): Time => {
  const tick = startTick(clock, (error) => {
    throw error;
  });
  afterAll(() => tick.close());
  return { clock, tick };
};
/** Of a caller and their bridge: how long a busy machine lets them stand still is no behaviour of a call. Engines have the wall's. */
const patient = timeOf(patientClock());
/** Of a call whose session the engine ends by the wall's clock. */
const wall = timeOf(systemClock);

describe.concurrent.each(kinds)("$name", { timeout: 240_000 }, (kind) => {
  let program: Program;
  beforeAll(async () => {
    program = await startProgram(join(emulators, kind.program), ["--api-key", KEY, ...kind.args]);
  });
  afterAll(() => program?.stop());

  const call = (t: Ends, wish: Wish = {}): Phone => dial(t, kind, kind.engine(program.url, KEY), wish);
  const open = (t: Ends, wish: Partial<EngineSession> = {}, key = KEY, tap?: WireTap): Direct =>
    direct(t, kind, kind.engine(program.url, key), wish, tap);

  test("greets once, in the agent's words, and takes three turns in order", async ({ expect, ...t }) => {
    const phone = call(t, { greeting: "Hello, this is the desk." });
    await phone.answered(0);
    for (let turn = 1; turn <= 3; turn++) {
      await phone.say(900);
      await phone.answered(turn);
    }
    const said = phone.said();
    expect(turnsOf(said)).toEqual(["agent", "caller", "agent", "caller", "agent", "caller", "agent"]);
    expect(said[0]?.text).toBe("Hello, this is the desk.");
    expect(said.filter(({ text }) => text.startsWith("Hello, this is the desk"))).toHaveLength(1);
    for (const { speaker, text, startedMs, endedMs, cut, heardMs } of said) {
      expect(endedMs - startedMs).toBeGreaterThan(200);
      expect(text).not.toBe("");
      if (speaker === "agent") expect([cut, (heardMs ?? 0) > 200]).toEqual([false, true]);
      else expect(Math.abs(endedMs - startedMs - 900)).toBeLessThan(350);
    }
  });

  test("stops at once when the caller cuts in, and knows how much was heard", async ({ expect, ...t }) => {
    const phone = call(t, { prompt: "[emulator: storyteller]", greeting: null });
    await phone.say(900);
    await phone.until(() => phone.playedMs() > 3_000);
    const asked = phone.say(1_800);
    await phone.until(() => phone.clears.length > 0);
    const [clear] = phone.clears;
    await asked;
    await phone.answered(2);
    const cut = phone.said().filter((one) => one.speaker === "agent" && one.cut && (one.heardMs ?? 0) > 0);
    expect(cut.length).toBeGreaterThanOrEqual(1);
    const agentBefore = phone.said().filter((one) => one.speaker === "agent" && one.startedMs <= (cut[0]?.startedMs ?? 0));
    const heardMs = agentBefore.reduce((sum, one) => sum + (one.heardMs ?? 0), 0);
    // What was sent and not yet played when the carrier was told to drop it is no more than the lead.
    expect(heardMs).toBeLessThanOrEqual((clear?.playedMs ?? 0) + 1);
    expect((clear?.playedMs ?? 0) - heardMs).toBeLessThan(150);
    const believed = await kind.heardAtMost(program.url);
    if (believed !== null) expect(believed).toBe(Math.floor(cut[0]?.heardMs ?? 0));
  });

  if (kind.name === "EVI")
    test("speaks on through a word of agreement when it is hard to interrupt, and not through a sentence", async ({ expect, ...t }) => {
      const manners = { ...plainManners, interruption: "low" } as const;
      const phone = call(t, { prompt: "[emulator: storyteller]", greeting: null, manners });
      await phone.say(900);
      await phone.until(() => phone.playedMs() > 2_000);
      await phone.say(400);
      await phone.until(() => phone.said().filter(({ speaker }) => speaker === "caller").length === 2);
      expect(phone.clears).toEqual([]);
      await phone.say(2_500);
      await phone.until(() => phone.clears.length > 0);
    });

  if (kind.name === "OpenAI Realtime")
    test("asks again for an answer that a rate limit holds back, and the caller hears it", async ({ expect, ...t }) => {
      const phone = call(t, { prompt: "[emulator: desk rate-limited turn=1]", greeting: null });
      await phone.say(900);
      await phone.answered(1);
      expect(phone.facts.filter(({ fact }) => fact === "engine troubled")).toMatchObject([{ code: "rate_limit_exceeded" }]);
      expect(phone.facts.filter(({ fact }) => fact === "engine ready")).toHaveLength(1);
      expect(phone.lost).toEqual([]);
    });

  test("calls a tool with arguments that can be read, and says what came back", async ({ expect, ...t }) => {
    const engine = open(t, { prompt: "[emulator: clerk]", tools: [lookUp] });
    await engine.until("ready");
    engine.speak(900);
    const tool = await engine.until("tool");
    expect(tool.name).toBe("look_up");
    expect(JSON.parse(tool.args)).toHaveProperty("query");
    engine.connection.toolResult(tool.id, { ok: true, text: "It is at four o'clock." });
    await engine.untilSaid("four o'clock");
    engine.speak(900);
    await vi.waitFor(() => expect(engine.events.filter(({ what }) => what === "tool")).toHaveLength(2));
    const second = engine.events.filter((event) => event.what === "tool")[1];
    engine.connection.toolResult(second?.id ?? "", { ok: false, text: "The book is closed." });
    await engine.untilSaid("The book is closed");
  });

  test("tells the agent every key that was pressed before the caller speaks, and an operator's word", async ({ expect, ...t }) => {
    const phone = call(t, { prompt: "[emulator: reader]", greeting: null });
    await phone.until(() => phone.whispers("The blue one is sold out."));
    for (const key of "472") phone.press(key);
    await phone.say(900);
    await phone.answered(1);
    expect(phone.answerTo(1)).toMatch(/blue one.* key 4.* key 7.* key 2.*That is all/s);
  });

  // Behaviours that not every kind has are defined where they are, so that whatever is counted as skipped was.
  if (kind.name === "EVI")
    test.for(["no-resume", "another-group", "forgets"])(
      "goes on after a drop although the vendor does not: %s",
      async (fault, { expect, ...t }) => {
        const phone = call(t, {
          prompt: "[emulator: desk drop turn=2]",
          greeting: "Hello, this is the desk.",
          options: { config_id: fault },
        });
        await phone.answered(0);
        await phone.say(900);
        await phone.answered(1);
        await phone.say(900);
        await phone.until(() => phone.facts.some(({ fact }) => fact === "engine resumed"));
        await phone.answered(2);
        await phone.say(900);
        await phone.answered(3);
        const greetings = phone.said().filter(({ text }) => text.startsWith("Hello, this is the desk"));
        expect(greetings).toHaveLength(1);
        const resumed = phone.facts.find((fact) => fact.fact === "engine resumed");
        expect(resumed?.fact === "engine resumed" && resumed.gapMs).toBeLessThan(2_000);
        expect(phone.lost).toEqual([]);
        const troubles = phone.facts.flatMap((fact) => (fact.fact === "engine troubled" ? [fact.code] : []));
        expect(troubles).toEqual(fault === "forgets" ? [] : ["not_resumed"]);
        // Told what was said, it says other words than before.
        if (fault !== "forgets") expect(phone.answerTo(3)).not.toBe(phone.answerTo(1));
      },
    );

  test("lets the agent say goodbye to the end, and then hang up", async ({ expect, ...t }) => {
    const phone = call(t, { prompt: "[emulator: quitter]", greeting: null });
    await phone.say(900);
    await phone.until(() => phone.hungUp());
    const goodbye = phone.said().filter(({ speaker }) => speaker === "agent");
    expect(goodbye.map(({ text }) => text).join(" ")).toContain("Goodbye.");
    expect(goodbye.every(({ cut, heardMs }) => !cut && (heardMs ?? 0) > 300)).toBe(true);
  });

  test("goes on after a dropped connection, without greeting twice and without forgetting", async ({ expect, ...t }) => {
    const phone = call(t, { prompt: "[emulator: desk drop turn=2]", greeting: "Hello, this is the desk." });
    await phone.answered(0);
    await phone.say(900);
    await phone.answered(1);
    await phone.say(900);
    await phone.until(() => phone.facts.some(({ fact }) => fact === "engine resumed"));
    await phone.answered(2);
    await phone.say(900);
    await phone.answered(3);
    const texts = phone.said().filter(({ speaker }) => speaker === "agent");
    expect(texts.filter(({ text }) => text.startsWith("Hello, this is the desk"))).toHaveLength(1);
    expect(phone.said().filter(({ speaker }) => speaker === "caller")).toHaveLength(3);
    // The scripted agent says other words each time as long as it remembers the times before.
    const answers = [1, 3].map((turn) => phone.answerTo(turn));
    expect(answers[1]).not.toBe("");
    expect(answers[1]).not.toBe(answers[0]);
    const resumed = phone.facts.find((fact) => fact.fact === "engine resumed");
    expect(resumed?.fact === "engine resumed" && resumed.gapMs).toBeLessThan(2_000);
    expect(phone.lost).toEqual([]);
  });

  if (kind.short !== null)
    test("is renewed in a pause before its time is over, unheard", async ({ expect, ...t }) => {
      const phone = call(t, { greeting: "Hello, this is the desk.", options: kind.short ?? {}, time: wall });
      await phone.answered(0);
      await phone.say(900);
      await phone.answered(1);
      await phone.until(() => phone.facts.some(({ fact }) => fact === "engine resumed"));
      const before = phone.said().length;
      await phone.say(900);
      await phone.answered(2);
      expect(phone.facts.find(({ fact }) => fact === "engine ended")).toMatchObject({ code: "renewal" });
      expect(turnsOf(phone.said().slice(before))).toEqual(["caller", "agent"]);
      expect(phone.answerTo(2)).not.toBe(phone.answerTo(1));
    });

  if (kind.name === "OpenAI Realtime")
    test("leaves the caller's feelings to a listener beside it", async ({ expect, ...t }) => {
      const listener = await startProgram(join(emulators, "expression/main.ts"), ["--api-key", KEY, "--nested"]);
      t.onTestFinished(() => listener.stop());
      const url = `${ws(listener.url)}/v1/expression/audio/realtime`;
      const phone = call(t, { emotions: expressionSource({ url, apiKey: KEY, clock: patient.clock }) });
      await phone.say(900);
      await phone.answered(1);
      await phone.say(1_500);
      await phone.answered(2);
      const felt = (): Utterance[] => phone.said().filter(({ emotions }) => emotions !== null);
      await phone.until(() => felt().length === 2);
      expect(felt().map(({ speaker, emotions }) => [speaker, emotions?.set])).toEqual([
        ["caller", EXPRESSION_SET],
        ["caller", EXPRESSION_SET],
      ]);
      expect(felt()[0]?.emotions?.scores).not.toEqual(felt()[1]?.emotions?.scores);
    });

  test("names a refused key, and does not try it again", async ({ expect, ...t }) => {
    const engine = open(t, {}, "another-key");
    expect(await engine.until("ended")).toMatchObject({ why: "refused", retry: false, code: expect.stringMatching(/401|invalid_api_key/) });
    expect(engine.events.at(-1)?.what).toBe("ended");
  });

  test.for([1, 2, 3, 4])("closed at word %i of its beginning, it is not ready afterwards, and ends once", async (nth, { expect, ...t }) => {
    let words = 0;
    let before: number | null = null;
    const close = (): void => {
      before ??= engine.events.length;
      engine.connection.close();
    };
    const engine = open(t, {}, KEY, () => {
      if (++words === nth) close();
    });
    await vi.waitUntil(() => before !== null || engine.events.some(({ what }) => what === "ready"), { timeout: 60_000 });
    close();
    expect(await engine.until("ended")).toMatchObject({ why: "asked" });
    const after = engine.events.slice(before ?? 0).map(({ what }) => what);
    expect(after.filter((what) => what === "ready" || what === "ended")).toEqual(["ended"]);
    expect(after.at(-1)).toBe("ended");
  });

  test("10,000 unknown and 10,000 unreadable messages make no noise and no utterance", async ({ expect, ...t }) => {
    const engine = open(t, { prompt: "[emulator: parrot flood flood-malformed]" });
    await engine.until("ready");
    engine.speak(900);
    await engine.until("agent done");
    expect(engine.events.filter(({ what }) => what === "trouble").length).toBeLessThan(20);
    const finals = engine.events.flatMap((event) =>
      (event.what === "agent text" || event.what === "caller text") && event.final && event.text !== "" ? [event.utterance] : [],
    );
    expect(new Set(finals).size).toBeLessThanOrEqual(2);
    expect(engine.said()).toContain("You said:");
  });
});

// ---- a caller on the bridge ----------------------------------------------------------------------------------------------------

/** Of a test that runs beside others: only its own context knows when it ends. */
type Ends = Pick<TestContext, "onTestFinished">;
type Wish = Partial<Pick<EngineSession, "prompt" | "greeting" | "options" | "manners">> & {
  readonly emotions?: EmotionSource;
  readonly time?: Time;
};

interface Phone {
  readonly facts: BridgeFact[];
  readonly lost: unknown[];
  /** Each time the carrier was told to drop what it holds: how much speech it had been sent until then. */
  readonly clears: { readonly playedMs: number }[];
  playedMs(): number;
  hungUp(): boolean;
  press(key: string): void;
  /** An operator's word to the agent; false while nobody is there to hear it. */
  whispers(text: string): boolean;
  /** Speaks for so many ms; resolves when it is out. */
  say(ms: number): Promise<void>;
  /** What was said, as last told, in order. */
  said(): Utterance[];
  /** Resolves when the agent has answered the turn (0: has spoken first) and is silent. */
  answered(turn: number): Promise<void>;
  /** The agent's words after the caller's turn, until the next. */
  answerTo(turn: number): string;
  until(fact: () => boolean): Promise<void>;
}

function dial(t: Ends, kind: Kind, engine: Engine, { emotions, time = patient, ...wish }: Wish): Phone {
  const { clock, tick } = time;
  const { rate } = kind;
  const frame = rate / 50;
  const utterances = new Map<string, Utterance>();
  const facts: BridgeFact[] = [];
  const lost: unknown[] = [];
  const clears: { playedMs: number }[] = [];
  let hungUp = false;
  let played = 0;
  let listener: MediaListener | null = null;
  /** The caller is on the line. */
  let pickUp = (): void => undefined;
  const there = new Promise<void>((resolve) => {
    pickUp = () => {
      bridge.attach(media);
      bridge.answered(clock.now());
      resolve();
    };
  });
  const media: CallerMedia = {
    rate,
    keepsSound: true,
    play: (pcm) => {
      played += pcm.length / 2;
    },
    clear: () => void clears.push({ playedMs: (played * 1000) / rate - bridge.player.paddedMs }),
    mark: () => undefined,
    ready: () => true,
    close: () => undefined,
    listen: (who) => {
      listener = who;
    },
  };
  const bridge: RunningBridge = runBridge({
    call: newId<CallId>(),
    engine,
    emotions: emotions ?? null,
    agent: {
      agent: null,
      manners: plainManners,
      tools: [],
      prompt: "[emulator: desk]",
      greeting: null,
      voice: null,
      language: "en",
      options: {},
      variables: {},
      ...wish,
    },
    resume: null,
    history: [],
    rate,
    clock,
    tick,
    journal: { put: () => undefined, close: async () => undefined },
    said: (utterance) => void utterances.set(utterance.ref, utterance),
    fact(fact) {
      // It rings until the engine is there: how soon a busy machine opens many of them is no behaviour of a call.
      if (fact.fact === "engine ready" && !facts.some((one) => one.fact === "engine ready")) setImmediate(pickUp);
      facts.push(fact);
    },
    hangUp: () => {
      hungUp = true;
    },
    engineLost: (detail) => void lost.push(detail),
  });
  const voice = startVoice(
    frame,
    (pcm, nth) => {
      listener?.frame(new Uint8Array(pcm.buffer));
      if (nth % 50 === 0) bridge.second();
    },
    undefined,
    clock,
  );
  t.onTestFinished(async () => {
    await bridge.end();
    voice.stop();
  });

  const said = (): Utterance[] => [...utterances.values()].sort((a, b) => a.startedMs - b.startedMs);
  const turns = (): Utterance[][] => {
    const groups: Utterance[][] = [[]];
    for (const one of said()) {
      if (one.speaker === "caller") groups.push([]);
      else groups.at(-1)?.push(one);
    }
    return groups;
  };
  const phone: Phone = {
    facts,
    lost,
    clears,
    playedMs: () => (played * 1000) / rate,
    hungUp: () => hungUp,
    press: (key) => listener?.digit(key, 100),
    whispers: (text) => bridge.whisper("context", text),
    said,
    say: (ms) => there.then(() => voice.say(babble(ms, rate))),
    answered: (turn) =>
      phone.until(() => {
        const answer = turns()[turn] ?? [];
        return answer.length > 0 && answer.every(({ heardMs }) => heardMs !== null) && bridge.player.unplayedMs(clock.monotonicMs()) === 0;
      }),
    answerTo: (turn) => (turns()[turn] ?? []).map(({ text }) => text).join(" "),
    until: (fact) =>
      vi.waitFor(
        () => {
          if (!fact())
            throw new Error(
              `not yet: ${JSON.stringify(said().map(({ speaker, text, heardMs }) => [speaker, text, heardMs]))} ${JSON.stringify(facts)} ${lost.map((one) => (one as { error?: Error }).error?.stack ?? JSON.stringify(one)).join()}`,
            );
        },
        { timeout: 120_000, interval: 20 },
      ),
  };
  return phone;
}

const turnsOf = (said: readonly Utterance[]): string[] =>
  said.map(({ speaker }) => speaker).filter((speaker, at, all) => at === 0 || speaker !== all[at - 1]);

// ---- straight to the adapter ---------------------------------------------------------------------------------------------------

const lookUp: Tool = {
  name: "look_up",
  description: "Looks something up.",
  parameters: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
};

interface Direct {
  readonly events: EngineEvent[];
  /** The one that is open now. */
  readonly connection: ReturnType<Engine["open"]>;
  until<What extends EngineEvent["what"]>(what: What): Promise<Extract<EngineEvent, { what: What }>>;
  /** Speaks, then is silent long enough for the turn to end: as fast as the wire takes it. */
  speak(ms: number): void;
  said(): string;
  untilSaid(words: string): Promise<void>;
}

function direct(t: Ends, kind: Kind, engine: Engine, wish: Partial<EngineSession>, tap?: WireTap): Direct {
  const events: EngineEvent[] = [];
  const session: EngineSession = {
    callId: newId<CallId>(),
    agent: null,
    manners: plainManners,
    prompt: "[emulator: desk]",
    variables: {},
    greeting: null,
    voice: null,
    language: "en",
    tools: [],
    inRate: kind.rate,
    outRate: kind.rate,
    resume: null,
    history: [],
    options: {},
    ...wish,
  };
  const heard = (event: EngineEvent): void => {
    // As a bridge does: what a busy machine could not reach in time is tried again.
    if (event.what === "ended" && event.code === "unreachable" && events.length === 0) connection = engine.open(session, heard, tap);
    else events.push(event.what === "agent audio" ? { ...event, pcm: event.pcm.slice() } : event);
  };
  let connection = engine.open(session, heard, tap);
  t.onTestFinished(() => connection.close());
  const said = (): string => events.flatMap((event) => (event.what === "agent text" ? [event.text] : [])).join(" ");
  const waitFor = <T>(what: () => T): Promise<T> => vi.waitFor(what, { timeout: 60_000, interval: 10 });
  return {
    events,
    get connection() {
      return connection;
    },
    until: (what) =>
      waitFor(() => {
        const found = events.find((event) => event.what === what);
        if (found === undefined) throw new Error(`no ${what} in ${events.map((event) => event.what).join(", ")}`);
        return found as never;
      }),
    speak(ms) {
      const samples = new Int16Array(((ms + 1_600) * kind.rate) / 1000);
      samples.set(babble(ms, kind.rate), kind.rate / 5);
      const bytes = new Uint8Array(samples.buffer);
      for (let at = 0; at < bytes.length; at += kind.rate / 25) connection.audio(bytes.subarray(at, at + kind.rate / 25));
    },
    said,
    untilSaid: async (words) => {
      await waitFor(() => expect(said()).toContain(words));
    },
  };
}
