import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { CallerMedia, MediaListener } from "../src/bridge/media.ts";
import type { RunParts } from "../src/bridge/parts.ts";
import { replayJournal } from "../src/bridge/replay.ts";
import { runBridge } from "../src/bridge/run.ts";
import { startTick } from "../src/bridge/tick.ts";
import { systemClock as clock } from "../src/clock.ts";
import { createEviEngine } from "../src/engine/evi/evi.ts";
import { createOpenAiEngine } from "../src/engine/openai/openai.ts";
import { type Engine, plainManners } from "../src/engine/port.ts";
import { type CallId, newId } from "../src/ids.ts";
import { journalPath, openJournals } from "../src/journal/file.ts";
import { readJournal } from "../src/journal/read.ts";
import { HEADER_BYTES, kinds, putRecord } from "../src/journal/record.ts";
import { babble } from "./carrier-socket.ts";
import { startProgram } from "./program.ts";
import { startVoice } from "./voice.ts";

/*
 * Makes the journals of server/src/bridge/replay-corpus: a few short calls with the emulated engines, through the real bridge, in real time. Run it
 * when the bridge is to decide otherwise than it did, or a new story is wanted:
 *
 *   node server/test/replay-corpus.ts
 */

const KEY = "test-key";
const RATE = 8_000;
const FRAME = RATE / 50;

/** A caller in real time, who does what a story wants. */
interface Caller {
  say(ms: number): Promise<void>;
  /** Resolves when the agent has begun to speak and is silent again. */
  answered(): Promise<void>;
  /** Resolves when so much of the agent's has been heard since last asked. */
  hears(ms: number): Promise<void>;
  press(digit: string): void;
  /** Their connection breaks, and comes back after so long. */
  awayFor(ms: number): Promise<void>;
  over(): boolean;
}
interface Story {
  readonly engine: "evi" | "openai";
  readonly prompt: string;
  readonly greeting: string | null;
  readonly keepsSound?: boolean;
  readonly more?: Partial<RunParts>;
  tell(caller: Caller): Promise<void>;
  /** Then the call goes to another process, whose bridge was told what was said. */
  readonly takenOver?: Pick<Story, "tell">;
}

const lookUp = {
  name: "look_up",
  description: "Looks something up.",
  parameters: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
};
const stories: Readonly<Record<string, Story>> = {
  "cut-in": {
    engine: "evi",
    prompt: "[emulator: storyteller]",
    greeting: null,
    async tell(caller) {
      await caller.say(900);
      await caller.hears(2_000);
      await caller.say(1_500);
      await caller.hears(1_000);
    },
  },
  "engine-lost": {
    engine: "evi",
    prompt: "[emulator: desk drop turn=2]",
    greeting: "Hello, this is the desk.",
    async tell(caller) {
      await caller.answered();
      await caller.say(900);
      await caller.answered();
      await caller.say(900);
      await caller.answered();
    },
  },
  "caller-away": {
    engine: "openai",
    prompt: "[emulator: desk]",
    greeting: "Hello, this is the desk.",
    async tell(caller) {
      await caller.hears(600);
      await caller.awayFor(1_500);
      await caller.say(900);
      await caller.answered();
    },
  },
  "tool-and-keys": {
    engine: "openai",
    prompt: "[emulator: clerk]",
    greeting: null,
    more: { useTool: () => sleep(700, { ok: true, text: "It is at four o'clock." }) },
    async tell(caller) {
      caller.press("4");
      await caller.say(900);
      await caller.answered();
      await caller.say(700);
      await caller.answered();
    },
  },
  "taken-over": {
    engine: "openai",
    prompt: "[emulator: desk]",
    greeting: "Hello, this is the desk.",
    async tell(caller) {
      await caller.answered();
      await caller.say(900);
      await caller.hears(800);
    },
    takenOver: {
      async tell(caller) {
        await caller.answered();
        await caller.say(900);
        await caller.answered();
      },
    },
  },
  goodbye: {
    engine: "openai",
    prompt: "[emulator: quitter]",
    greeting: null,
    async tell(caller) {
      await caller.say(900);
      while (!caller.over()) await sleep(20);
    },
  },
  "no-recording": {
    engine: "evi",
    prompt: "[emulator: desk]",
    greeting: "Hello, this is the desk.",
    keepsSound: false,
    more: { patience: { nudge: { afterMs: 2_500, text: "Are you still there?", times: 1 }, goodbye: null } },
    async tell(caller) {
      await caller.answered();
      await caller.say(900);
      await caller.answered();
      await caller.answered();
    },
  },
};

async function record(dir: string, name: string, story: Story, engine: Engine): Promise<string> {
  const call = newId<CallId>();
  await carry(dir, call, name, story, engine);
  if (story.takenOver !== undefined) {
    const history = [{ speaker: "agent", text: "Hello, this is the desk." }] as const;
    await carry(dir, call, name, { ...story, ...story.takenOver, greeting: null, more: { history, backAgain: "I am back." } }, engine);
  }
  return journalPath(dir, call);
}

async function carry(dir: string, call: CallId, name: string, { tell, ...story }: Story, engine: Engine): Promise<void> {
  const journals = openJournals({ dir, clock, log: { warn: (detail, text) => console.error(name, text, detail) } });
  const tick = startTick(clock, (error) => {
    throw error;
  });
  const journal = journals.open(call);
  let listener: MediaListener | null = null;
  let playedMs = 0;
  const run = runBridge({
    call,
    engine,
    agent: {
      agent: null,
      manners: plainManners,
      tools: story.more?.useTool === undefined ? [] : [lookUp],
      prompt: story.prompt,
      greeting: story.greeting,
      voice: null,
      language: "en",
      options: {},
      variables: {},
    },
    resume: null,
    history: [],
    rate: RATE,
    clock,
    tick,
    journal,
    said() {},
    fact() {},
    hangUp() {},
    engineLost: ({ text, error }) => console.error(name, text, error),
    ...story.more,
  });
  const connect = (): void => {
    const media: CallerMedia = {
      rate: RATE,
      keepsSound: story.keepsSound ?? true,
      play(pcm) {
        playedMs += (pcm.length / 2 / RATE) * 1000;
      },
      clear() {},
      mark() {},
      ready: () => true,
      close() {},
      listen: (one) => {
        listener = one;
      },
    };
    run.attach(media);
  };
  while (run.state() === "opening") await sleep(5);
  run.answered(clock.now());
  connect();
  const voice = startVoice(FRAME, (pcm, number) => {
    listener?.frame(new Uint8Array(pcm.buffer));
    if (number % 50 === 0) run.second();
  });
  const silent = (): boolean => run.player.unplayedMs(clock.monotonicMs()) <= 0;
  const caller: Caller = {
    say: (ms) => voice.say(babble(ms, RATE)),
    async answered() {
      while (silent()) await sleep(10);
      for (let quiet = 0; quiet < 60; quiet = silent() ? quiet + 1 : 0) await sleep(10);
    },
    async hears(ms) {
      const from = playedMs;
      while (playedMs - from < ms) await sleep(10);
    },
    press: (digit) => listener?.digit(digit, 160),
    async awayFor(ms) {
      listener?.closed();
      listener = null;
      await sleep(ms);
      connect();
    },
    over: () => run.state() === "over",
  };
  await tell(caller);
  await run.end();
  voice.stop();
  await journal.close();
  await journals.close();
  tick.close();
}

/**
 * What a replay needs of a journal, as small as it goes: a frame of the caller's is one value throughout, as loud as it was (so that it is speech or
 * none as before); what was played is zeros; the vendors' own messages are left out.
 */
async function thinned(path: string): Promise<Buffer> {
  const records: Buffer[] = [];
  let zeroMs = Number.NaN;
  let begun = -1;
  const { records: all } = readJournal(path);
  const put = (kind: number, atMs: number, payload: Uint8Array): void => {
    const record = Buffer.alloc(HEADER_BYTES + payload.length);
    putRecord(record, 0, kind, Math.round((atMs - zeroMs) * 1000), payload);
    records.push(record);
  };
  for await (const { kind, atMs, part, payload } of all) {
    if (begun !== part) {
      begun = part;
      // The reader keeps the head to itself; whole milliseconds before the first record are as good a zero.
      zeroMs = Math.floor(atMs) - 1;
      const head = { journal: "earshot", version: 1, call: "corpus", part: `corpus-${part}`, zeroAt: new Date(zeroMs).toISOString() };
      put(kinds.opened, zeroMs, Buffer.from(JSON.stringify(head)));
    }
    if (kind === "engineHeard" || kind === "engineTold") continue;
    if (kind === "callerFrame") put(kinds[kind], atMs, asLoud(payload));
    else put(kinds[kind], atMs, kind === "playedFrame" ? new Uint8Array(payload.length) : payload);
  }
  return Buffer.concat(records);
}

function asLoud(frame: Uint8Array): Uint8Array {
  const samples = new Int16Array(new Uint8Array(frame).buffer);
  let sum = 0;
  for (let i = 0; i < samples.length; i += 4) sum += (samples[i] as number) ** 2;
  return new Uint8Array(new Int16Array(samples.length).fill(Math.round(Math.sqrt(sum / Math.ceil(samples.length / 4)))).buffer);
}

const corpus = join(import.meta.dirname, "../src/bridge/replay-corpus");
const emulators = join(import.meta.dirname, "../../emulators");
const dir = await mkdtemp(join(tmpdir(), "earshot-corpus-"));
const evi = await startProgram(join(emulators, "evi/main.ts"), ["--api-key", KEY, "--think-ms", "50"]);
const openai = await startProgram(join(emulators, "openai/main.ts"), ["--api-key", KEY, "--think-ms", "50", "--transcribe-ms", "150"]);
const ws = (url: string): string => url.replace(/^http/, "ws");
const engines = {
  evi: createEviEngine({ url: `${ws(evi.url)}/v0/evi/chat`, apiKey: KEY, configId: null, clock }),
  openai: createOpenAiEngine({ url: `${ws(openai.url)}/v1/realtime`, apiKey: KEY, model: "gpt-realtime-2.1", dialect: "openai", clock }),
};
const wanted = process.argv.slice(2);
await mkdir(corpus, { recursive: true });
for (const [name, story] of Object.entries(stories)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const path = await record(dir, name, story, engines[story.engine]);
  const whole = await replayJournal(path);
  const bytes = gzipSync(await thinned(path), { level: 9 });
  await writeFile(join(corpus, `${name}.journal.gz`), bytes);
  console.log(name, `${bytes.length} bytes`, { ...whole, differences: whole.differences.length, pacing: whole.pacing.worstApartMs });
  for (const one of whole.differences) console.log(one);
}
await Promise.all([evi.stop(), openai.stop()]);
await rm(dir, { recursive: true, force: true });
