import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Utterance } from "../conversation/utterance.ts";
import { type Engine, type EngineConnection, type EngineEvent, type EngineSession, plainManners } from "../engine/port.ts";
import { type CallId, newId } from "../ids.ts";
import { type Journals, openJournals } from "../journal/file.ts";
import type { ToolResult } from "../tools/result.ts";
import type { ToolUse } from "../tools/use.ts";
import type { CallerMedia, MediaListener } from "./media.ts";
import type { RunningBridge, RunParts } from "./parts.ts";
import { runBridge } from "./run.ts";
import { startTick, type Tick } from "./tick.ts";
import type { BridgeFact } from "./timeline.ts";

/** A carrier, an engine and a clock, all moved by hand; the bridge between them, its tick and its journal are the real ones. */
let dir: string;
let journals: Journals;
let tick: Tick;
let time = 1_000;
const clock = { now: () => new Date(Date.UTC(2026, 0, 1) + time), monotonicMs: () => time };

beforeEach(async () => {
  time = 1_000;
  dir = await mkdtemp(join(tmpdir(), "earshot-run-"));
  journals = openJournals({ dir, clock, log: { warn() {} } });
  tick = startTick(clock, () => {});
});
afterEach(async () => {
  tick.close();
  await journals.close();
  await rm(dir, { recursive: true, force: true });
});

interface Session {
  readonly asked: EngineSession;
  readonly heard: number[];
  readonly told: string[];
  say(event: EngineEvent): void;
}
function house(more: Partial<RunParts> = {}, resume = true, open?: Engine["open"]) {
  const sessions: Session[] = [];
  const abilities = {
    name: "hand",
    inRates: [16_000],
    outRates: [16_000],
    turns: true,
    paced: false,
    verbatim: true,
    interim: true,
    emotions: "none",
    wantsPlayed: true,
    resume,
    maxMs: null,
  } as const;
  const engine: Engine = {
    abilities,
    manner: { mostPromptChars: null, always: [], notes: () => [], refuses: () => [] },
    open(asked, listener, tap): EngineConnection {
      if (open !== undefined) return open(asked, listener, tap);
      const told: string[] = [];
      const heard: number[] = [];
      sessions.push({ asked, heard, told, say: listener });
      return {
        abilities,
        audio: (pcm) => heard.push(pcm[0] as number),
        say: (text) => told.push(`say ${text}`),
        context: (text) => told.push(`context ${text}`),
        toolResult: (id, { text }) => told.push(`result ${id} ${text}`),
        played: (utterance, ms, end) => told.push(`played ${utterance} ${Math.round(ms)} ${end}`),
        playing: (on) => told.push(`playing ${on}`),
        close: () => told.push("close"),
      };
    },
  };
  const said: Utterance[] = [];
  const facts: BridgeFact["fact"][] = [];
  const outcome: string[] = [];
  const run: RunningBridge = runBridge({
    call: newId<CallId>(),
    engine,
    agent: {
      agent: null,
      manners: plainManners,
      tools: [],
      prompt: "",
      greeting: "Hello.",
      voice: null,
      language: "en",
      options: {},
      variables: {},
    },
    resume: null,
    history: [],
    rate: 16_000,
    clock,
    tick,
    journal: journals.open(newId<CallId>()),
    said: (utterance) => said.push(utterance),
    fact: ({ fact }) => facts.push(fact),
    hangUp: () => outcome.push("hang up"),
    engineLost: ({ code, error }) => outcome.push(`${code}: ${error instanceof Error}`),
    ...more,
  });
  const line: (string | number)[] = [];
  let listener: MediaListener | null = null;
  const media: CallerMedia = {
    rate: 16_000,
    keepsSound: true,
    play: (pcm) => line.push(pcm.length / 640),
    clear: () => line.push("clear"),
    mark: () => {},
    ready: () => true,
    close: () => line.push("close"),
    listen: (one) => {
      listener = one;
    },
  };
  return {
    run,
    said,
    facts,
    outcome,
    line,
    session: (i = sessions.length - 1) => sessions[i] as Session,
    sessions,
    attach: () => run.attach(media),
    /** Another connection, which writes its own line and listens for itself. */
    attachAnother() {
      const lines: (string | number)[] = [];
      let mine: MediaListener | null = null;
      run.attach({
        ...media,
        play: (pcm) => lines.push(pcm.length / 640),
        close: () => lines.push("close"),
        listen: (one) => {
          mine = one;
        },
      });
      return { lines, frame: (value: number) => mine?.frame(new Uint8Array(640).fill(value)) };
    },
    frame: (value: number) => listener?.frame(new Uint8Array(640).fill(value)),
    press: (digit: string) => listener?.digit(digit, null),
    hangUpByCaller: () => listener?.closed(),
  };
}
const ready: EngineEvent = { what: "ready", session: "s", resume: "r", expiresAt: null };
const lost: EngineEvent = { what: "ended", why: "lost", code: "ws_1006", text: "Lost.", retry: true };
const speech = (utterance: string, ms: number): EngineEvent => ({ what: "agent audio", utterance, pcm: new Int16Array(ms * 16).fill(7) });
const words = (utterance: string): EngineEvent => ({
  what: "agent text",
  utterance,
  text: `words of ${utterance}`,
  final: true,
  language: null,
});

test("the caller's words during the connecting and during a loss are delivered, all, in order, once", () => {
  const { attach, frame, session, sessions } = house();
  attach();
  for (let i = 0; i < 10; i++) frame(i);
  session().say(ready);
  for (let i = 10; i < 20; i++) frame(i);
  expect(session().heard).toEqual(Array.from({ length: 20 }, (_, i) => i));
  session().say(speech("greeting", 40));
  session().say(lost);
  for (let i = 20; i < 30; i++) frame(i);
  session().say(ready);
  for (let i = 30; i < 35; i++) frame(i);
  expect(sessions).toHaveLength(2);
  expect(session().heard).toEqual(Array.from({ length: 15 }, (_, i) => 20 + i));
  expect(session().asked).toMatchObject({ resume: "r", greeting: null });
});

test("what a lost session still says is not heard", () => {
  const { attach, session, line } = house();
  attach();
  session().say(ready);
  session().say(lost);
  session().say(ready);
  session(0).say(speech("ghost", 500));
  expect(line).toEqual([]);
});

test("a cut-in sends clear, once, tells the engine how much was heard, and the row too", () => {
  const { run, attach, session, line, said, facts } = house();
  run.answered(clock.now());
  attach();
  session().say(ready);
  session().say(words("a"));
  session().say(speech("a", 1_000));
  time += 60;
  session().say({ what: "cut in" });
  session().say({ what: "cut in" });
  expect(line).toEqual([5, "clear"]);
  expect(session().told).toEqual(["playing true", "played a 60 cut", "playing false"]);
  expect(said.at(-1)).toMatchObject({ ref: "a", text: "words of a", heardMs: 60, cut: true });
  expect(facts.filter((fact) => fact === "caller cut in")).toHaveLength(1);
});

test("speech far beyond what a caller can have waiting is left out, and that is on the timeline, once an utterance", () => {
  const { run, attach, session, said, facts } = house();
  run.answered(clock.now());
  attach();
  session().say(ready);
  session().say(words("a"));
  for (let i = 0; i < 25; i++) session().say(speech("a", 10_000));
  expect(facts.filter((fact) => fact === "speech left out")).toHaveLength(1);
  session().say({ what: "agent done", how: "complete" });
  while (run.player.active) {
    time += 40;
    run.player.visit(time);
  }
  expect(said.at(-1)).toMatchObject({ ref: "a", cut: true });
});

test("a caller who hangs up in the middle of a sentence leaves it cut where they left, and nothing is sent any more", () => {
  const { run, attach, session, line, said, hangUpByCaller } = house();
  run.answered(clock.now());
  attach();
  session().say(ready);
  session().say(words("a"));
  session().say(speech("a", 1_000));
  time += 40;
  hangUpByCaller();
  session().say(speech("a", 1_000));
  expect(line).toEqual([5]);
  expect(said.at(-1)).toMatchObject({ heardMs: 40, cut: true });
});

test("a second connection takes the call over from one that died in silence: the engine goes on, and greets no second time", () => {
  const { run, attach, attachAnother, frame, session, sessions, line, facts, hangUpByCaller } = house();
  attach();
  session().say(ready);
  frame(1);
  const { lines, frame: another } = attachAnother();
  expect(line).toEqual(["close"]);
  another(2);
  // What the dead connection still brings, its end too, concerns nobody.
  frame(9);
  hangUpByCaller();
  session().say(speech("a", 1_000));
  expect([line, lines]).toEqual([["close"], [5]]);
  expect(session().heard).toEqual([1, 2]);
  expect(sessions).toHaveLength(1);
  expect(facts.filter((fact) => fact === "audio closed")).toHaveLength(1);
  expect([run.state(), run.attached()]).toEqual(["talking", true]);
});

test("nothing is a row before the time of the answer is known, and then everything is", () => {
  const { run, attach, session, said } = house();
  attach();
  session().say(ready);
  session().say(words("a"));
  session().say(speech("a", 200));
  expect(said).toEqual([]);
  time += 500;
  run.answered(new Date(clock.now().getTime() - 700));
  expect(said).toMatchObject([{ ref: "a", startedMs: 200 }]);
});

test("a greeting prepared while it rang, for audio that went to another process, is in no transcript and in no journal", async () => {
  const kept: string[] = [];
  const { run, session, said } = house({ journal: { put: (kind) => kept.push(kind), close: async () => undefined } });
  session().say(ready);
  session().say(words("greeting"));
  session().say(speech("greeting", 200));
  await run.end();
  expect(said).toEqual([]);
  expect(kept).not.toContain("utterance");
});

test("an answer that the carrier's clock puts after the audio is brought to the audio's beginning", () => {
  const { run, attach, session, said } = house();
  attach();
  session().say(ready);
  session().say(words("a"));
  session().say(speech("a", 200));
  run.answered(new Date(clock.now().getTime() + 5_000));
  expect(said[0]?.startedMs).toBe(0);
});

test("what nobody foresaw ends this call's bridge and says so; the process lives on", async () => {
  const { run, attach, session, outcome, frame } = house();
  attach();
  session().say(ready);
  session().say({ what: "caller text", utterance: "c", text: null as unknown as string, final: true, fromMs: 0, toMs: 0, language: null });
  expect(outcome).toEqual(["bridge_failed: true"]);
  frame(1);
  session().say(speech("a", 100));
  expect(run.state()).toBe("silent");
  expect(session().told).toEqual(["close"]);
  await run.end();
});

test("an engine that cannot even be asked for a session ends this call's bridge and says so", async () => {
  const open = (): EngineConnection => {
    throw new Error("Invalid URL");
  };
  const { run, attach, frame, outcome } = house({}, true, open);
  expect(outcome).toEqual(["bridge_failed: true"]);
  attach();
  frame(1);
  run.second();
  expect(run.state()).toBe("silent");
  await run.end();
});

test("after its end nothing is left: no tick, no media, no second end", async () => {
  const { run, attach, session, line, frame } = house();
  attach();
  session().say(ready);
  frame(1);
  const ended = run.end();
  session().say({ what: "caller text", utterance: "c", text: "Bye.", final: true, fromMs: 0, toMs: 20, language: null });
  await ended;
  await run.end();
  session().say(speech("a", 100));
  expect(line).toEqual(["close"]);
  expect(run.state()).toBe("over");
});

test("what nobody foresaw after the call is over ends it at once: nobody waits for its end for ever", async () => {
  const { run, attach, session, outcome, frame } = house();
  attach();
  session().say(ready);
  frame(1);
  const ended = run.end();
  expect(run.state()).toBe("listening");
  session().say({ what: "caller text", utterance: "c", text: null as unknown as string, final: true, fromMs: 0, toMs: 20, language: null });
  await ended;
  expect(run.state()).toBe("over");
  expect(outcome).toEqual(["bridge_failed: true"]);
  expect(session().told.at(-1)).toBe("close");
});

const lookUp: EngineEvent = { what: "tool", id: "u1", name: "look_up", args: "{}" };

test("a tool works while the agent goes on talking, and its result goes to the engine", async () => {
  const { promise, resolve } = Promise.withResolvers<ToolResult>();
  const uses: ToolUse[] = [];
  const { attach, session, line, facts } = house({
    useTool: (use) => {
      uses.push(use);
      return promise;
    },
  });
  attach();
  session().say(ready);
  session().say(lookUp);
  session().say(speech("a", 40));
  expect(uses).toEqual([{ id: "u1", name: "look_up", args: "{}" }]);
  expect(line.length).toBeGreaterThan(0);
  resolve({ ok: true, text: "Friday" });
  await vi.waitUntil(() => session().told.includes("result u1 Friday"));
  expect(facts).toContain("tool answered");
});

test("a booking that was under way when the engine was lost is told to the next session, so that nothing is booked twice", async () => {
  const { promise, resolve } = Promise.withResolvers<ToolResult>();
  const { attach, session } = house({ useTool: () => promise });
  attach();
  session().say(ready);
  session().say(speech("greeting", 40));
  session().say({ ...lookUp, name: "book" });
  session().say(lost);
  session().say(ready);
  expect(session().told.filter((one) => !one.startsWith("playing"))).toEqual([
    expect.stringContaining("book {}: is still at work"),
    expect.stringContaining("say Sorry"),
  ]);
  resolve({ ok: true, text: "Friday at ten" });
  await vi.waitUntil(() => session().told.at(-1)?.includes("has answered"));
  expect(session().told.at(-1)).toBe("context A tool that was used before has answered. book {}: done: Friday at ten");
  time += 20_000;
  session().say(speech("b", 40));
  session().say(lost);
  session().say(ready);
  expect(session().told).toContainEqual(expect.stringContaining("- book {}: done: Friday at ten"));
});

test("a tool that waits for quiet hears of it when the caller has heard the sentence", async () => {
  let quiet = false;
  const { run, attach, session } = house({
    useTool: async (_, moment) => {
      await moment.quiet();
      quiet = true;
      return { ok: true, text: "done" };
    },
  });
  attach();
  session().say(ready);
  session().say(speech("a", 400));
  session().say({ what: "agent done", how: "complete" });
  session().say(lookUp);
  run.second();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(quiet).toBe(false);
  for (let i = 0; i < 40; i++) {
    time += 20;
    run.player.visit(time);
  }
  await vi.waitUntil(() => quiet);
});

test("an engine that hangs up by a tool is let say its goodbye, and then the call ends", () => {
  const { run, attach, session, outcome } = house();
  attach();
  session().say(ready);
  session().say(speech("bye", 40));
  session().say({ what: "tool", id: "u1", name: "hang_up", args: "{}" });
  expect([run.state(), outcome]).toEqual(["goodbye", []]);
  time += 500;
  run.player.visit(time);
  expect([run.state(), outcome]).toEqual(["over", ["hang up"]]);
});

test("a silent caller is asked after, then said goodbye to, whatever the engine", () => {
  const silence: number[] = [];
  const { run, attach, session, facts } = house({
    patience: { nudge: { afterMs: 5_000, text: "Still there?", times: 1 }, goodbye: { afterMs: 12_000, text: "Goodbye." } },
    silence: () => silence.push(time),
  });
  attach();
  session().say(ready);
  session().say(speech("greeting", 200));
  session().say({ what: "agent done", how: "complete" });
  const said = () => session().told.filter((one) => one.startsWith("say "));
  const seconds = (n: number) => {
    for (let i = 0; i < n; i++) {
      time += 1_000;
      run.player.visit(time);
      run.second();
    }
  };
  seconds(5);
  expect(said()).toEqual([]);
  seconds(3);
  expect(said()).toEqual(["say Still there?"]);
  session().say(speech("nudge", 200));
  session().say({ what: "agent done", how: "complete" });
  seconds(7);
  expect(said()).toEqual(["say Still there?", "say Goodbye."]);
  session().say(speech("goodbye", 200));
  session().say({ what: "agent done", how: "complete" });
  seconds(3);
  expect(silence).toHaveLength(1);
  expect(facts.filter((fact) => fact === "caller silent")).toHaveLength(2);
});

test("a caller who answers is asked nothing", () => {
  const { run, attach, session } = house({ patience: { nudge: { afterMs: 5_000, text: "Still there?", times: 1 }, goodbye: null } });
  attach();
  session().say(ready);
  for (let i = 0; i < 20; i++) {
    time += 1_000;
    if (i % 3 === 0)
      session().say({ what: "caller text", utterance: `c${i}`, text: "Yes.", final: true, fromMs: 0, toMs: 0, language: null });
    run.second();
  }
  expect(session().told.filter((one) => one.startsWith("say "))).toEqual([]);
});

test.each([
  ["that only listens has the words for it put into its mouth", true, ["say Back again."]],
  ["that goes on by itself when it is told what was said is not made to say a second apology", false, []],
] as const)("after another process was lost an engine %s", (_, resume, told) => {
  const { run, attach, session, facts } = house(
    { history: [{ speaker: "agent", text: "Hello." }], resume: resume ? "r" : null, backAgain: "Back again." },
    resume,
  );
  attach();
  session().say(ready);
  expect(session().told).toEqual(told);
  // Words are owed either way: who hears none is asked to wait.
  time += 3_000;
  run.second();
  expect(facts).toContain("asked to wait");
});

test("what a session used is told with its name", () => {
  const used: unknown[] = [];
  const { attach, session } = house({ used: (usage) => used.push(usage) });
  attach();
  session().say(ready);
  session().say({ what: "usage", raw: { of: "response" } });
  expect(used).toEqual([{ session: "s", raw: { of: "response" } }]);
});

test("an operator's word reaches the agent in the middle of a talk, and nobody else at another time", () => {
  const { run, attach, session } = house();
  expect(run.whisper("context", "too early")).toBe(false);
  attach();
  session().say(ready);
  expect(run.whisper("context", "She is a regular.")).toBe(true);
  expect(run.whisper("say", "One moment.")).toBe(true);
  expect(session().told.filter((one) => /regular|moment/.test(one))).toEqual(["context She is a regular.", "say One moment."]);
  session().say(lost);
  expect(run.whisper("context", "too late")).toBe(false);
});

test("a key that is pressed while the engine is tried again is told to the session that comes", () => {
  const { run, attach, press, session, sessions } = house();
  attach();
  session().say(ready);
  press("1");
  session().say(lost);
  session().say(lost);
  expect(sessions).toHaveLength(2);
  press("2");
  press("3");
  time += 500;
  run.second();
  expect(sessions).toHaveLength(3);
  const keys = sessions.map(({ told }) => told.flatMap((one) => /key (\d)/.exec(one)?.[1] ?? []));
  expect(keys).toEqual([["1"], [], ["2", "3"]]);
});

test("a session that is over at its vendor's, and not for us, is left for another that goes on with it", () => {
  const { run, attach, session, sessions, frame } = house();
  attach();
  session().say(ready);
  session().say(speech("greeting", 40));
  run.engineGone();
  expect(sessions).toHaveLength(2);
  expect(session(0).told).toContain("close");
  expect(session().asked).toMatchObject({ resume: "r" });
  session(0).say({ what: "ended", why: "asked", code: null, text: "We ended the session.", retry: false });
  frame(7);
  session().say(ready);
  expect(session().heard).toEqual([7]);
  expect(run.state()).toBe("talking");
});

test("what a caller says who was away for a while is dated on their own clock, not on the engine's, which heard silence meanwhile", async () => {
  const { run, attach, frame, session, said, hangUpByCaller } = house();
  run.answered(clock.now());
  attach();
  session().say(ready);
  const speak = (frames: number) => {
    for (let i = 0; i < frames; i++) {
      time += 20;
      frame(1);
    }
  };
  speak(50);
  hangUpByCaller();
  await vi.waitUntil(() => {
    time += 20;
    return session().heard.length >= 60;
  });
  const silentMs = (session().heard.length - 50) * 20;
  attach();
  const back = time;
  speak(50);
  const [fromMs, toMs] = [1_000 + silentMs + 200, 1_000 + silentMs + 800];
  session().say({ what: "caller text", utterance: "c", text: "Back.", final: true, fromMs, toMs, language: null });
  expect(said.at(-1)).toMatchObject({ speaker: "caller", startedMs: back - 1_000 + 200, endedMs: back - 1_000 + 800 });
});
