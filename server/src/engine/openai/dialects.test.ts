import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { babble } from "../../../test/carrier-socket.ts";
import { type Program, startProgram } from "../../../test/program.ts";
import { systemClock } from "../../clock.ts";
import { type EngineEvent, type EngineSession, plainManners } from "../port.ts";
import { type DialectName, dialectOf } from "./dialects.ts";
import { createOpenAiEngine } from "./openai.ts";

/*
 * Every row of the table of dialects against a server that speaks so and refuses what the others do: its address, its way to give the key, its
 * session, its names of events, its ways to say exact words and to hear of a cut.
 */

const KEY = "dialect-key";
const GREETING = "Hello, this is the desk of the dialects.";

interface Row {
  readonly dialect: DialectName;
  /** Which servers the emulator imitates. */
  readonly as: string | null;
  readonly path: string;
  /** Another server's way to give the key is refused. */
  readonly refuses: DialectName;
  readonly rate: number;
}
const rows: readonly Row[] = [
  { dialect: "openai", as: null, path: "/v1/realtime", refuses: "inworld", rate: 24_000 },
  { dialect: "azure", as: "azure", path: "/openai/v1/realtime", refuses: "openai", rate: 24_000 },
  { dialect: "xai", as: "xai", path: "/v1/realtime", refuses: "azure", rate: 16_000 },
  { dialect: "inworld", as: "inworld", path: "/api/v1/realtime/session?key=workspace&protocol=realtime", refuses: "openai", rate: 24_000 },
  { dialect: "localai", as: "local", path: "/v1/realtime", refuses: "inworld", rate: 16_000 },
  { dialect: "huggingface", as: "speech-to-speech+beta-names", path: "/v1/realtime", refuses: "inworld", rate: 16_000 },
];

/** They wait for sockets and sound: all at once. */
vi.setConfig({ maxConcurrency: 30 });

test("every dialect has its row here", () => {
  const names: Record<DialectName, true> = { openai: true, azure: true, xai: true, inworld: true, localai: true, huggingface: true };
  expect(rows.map(({ dialect }) => dialect).sort()).toEqual(Object.keys(names).sort());
});

describe.concurrent.each(rows)("$dialect", ({ dialect, as, path, refuses, rate }) => {
  let program: Program;
  beforeAll(async () => {
    const args = ["--api-key", KEY, "--think-ms", "30", "--transcribe-ms", "30", "--speed", "40", ...(as === null ? [] : ["--as", as])];
    program = await startProgram(join(import.meta.dirname, "../../../../emulators/openai/main.ts"), args);
  });
  afterAll(() => program?.stop());

  interface Talk {
    readonly events: EngineEvent[];
    readonly told: Record<string, unknown>[];
    readonly connection: ReturnType<ReturnType<typeof createOpenAiEngine>["open"]>;
    speak(ms: number): void;
    until<What extends EngineEvent["what"]>(what: What, nth?: number): Promise<Extract<EngineEvent, { what: What }>>;
  }
  function talk(wish: Partial<EngineSession> = {}, speaks: DialectName = dialect): Talk {
    const events: EngineEvent[] = [];
    const told: Record<string, unknown>[] = [];
    const url = `${program.url.replace(/^http/, "ws")}${path}`;
    const engine = createOpenAiEngine({ url, apiKey: KEY, model: "desk", dialect: speaks, clock: systemClock });
    const connection = engine.open(
      {
        callId: `call-${Math.random()}`,
        agent: null,
        prompt: "You are the desk.",
        variables: {},
        greeting: null,
        voice: null,
        language: "en",
        tools: [],
        manners: plainManners,
        inRate: rate,
        outRate: rate,
        resume: null,
        history: [],
        options: {},
        ...wish,
      },
      (event) => void events.push(event.what === "agent audio" ? { ...event, pcm: event.pcm.slice() } : event),
      (way, message) => void (way === "told" && told.push(JSON.parse(String(message)))),
    );
    return {
      events,
      told,
      connection,
      speak(ms) {
        const samples = new Int16Array(((ms + 1_600) * rate) / 1000);
        samples.set(babble(ms, rate), rate / 5);
        const bytes = new Uint8Array(samples.buffer);
        for (let at = 0; at < bytes.length; at += rate / 25) connection.audio(bytes.subarray(at, at + rate / 25));
      },
      until: (what, nth = 0) =>
        vi.waitFor(
          () => {
            const found = events.filter((event) => event.what === what)[nth];
            if (found === undefined)
              throw new Error(`no ${what} in ${JSON.stringify(events.filter((event) => event.what !== "agent audio"))}`);
            return found as never;
          },
          { timeout: 30_000, interval: 10 },
        ),
    };
  }

  test("greets, hears a turn and writes it down once, and answers it, without a word of trouble", async ({ expect, onTestFinished }) => {
    const one = talk({ greeting: GREETING });
    onTestFinished(() => one.connection.close());
    await one.until("agent done");
    expect(one.events.findLast(({ what }) => what === "agent text")).toMatchObject({ text: GREETING });
    one.speak(900);
    await one.until("agent done", 1);
    const written = () => one.events.filter((event) => event.what === "caller text" && event.final);
    await vi.waitFor(() => expect(written()).toMatchObject([{ text: "(speech, 0.9 s)" }]));
    expect(one.events.filter(({ what }) => what === "caller speech").length).toBe(2);
    expect(new Set(one.events.flatMap((event) => (event.what === "agent audio" ? [event.utterance] : []))).size).toBe(2);
    expect(one.events.filter(({ what }) => what === "trouble" || what === "ended")).toEqual([]);
    const exact = one.told.some(({ item }) => (item as { type?: string } | undefined)?.type === "force_message");
    expect(exact).toBe(dialectOf(dialect).verbatim);
  });

  test("is told of a cut in the way it knows, and answers what cut it off", async ({ expect, onTestFinished }) => {
    const one = talk({ prompt: "[emulator: storyteller]" });
    onTestFinished(() => one.connection.close());
    await one.until("ready");
    one.speak(900);
    const { utterance } = await one.until("agent audio");
    one.connection.playing(true);
    one.speak(900);
    await one.until("cut in");
    one.connection.played(utterance, 120, "cut");
    one.connection.playing(false);
    await vi.waitFor(() => expect(one.events.some((event) => event.what === "agent audio" && event.utterance !== utterance)).toBe(true), {
      timeout: 30_000,
      interval: 10,
    });
    const cuts = one.told.filter(({ type }) => type === "conversation.item.truncate");
    expect(cuts).toHaveLength(dialectOf(dialect).heardPart === "truncate" ? 1 : 0);
    if (cuts.length === 1) expect(cuts[0]).toMatchObject({ item_id: utterance, audio_end_ms: 120 });
    else expect(JSON.stringify(one.told)).toContain("only the first 0.1 seconds were heard");
    expect(one.events.filter(({ what }) => what === "ended")).toEqual([]);
  });

  test("does not know another server's way to give the key", async ({ expect }) => {
    expect(await talk({}, refuses).until("ended")).toMatchObject({ why: "refused", retry: false, code: "http_401" });
  });
});
