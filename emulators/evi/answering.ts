import { randomUUID } from "node:crypto";
import { decide, type Memory, type Plan } from "./agents/decide.ts";
import { type Clock, waits } from "./clock.ts";
import type { Script } from "./directive.ts";
import type { Faults, Moment } from "./faults.ts";
import type { ChatEvent } from "./history.ts";
import type { Mouth, SpokenChunk } from "./mouth.ts";
import type { Outlet } from "./outlet.ts";
import { EMOTIONS, type Scores, scoresOf } from "./prosody.ts";
import type { Session } from "./session.ts";
import type { ServerMessage } from "./wire.ts";
import { bent, malformedFrame, unknownMessage } from "./wrong.ts";

/** How fast the emulated models are. */
export interface Pace {
  /** From the end of the caller's turn to the first sound. */
  readonly thinkMs: number;
  /** Speech is generated so many times faster than it is spoken. */
  readonly speed: number;
}

export const usualPace: Pace = { thinkMs: 350, speed: 3 };

/**
 * The agent's side of a chat. It does one thing after the other; what comes meanwhile waits.
 *
 * idle: nothing to say. -> generating: by `answer` or `say`.
 * generating: from the first thought until `assistant_end`. A voice that lasts long enough cuts it (`user_interruption`) and what waits.
 * waiting for a tool: between a call and its answer. A voice does not cut it; what is heard waits until the tool has answered.
 * `stop` leaves every state for good, without a word.
 */
export interface Answering {
  /** Thinks about something heard, in a turn of the caller (from 1), with what the client told beside it, and answers. */
  answer(heard: string, turn: number, context: string): void;
  /** Says sentences: word for word what the client wants, or its own. `thinks`: as long as before an answer. */
  say(sentences: readonly string[], how: { readonly verbatim: boolean; readonly thinks?: boolean }): Promise<void>;
  /** The caller has been speaking for so long. */
  voiceLasts(ms: number): void;
  /** @returns false when no call of this id is open */
  toolAnswered(id: string, ok: boolean, content: string | null): boolean;
  readonly doing: "idle" | "generating" | "waiting for a tool";
  /** When all that was sent will have been played, if the client plays it as it comes; Unix ms. */
  readonly playedOutMs: number;
  /** Drops what is under way and what waits; something may be said afterwards. */
  drop(): void;
  stop(): void;
}

export interface AnsweringParts {
  readonly clock: Clock;
  readonly mouth: Mouth;
  readonly outlet: Outlet;
  readonly pace: Pace;
  readonly minInterruptionMs: number;
  script(): Script;
  session(): Session;
  voice(): string;
  readonly memory: { memory: Memory };
  /** Into the chat's history. */
  record(event: Pick<ChatEvent, "role" | "type"> & Partial<ChatEvent>): ChatEvent;
  /** A sentence is being said. */
  saying(sentence: string): void;
  /** Sound goes out, to be played at a time (Unix ms); or what was to be played is cut then. */
  sounds(chunk: SpokenChunk, atMs: number): void;
  cut(atMs: number): void;
  /** A moment at which a fault may be wanted. It may stop all this. */
  moment(moment: Moment, turn: number): void;
  toolCalled(message: ServerMessage): void;
  /** There is nothing more to say for now. */
  idle(): void;
  /** The agent has ended the conversation. */
  over(): void;
  broken(problem: unknown): void;
}

type Job =
  | { readonly what: "answer"; readonly heard: string; readonly turn: number; readonly context: string }
  | { readonly what: "say"; readonly sentences: readonly string[]; readonly verbatim: boolean; readonly thinks: boolean; done(): void };

/** What is under way. `cut` is set once, by whoever ends it early. */
interface Run {
  generating: boolean;
  cut: boolean;
  /** Chunks that still leave after it was cut. */
  late: number;
  readonly wake: Set<() => void>;
}

export function openAnswering(parts: AnsweringParts): Answering {
  const { clock, mouth, outlet } = parts;
  const jobs: Job[] = [];
  let run: Run | null = null;
  let tool: { readonly id: string; answer(ok: boolean, content: string | null): void } | null = null;
  let playedOutMs = 0;
  let stopped = false;
  const faults = (): Faults => parts.script().faults;

  function next(): void {
    if (run || stopped) return;
    const job = jobs.shift();
    if (!job) {
      parts.idle();
      return;
    }
    const mine: Run = { generating: true, cut: false, late: 0, wake: new Set() };
    run = mine;
    perform(job, mine)
      .catch((problem: unknown) => {
        if (!stopped) parts.broken(problem);
      })
      .finally(() => {
        if (run === mine) run = null;
        if (job.what === "say") job.done();
        next();
      });
  }

  async function perform(job: Job, mine: Run): Promise<void> {
    if (job.what === "say") {
      if (job.thinks) await pause(parts.pace.thinkMs, mine);
      await speak(job.sentences, job.verbatim, mine, 0);
      endOfAnswer(mine);
      return;
    }
    const { variables, tools } = parts.session();
    const [memory, plan] = decide(parts.script().agent, parts.memory.memory, job.heard, {
      variables: { ...variables, context: job.context },
      tools: tools.map(({ name }) => name),
    });
    parts.memory.memory = memory;
    for (const sentence of plan.say) mouth.say(sentence, parts.voice()).catch(() => undefined); // rendered while it thinks
    await pause(parts.pace.thinkMs + (faults().slowMs ?? 0), mine);
    if (!mine.cut) parts.moment("thinking", job.turn);
    if (mine.cut) return;
    makeNoise();
    await speak(plan.say, false, mine, job.turn);
    if (plan.call && !mine.cut) await useTool(plan.call, mine, job.turn);
    endOfAnswer(mine);
    if (plan.hangUp && !mine.cut) await hangUp(mine, job.turn);
  }

  /** Sentence by sentence: its text, its sound in chunks as fast as they are generated, its scores. */
  async function speak(sentences: readonly string[], verbatim: boolean, mine: Run, turn: number): Promise<void> {
    let first = true;
    for (const sentence of sentences) {
      if (mine.cut) return;
      const spoken = await mouth.say(sentence, parts.voice());
      if (mine.cut) return;
      const id = randomUUID();
      const tell = (): void => {
        const message = { role: "assistant", content: sentence } as const;
        outlet.send({ type: "assistant_message", id, message, models: {}, from_text: verbatim, is_quick_response: false });
        parts.saying(sentence);
      };
      if (!faults().audioFirst) tell();
      const event = parts.record({ role: "AGENT", type: "AGENT_MESSAGE", message_text: sentence });
      for (const [index, chunk] of faults().shuffled ? shuffled(spoken.chunks) : spoken.chunks.entries()) {
        if (!first) await pause(chunk.ms / parts.pace.speed, mine);
        if (mine.cut && mine.late-- <= 0) return;
        sound(id, index, chunk);
        if (first) parts.moment("speaking", turn);
        first = false;
      }
      if (faults().audioFirst) tell();
      if (mine.cut) return;
      const models = prosodyFor(faults(), sentence, null);
      if (models.prosody) outlet.send({ type: "assistant_prosody", id, models });
      const emotion_features = models.prosody ? JSON.stringify(models.prosody.scores) : "";
      parts.record({ role: "AGENT", type: "ASSISTANT_PROSODY", emotion_features, related_event_id: event.id });
    }
  }

  function sound(id: string, index: number, chunk: SpokenChunk): void {
    const atMs = Math.max(playedOutMs, clock.now());
    playedOutMs = atMs + chunk.ms;
    parts.sounds(chunk, atMs);
    const { wav } = faults();
    outlet.sendSound(id, index, wav ? bent(chunk.base64, wav, index) : chunk.base64);
  }

  function endOfAnswer(mine: Run): void {
    if (!mine.generating || mine.cut) return;
    mine.generating = false;
    if (faults().end !== "never") outlet.send({ type: "assistant_end" });
  }

  async function useTool(call: NonNullable<Plan["call"]>, mine: Run, turn: number): Promise<void> {
    const id = callId();
    const message: ServerMessage = {
      type: "tool_call",
      name: call.tool,
      parameters: JSON.stringify(call.parameters),
      tool_call_id: id,
      tool_type: "function",
      response_required: true,
    };
    const answered = new Promise<{ ok: boolean; content: string | null }>((resolve) => {
      tool = { id, answer: (ok, content) => resolve({ ok, content }) };
    });
    mine.generating = false;
    outlet.send(message);
    parts.record({
      role: "AGENT",
      type: "FUNCTION_CALL",
      message_text: message.parameters,
      metadata: JSON.stringify({ name: call.tool, tool_call_id: id }),
    });
    parts.toolCalled(message);
    const { ok, content } = await answered;
    if (mine.cut) return;
    const result = content ?? parts.session().tools.find(({ name }) => name === call.tool)?.fallback_content ?? "";
    parts.record({ role: "TOOL", type: "FUNCTION_CALL_RESPONSE", message_text: result, metadata: JSON.stringify({ tool_call_id: id }) });
    mine.generating = true;
    const sentences = (ok ? call.answered : call.failed).map((sentence) => sentence.replace(/\{\{\s*result\s*\}\}/g, result).trim());
    await speak(
      sentences.filter((sentence) => sentence !== ""),
      false,
      mine,
      turn,
    );
  }

  /** The built-in tool closes the chat; a client's own tool of that name is called and left to it. */
  async function hangUp(mine: Run, turn: number): Promise<void> {
    const { builtinTools, tools } = parts.session();
    if (builtinTools.includes("hang_up")) {
      const tool_call_id = callId();
      outlet.send({ type: "tool_call", name: "hang_up", parameters: "{}", tool_call_id, tool_type: "builtin", response_required: false });
      outlet.send({
        type: "tool_response",
        tool_call_id,
        content: "The conversation was ended.",
        tool_name: "hang_up",
        tool_type: "builtin",
      });
      parts.over();
      return;
    }
    const own = tools.find(({ name }) => /^(hang_?up|end_?call)$/i.test(name));
    if (own) await useTool({ tool: own.name, parameters: {}, answered: [], failed: [] }, mine, turn);
  }

  /** What nobody can understand, before an answer. */
  function makeNoise(): void {
    for (let i = 0; i < (faults().unknownTypes ?? 0); i++) outlet.sendRaw(unknownMessage(i), false);
    for (let i = 0; i < (faults().malformed ?? 0); i++) {
      const { frame, binary } = malformedFrame(i);
      outlet.sendRaw(frame, binary);
    }
  }

  function interrupt(mine: Run): void {
    mine.late = faults().lateChunks ?? 0;
    playedOutMs = clock.now();
    parts.cut(playedOutMs);
    outlet.send({ type: "user_interruption", time: playedOutMs });
    parts.record({ role: "USER", type: "USER_INTERRUPTION" });
    forget();
    if (faults().end === "after interruption") outlet.send({ type: "assistant_end" });
    abandon(mine);
  }

  function abandon(mine: Run): void {
    mine.cut = true;
    mine.generating = false;
    if (mine.late === 0) for (const wake of mine.wake) wake();
  }

  function forget(): void {
    for (const job of jobs.splice(0)) if (job.what === "say") job.done();
  }

  function drop(): void {
    forget();
    tool?.answer(false, "");
    tool = null;
    if (run) abandon(run);
    run = null;
  }

  /** Waits within what is under way; being cut wakes it. */
  function pause(forMs: number, mine: Run): Promise<void> {
    if (forMs <= 0 || (mine.cut && mine.late <= 0)) return Promise.resolve();
    return waits(clock, forMs, mine.wake);
  }

  return {
    answer(heard, turn, context) {
      if (stopped) return;
      jobs.push({ what: "answer", heard, turn, context });
      next();
    },
    say(sentences, { verbatim, thinks = false }) {
      if (stopped) return Promise.resolve();
      return new Promise((done) => {
        jobs.push({ what: "say", sentences, verbatim, thinks, done });
        next();
      });
    },
    voiceLasts(ms) {
      if (run?.generating && ms >= parts.minInterruptionMs) interrupt(run);
    },
    toolAnswered(id, ok, content) {
      if (tool?.id !== id) return false;
      const { answer } = tool;
      tool = null;
      answer(ok, content);
      return true;
    },
    get doing() {
      return tool ? "waiting for a tool" : run?.generating ? "generating" : "idle";
    },
    get playedOutMs() {
      return playedOutMs;
    },
    drop,
    stop() {
      stopped = true;
      drop();
    },
  };
}

function callId(): string {
  return `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
}

/** Scores for something said, as the faults want them. */
export function prosodyFor(faults: Faults, text: string, levelDb: number | null): { prosody?: { scores: Scores } } {
  switch (faults.prosody) {
    case "none":
      return {};
    case "one missing":
      return {
        prosody: { scores: Object.fromEntries(Object.entries(scoresOf({ text, levelDb })).filter(([name]) => name !== EMOTIONS[7])) },
      };
    case "other names":
      return { prosody: { scores: { Warmth: 0.41, Irritation: 0.03, Hurry: 0.12 } } };
    case undefined:
      return { prosody: { scores: scoresOf({ text, levelDb }) } };
    default:
      return faults.prosody satisfies never;
  }
}

/** Another order than the one they were made in: pairs swapped. Each keeps its index. */
function shuffled(chunks: readonly SpokenChunk[]): [number, SpokenChunk][] {
  const order = [...chunks.entries()];
  for (let i = 0; i + 1 < order.length; i += 2) {
    const [one, other] = [order[i], order[i + 1]];
    if (one && other) [order[i], order[i + 1]] = [other, one];
  }
  return order;
}
