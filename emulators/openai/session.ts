import { decide, fill, fresh, type Plan, variablesOfPrompt } from "../evi/agents/decide.ts";
import type { Clock } from "../evi/clock.ts";
import { type Ear, openEar } from "../evi/ear.ts";
import type { TurnEvent } from "../evi/turn.ts";

import type { Hearing, PhraseBook } from "../speech/phrases.ts";
import { resample } from "../speech/resample.ts";
import { flat, fromFlat } from "./dialects.ts";
import { directed, type Script } from "./directive.ts";
import type { SessionDump } from "./dump.ts";
import type { Moment } from "./faults.ts";
import { Conversation, type Item, shown } from "./items.ts";
import { type Mouth, voiceOf } from "./mouth.ts";
import { defaultSession, type Session, type TurnDetection, update } from "./session-settings.ts";
import { SAID_A_SECOND, usageOf } from "./usage.ts";
import { type ClientEvent, invalid, newId, notAmong, type Problem, understand } from "./wire.ts";
import { malformedFrame } from "./wrong.ts";

/**
 * One session: what it hears, what it says, and when it ends.
 *
 * open: from the upgrade until `end` (or `gone`, when the client closed). At most one response writes to the conversation; it is active from
 * `response.created` to `response.done`, which always comes. Whoever ends it early (a voice, the client, a limit) calls `finish` with the
 * reason; what the response still wanted to do finds itself cut.
 */
export interface RealtimeSession {
  readonly id: string;
  hear(frame: string): void;
  /** The socket is closed by the other side, or broken. */
  gone(code: number): void;
  end(code: number, reason: string): void;
  state(): SessionState;
}

export interface SessionState {
  readonly session: string;
  readonly model: string;
  readonly agent: string;
  readonly doing: "listening" | "hearing" | "responding" | "ended";
  readonly heard_ms: number;
  readonly turns: number;
  readonly items: readonly { readonly id: string; readonly role: string | null; readonly text: string; readonly audio_ms: number }[];
  readonly closed: number | null;
}

/** The socket, as the session needs it. */
export interface Line {
  send(frame: string | Buffer, binary?: boolean): void;
  /** 1006 cuts the connection without a close frame. */
  close(code: number, reason: string): void;
  freeze(): void;
}

export interface SessionParts {
  readonly clock: Clock;
  readonly mouth: Mouth;
  readonly listener: Pick<PhraseBook, "begin" | "recognise">;
  readonly model: string;
  readonly script: Script;
  readonly pace: Pace;
  /** How long a session may last. */
  readonly sessionMs: number;
  dump(session: string): SessionDump;
  log(text: string): void;
}

export interface Pace {
  /** From the end of the caller's turn to the first sound. */
  readonly thinkMs: number;
  /** Speech is generated so many times faster than it is spoken. */
  readonly speed: number;
  /** From the end of the caller's turn to its text. */
  readonly transcribeMs: number;
}

export const usualPace: Pace = { thinkMs: 300, speed: 6, transcribeMs: 250 };

interface Response {
  readonly id: string;
  readonly made: Item[];
  readonly wake: Set<() => void>;
  readonly mostMs: number;
  /** Done, for whatever reason. */
  over: boolean;
  /** The item that is being spoken. */
  speaking: { readonly item: Item; readonly index: number } | null;
}

type Request = NonNullable<Extract<ClientEvent, { type: "response.create" }>["response"]>;
type Status = "completed" | "cancelled" | "incomplete" | "failed";

/** What semantic_vad waits at most would be 2, 4 and 8 s; with sentences as clear as ours it never does. */
const EAGERNESS_MS = { high: 300, medium: 500, auto: 500, low: 900 } as const;
const VAD_RATE = 16_000;

export function openSession(parts: SessionParts, line: Line): RealtimeSession {
  const { clock, mouth, pace } = parts;
  const id = newId("sess");
  const conversationId = newId("conv");
  const dump = parts.dump(id);
  const conversation = new Conversation();
  const timers = new Map<string, () => void>();
  let script = parts.script;
  const sessionMs = (script.faults.sessionS ?? parts.sessionMs / 1_000) * 1_000;
  let session: Session = defaultSession(id, parts.model, Math.round((clock.now() + sessionMs) / 1_000));
  let ended: number | null = null;
  let memory = fresh;
  let turns = 0;
  let unanswered: Plan | null = null;
  /** A tool was called; what to say once its answer is there. */
  let called: { readonly id: string; readonly call: NonNullable<Plan["call"]>; answer: string | null } | null = null;
  let response: Response | null = null;
  let answerNext = false;
  let hasSpoken = false;
  let failed = 0;
  let cachedTokens = 0;
  let ear: Ear | null = null;
  let earFor = "";
  let heardBeforeMs = 0;
  let hearing: { readonly hearing: Hearing; readonly item: string; readonly beginMs: number } | null = null;
  /** Caller audio not yet committed, for a session without turn detection; bytes as they came. */
  let uncommitted: Uint8Array[] = [];
  /** The client told lines of an earlier session: what ended that one does not end this one too. */
  let replayed = false;
  const lateTexts: (() => void)[] = [];
  const forced: Request[] = [];

  const self: RealtimeSession = {
    id,
    hear,
    gone: finishSession,
    end,
    state: () => ({
      session: id,
      model: parts.model,
      agent: script.agent.name,
      doing: ended !== null ? "ended" : response ? "responding" : hearing ? "hearing" : "listening",
      heard_ms: heardMs(),
      turns,
      items: conversation.items.map(({ id: item, role, text, audioMs }) => ({ id: item, role, text, audio_ms: audioMs })),
      closed: ended,
    }),
  };
  if (script.faults.mute) {
    freeze();
    return self;
  }
  if (script.faults.ownEvents) send("conversation.created", { conversation: { id: conversationId, object: "realtime.conversation" } });
  send("session.created", { session: shownSession() });
  setTimer("session", sessionMs, expire);
  return self;

  // ------------------------------------------------------------------------------------------------------------ hearing

  function hear(frame: string): void {
    if (ended !== null) return;
    const understood = understand(frame);
    if (!understood.ok) {
      dump.message("in", frame.slice(0, 4_000));
      fail(understood.problem, understood.eventId);
      return;
    }
    const { event } = understood;
    if (event.type === "input_audio_buffer.append") {
      hearAudio(Buffer.from(event.audio, "base64"));
      return;
    }
    dump.message("in", frame);
    const problem = obey(event);
    if (problem) fail(problem, event.event_id ?? null);
  }

  /** Does what the client asks; what is wrong with it otherwise. */
  function obey(event: Exclude<ClientEvent, { type: "input_audio_buffer.append" }>): Problem | null {
    switch (event.type) {
      case "session.update":
        return updateSession(event.session);
      case "input_audio_buffer.commit":
        return commitByHand();
      case "input_audio_buffer.clear":
        uncommitted = [];
        send("input_audio_buffer.cleared", {});
        return null;
      case "conversation.item.create": {
        if (event.item.type === "force_message") return force(event.item.content.map((part) => part.text ?? "").join(" "));
        const inserted = conversation.insert(event.item, event.previous_item_id);
        if ("problem" in inserted) return inserted.problem;
        took(inserted.item);
        sendItem(inserted.item, "added");
        sendItem(inserted.item, "done");
        return null;
      }
      case "conversation.item.retrieve": {
        const item = conversation.find(event.item_id);
        if (!item) return invalid("item_retrieve_invalid_item_id", `Item with item_id '${event.item_id}' not found.`, "item_id");
        send("conversation.item.retrieved", { item: shown(item) });
        return null;
      }
      case "conversation.item.delete": {
        const problem = conversation.remove(event.item_id);
        if (!problem) send("conversation.item.deleted", { item_id: event.item_id });
        return problem;
      }
      case "conversation.item.truncate":
        return truncate(event);
      case "response.create": {
        const asked = event.response ?? {};
        if (asked.conversation === "none")
          return invalid("invalid_value", "This emulated service does not answer outside the conversation.", "response.conversation");
        if (response) {
          const message = `Conversation already has an active response in progress: ${response.id}. Wait until the response is finished before creating a new one.`;
          return invalid("conversation_already_has_active_response", message);
        }
        respond(asked);
        return null;
      }
      case "response.cancel":
        if (!response || (event.response_id && event.response_id !== response.id))
          return invalid("response_cancel_not_active", "Cancellation failed: no active response found");
        finish(response, "cancelled", { type: "cancelled", reason: "client_cancelled" });
        return null;
    }
  }

  function updateSession(wish: Record<string, unknown>): Problem | null {
    if (script.faults.refusesUpdate) return invalid("invalid_value", "Refused, as the model's name wants it.", "session");
    const written = parts.script.faults.flat ? fromFlat(wish) : { session: wish };
    if ("problem" in written) return written.problem;
    const next = typeof wish.instructions === "string" ? directed(parts.script, wish.instructions) : script;
    const updated = update(session, written.session, { lenientRates: next.faults.lenientRates === true, hasSpoken });
    if ("problem" in updated) return updated.problem;
    script = next;
    session = updated.session;
    if (script.faults.sessionS !== undefined && script.faults.sessionS !== parts.script.faults.sessionS)
      setTimer("session", script.faults.sessionS * 1_000, expire);
    send("session.updated", { session: shownSession() });
    awaitIdle(0);
    return null;
  }

  function shownSession(): object {
    return script.faults.flat ? flat(session) : session;
  }

  /** Words that are said as they are, without the model; after what is being said. */
  function force(text: string): Problem | null {
    if (!script.faults.forcedMessages) return notAmong("item.type", "force_message", ["message", "function_call", "function_call_output"]);
    const request = { instructions: `Say exactly: "${text}"` };
    if (response) forced.push(request);
    else respond(request);
    return null;
  }

  /** What an inserted item changes in the agent's mind: lines of an earlier session are remembered without being answered. */
  function took(item: Item): void {
    if (item.role === "user") {
      turns++;
      replayed = true;
      plan(item.text);
    } else if (item.role === "assistant") {
      unanswered = null;
      hasSpoken ||= item.audioMs > 0;
    } else if (item.output && called?.id === item.output.call_id) called.answer = item.output.output;
  }

  function truncate(event: Extract<ClientEvent, { type: "conversation.item.truncate" }>): Problem | null {
    if (script.faults.truncate === "unknown") return invalid("invalid_value", `Invalid value: '${event.type}'.`, "type");
    if (script.faults.truncate === "ignored") return null;
    const problem = conversation.truncate(event.item_id, event.audio_end_ms);
    if (!problem)
      send("conversation.item.truncated", { item_id: event.item_id, content_index: event.content_index, audio_end_ms: event.audio_end_ms });
    return problem;
  }

  function hearAudio(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    dump.heard(bytes);
    const { turn_detection: turnDetection, format } = session.audio.input;
    if (turnDetection === null) {
      uncommitted.push(bytes);
      heardBeforeMs += bytes.length / 2 / (format.rate / 1_000);
      return;
    }
    listen(turnDetection, format.rate).push(bytes);
  }

  /** The ear for the settings in force; a new one when they have changed. */
  function listen(turnDetection: TurnDetection, rate: number): Ear {
    const endOfTurnMs =
      turnDetection.type === "server_vad"
        ? Math.max(100, turnDetection.silence_duration_ms ?? 500)
        : EAGERNESS_MS[turnDetection.eagerness ?? "auto"];
    const key = `${rate}/${endOfTurnMs}`;
    if (ear && earFor === key) return ear;
    if (ear) {
      heardBeforeMs += ear.heardMs;
      ear.free();
      hearing = null;
    }
    earFor = key;
    ear = openEar({ encoding: "linear16", sample_rate: rate, channels: 1 }, { endOfTurnMs }, noticed);
    return ear;
  }

  function noticed(event: TurnEvent): void {
    if (ended !== null) return;
    switch (event.what) {
      case "began": {
        const item = newId("item");
        hearing = { hearing: parts.listener.begin(), item, beginMs: heardBeforeMs + event.beginMs };
        stopTimer("idle");
        const padding =
          session.audio.input.turn_detection?.type === "server_vad" ? (session.audio.input.turn_detection.prefix_padding_ms ?? 300) : 300;
        send("input_audio_buffer.speech_started", { audio_start_ms: Math.max(0, Math.round(hearing.beginMs - padding)), item_id: item });
        if (response && session.audio.input.turn_detection?.interrupt_response !== false)
          finish(response, "cancelled", { type: "cancelled", reason: "turn_detected" });
        return;
      }
      case "lasts":
        return;
      case "was nothing":
      case "ended": {
        if (!hearing || !ear) return;
        const { text } = hearing.hearing.end(ear.segment());
        const { item, beginMs } = hearing;
        hearing = null;
        send("input_audio_buffer.speech_stopped", { audio_end_ms: Math.round(heardMs()), item_id: item });
        heardTurn(item, event.what === "was nothing" ? "" : text, heardMs() - beginMs);
        if (ended === null && session.audio.input.turn_detection?.create_response !== false) answer();
      }
    }
  }

  function commitByHand(): Problem | null {
    const { rate } = session.audio.input.format;
    const bytes = Buffer.concat(uncommitted);
    const ms = bytes.length / 2 / (rate / 1_000);
    if (ms < 100) {
      const message = `Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has ${ms.toFixed(2)}ms of audio.`;
      return invalid("input_audio_buffer_commit_empty", message);
    }
    uncommitted = [];
    const sound = resample(new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), rate, VAD_RATE);
    heardTurn(newId("item"), parts.listener.recognise(sound).text, ms);
    return null;
  }

  /** The caller's audio has become an item; its words take their own way. */
  function heardTurn(itemId: string, text: string, ms: number): void {
    turns++;
    const before = conversation.before();
    const item = conversation.add({
      id: itemId,
      type: "message",
      role: "user",
      status: "completed",
      text: "",
      audioMs: ms,
      call: null,
      output: null,
    });
    if (!script.faults.fewerEvents) send("input_audio_buffer.committed", { item_id: itemId, previous_item_id: before });
    sendItem(item, "added");
    sendItem(item, "done");
    plan(text);
    goesWrong("heard");
    if (ended !== null || (session.audio.input.transcription === null && !script.faults.wholeTexts)) return;
    const tell = (): void => transcribed(itemId, text, ms);
    if (script.faults.transcription === "late") lateTexts.push(tell);
    else if (script.faults.transcription !== "never") setTimer(`text of ${itemId}`, pace.transcribeMs, tell);
  }

  function transcribed(itemId: string, text: string, ms: number): void {
    const name = "conversation.item.input_audio_transcription";
    const where = { item_id: itemId, content_index: 0 };
    if (script.faults.transcription === "failed") {
      const error = {
        type: "transcription_error",
        code: "audio_unintelligible",
        message: "The audio could not be transcribed.",
        param: null,
      };
      send(`${name}.failed`, { ...where, error });
      return;
    }
    const item = conversation.find(itemId);
    if (item) item.text = text;
    if (script.faults.wholeTexts) {
      const words = text.split(" ");
      for (let count = 1; count <= words.length; count++)
        send(`${name}.updated`, { ...where, transcript: words.slice(0, count).join(" ") });
      send(`${name}.completed`, { ...where, transcript: words.slice(0, -1).join(" "), status: "in_progress" });
    } else for (const delta of text.match(/\S+\s*/g) ?? []) send(`${name}.delta`, { ...where, delta, obfuscation: "x" });
    send(`${name}.completed`, { ...where, transcript: text, usage: { type: "duration", seconds: Math.round(ms / 100) / 10 } });
  }

  function plan(text: string): void {
    const variables = variablesOfPrompt(session.instructions);
    [memory, unanswered] = decide(script.agent, memory, text, { variables: { ...variables, context: context() }, tools: toolNames() });
  }

  /** What the client told beside the conversation: all of it stays in it. */
  function context(): string {
    return conversation.items.flatMap(({ role, text }) => (role === "system" ? [text] : [])).join(" ");
  }

  // ------------------------------------------------------------------------------------------------------------ answering

  /** Answers the caller's turn, once the response under way is done. */
  function answer(): void {
    if (script.faults.silent) {
      unanswered = null;
      tellLateTexts();
    } else if (response) answerNext = true;
    else respond({});
  }

  function respond(request: Request): void {
    stopTimer("idle");
    const tokens = request.max_output_tokens ?? session.max_output_tokens;
    const mine: Response = {
      id: newId("resp"),
      made: [],
      wake: new Set(),
      mostMs: tokens === "inf" ? Number.POSITIVE_INFINITY : (tokens / SAID_A_SECOND) * 1_000,
      over: false,
      speaking: null,
    };
    response = mine;
    send("response.created", { response: shownResponse(mine, "in_progress", null) });
    perform(mine, request).catch((problem: unknown) => {
      if (ended !== null) return;
      parts.log(`session ${id}: ${problem instanceof Error ? (problem.stack ?? problem.message) : String(problem)}`);
      finish(mine, "failed", failure("server_error", "The server had an error while processing your request."));
    });
  }

  async function perform(mine: Response, request: Request): Promise<void> {
    const { say, call } = whatToSay(request);
    const voice = voiceOf(session.audio.output.voice, script.agent.voice);
    const { rate } = session.audio.output.format;
    for (const sentence of say) void mouth.say(sentence, voice, rate);
    await pause(pace.thinkMs + (script.faults.slowMs ?? 0), mine);
    if (mine.over) return;
    const { fails } = script.faults;
    if (fails && turns >= fails.turn && failed < fails.times) {
      failed++;
      finish(mine, "failed", failure(fails.code, fails.message));
      return;
    }
    makeNoise();
    if (say.length > 0) await speakItem(mine, say, voice, rate);
    if (mine.over) return;
    for (const tool of call) sendCall(mine, tool);
    finish(mine, "completed", null);
  }

  interface Saying {
    readonly say: readonly string[];
    readonly call: readonly { readonly name: string; readonly id: string; readonly arguments: string }[];
  }

  /** Instructions that quote words are obeyed to the letter; otherwise a tool's answer, the caller's turn, or something of one's own. */
  function whatToSay(request: Request): Saying {
    const exact = /\bexactly\b[^:]*:\s*["“]?(.+?)["”]?\s*$/is.exec(request.instructions ?? "")?.[1];
    if (exact !== undefined) return { say: exact.split(/(?<=[.?!])\s+/), call: [] };
    if (called && called.answer !== null) {
      const { call, answer: output } = called;
      called = null;
      const error = errorIn(output);
      const sentences = (error === null ? call.answered : call.failed).map((text) =>
        text.replace(/\{\{\s*result\s*\}\}/g, error ?? output).trim(),
      );
      return { say: sentences.filter((text) => text !== ""), call: [] };
    }
    if (unanswered) {
      const { say, call, hangUp } = unanswered;
      unanswered = null;
      const wanted = call ?? (hangUp ? hangUpTool() : null);
      if (!wanted) return { say, call: [] };
      const callId = newId("call");
      called = { id: callId, call: wanted, answer: null };
      return { say, call: [{ name: wanted.tool, id: callId, arguments: JSON.stringify(wanted.parameters) }] };
    }
    const variables = variablesOfPrompt(session.instructions);
    return { say: [fill(turns === 0 && !hasSpoken ? script.agent.greeting : script.agent.nudge, variables)], call: [] };
  }

  function hangUpTool(): Plan["call"] {
    const tool = toolNames().find((name) => /^(hang_?up|end_?call)$/i.test(name));
    return tool === undefined ? null : { tool, parameters: {}, answered: [], failed: [] };
  }

  /** One message of the model: its text a little ahead of its sound, the sound in bursts. */
  async function speakItem(mine: Response, sentences: readonly string[], voice: string, rate: number): Promise<void> {
    const item: Item = {
      id: newId("item"),
      type: "message",
      role: "assistant",
      status: "in_progress",
      text: "",
      audioMs: 0,
      call: null,
      output: null,
    };
    const index = mine.made.length;
    const speaks = session.output_modalities[0] === "audio";
    beginItem(mine, item);
    mine.speaking = { item, index };
    const where = { response_id: mine.id, item_id: item.id, output_index: index, content_index: 0 };
    send("response.content_part.added", { ...where, part: speaks ? { type: "audio", transcript: "" } : { type: "text", text: "" } });
    const gathered: Buffer[] = [];
    for (const [at, sentence] of sentences.entries()) {
      const spoken = await mouth.say(sentence, voice, rate);
      if (mine.over) return;
      for (const delta of `${at === 0 ? "" : " "}${sentence}`.match(/\s*\S+/g) ?? []) {
        item.text += delta;
        send(speaks ? "response.output_audio_transcript.delta" : "response.output_text.delta", { ...where, delta });
      }
      if (!speaks) continue;
      hasSpoken = true;
      for (const [n, delta] of spoken.deltas.entries()) {
        if (at > 0 || n > 0) await pause(delta.ms / pace.speed, mine);
        if (mine.over) return;
        if (!script.faults.oneDelta) sendAudio(where, delta.base64);
        item.audioMs += delta.ms;
        if (at === 0 && n === Math.min(2, spoken.deltas.length - 1)) goesWrong("speaking");
        if (mine.over || ended !== null) return;
        if (item.audioMs < mine.mostMs) continue;
        finish(mine, "incomplete", { type: "incomplete", reason: "max_output_tokens" });
        return;
      }
      gathered.push(spoken.pcm);
    }
    if (script.faults.oneDelta && speaks) sendAudio(where, Buffer.concat(gathered).toString("base64"));
    closeItem(mine, "completed");
  }

  function sendAudio(where: Record<string, unknown>, base64: string): void {
    const type = script.faults.betaNames ? "response.audio.delta" : "response.output_audio.delta";
    if (ended !== null) return;
    line.send(`${JSON.stringify({ type, event_id: newId("event"), ...where }).slice(0, -1)},"delta":"${base64}"}`);
    dump.said(String(where.item_id), Buffer.from(base64, "base64"));
  }

  function beginItem(mine: Response, item: Item): void {
    conversation.add(item);
    mine.made.push(item);
    send("response.output_item.added", { response_id: mine.id, output_index: mine.made.length - 1, item: shown(item) });
    sendItem(item, "added");
  }

  /** The end of the message being spoken, in the order seen of the real service. */
  function closeItem(mine: Response, status: "completed" | "incomplete"): void {
    if (!mine.speaking) return;
    const { item, index } = mine.speaking;
    mine.speaking = null;
    item.status = status;
    const speaks = session.output_modalities[0] === "audio";
    const where = { response_id: mine.id, item_id: item.id, output_index: index, content_index: 0 };
    if (speaks) {
      send("response.output_audio.done", where);
      send("response.output_audio_transcript.done", { ...where, transcript: item.text });
      send("response.content_part.done", { ...where, part: { type: "audio", transcript: item.text } });
    } else {
      send("response.output_text.done", { ...where, text: item.text });
      send("response.content_part.done", { ...where, part: { type: "text", text: item.text } });
    }
    sendItem(item, "done");
    send("response.output_item.done", { response_id: mine.id, output_index: index, item: shown(item) });
  }

  function sendCall(mine: Response, tool: Saying["call"][number]): void {
    const call = { name: tool.name, call_id: tool.id, arguments: "" };
    const item: Item = {
      id: newId("item"),
      type: "function_call",
      role: null,
      status: "in_progress",
      text: "",
      audioMs: 0,
      call,
      output: null,
    };
    beginItem(mine, item);
    const where = { response_id: mine.id, item_id: item.id, output_index: mine.made.length - 1, call_id: tool.id };
    const half = Math.ceil(tool.arguments.length / 2);
    for (const delta of [tool.arguments.slice(0, half), tool.arguments.slice(half)].filter((part) => part !== ""))
      send("response.function_call_arguments.delta", { ...where, delta });
    call.arguments = tool.arguments;
    item.status = "completed";
    send("response.function_call_arguments.done", { ...where, name: tool.name, arguments: tool.arguments });
    sendItem(item, "done");
    send("response.output_item.done", { response_id: mine.id, output_index: mine.made.length - 1, item: shown(item) });
  }

  /** The response is over, for whatever reason; the one place where `response.done` is said. */
  function finish(mine: Response, status: Status, details: Record<string, unknown> | null): void {
    if (mine.over || ended !== null) return;
    mine.over = true;
    for (const wake of mine.wake) wake();
    const cutItem = mine.speaking?.item ?? null;
    closeItem(mine, status === "completed" ? "completed" : "incomplete");
    // a call that was still to be made is not made by a response that did not come to its end
    if (status !== "completed" && called?.answer === null && !mine.made.some((item) => item.call?.call_id === called?.id)) called = null;
    if (!(status === "cancelled" && script.faults.cutWithoutDone))
      send("response.done", { response: shownResponse(mine, status, details) });
    if (!script.faults.noRateLimits) send("rate_limits.updated", { rate_limits: rateLimits() });
    response = null;
    if (status === "cancelled" && cutItem) sendLate(mine, cutItem);
    tellLateTexts();
    const spokenMs = mine.made.reduce((sum, item) => sum + item.audioMs, 0);
    const next = forced.shift();
    if (next !== undefined) respond(next);
    else if (answerNext) {
      answerNext = false;
      respond({});
    } else awaitIdle(spokenMs);
  }

  /** Sound that was under way when the response was cancelled. */
  function sendLate(mine: Response, item: Item): void {
    const where = { response_id: mine.id, item_id: item.id, output_index: mine.made.indexOf(item), content_index: 0 };
    const noise = Buffer.alloc((session.audio.output.format.rate / 4) * 2, 0x11).toString("base64");
    for (let i = 0; i < (script.faults.lateDeltas ?? 0); i++) sendAudio(where, noise);
  }

  function tellLateTexts(): void {
    for (const tell of lateTexts.splice(0)) setTimer(`late ${newId("event")}`, pace.transcribeMs, tell);
  }

  function shownResponse(mine: Response, status: Status | "in_progress", details: Record<string, unknown> | null): Record<string, unknown> {
    const { voice, format } = session.audio.output;
    const usage =
      status === "in_progress" ? null : usageOf({ instructions: session.instructions, items: conversation.items, cachedTokens }, mine.made);
    if (usage) cachedTokens = usage.input_tokens as number;
    return {
      object: "realtime.response",
      id: mine.id,
      status,
      status_details: details,
      output: status === "in_progress" ? [] : mine.made.map(shown),
      conversation_id: conversationId,
      output_modalities: session.output_modalities,
      max_output_tokens: session.max_output_tokens,
      audio: { output: { format, voice } },
      usage,
      metadata: null,
    };
  }

  // ------------------------------------------------------------------------------------------------------------ time

  /** The caller's silence after an answer, if the session wants to be told of it. */
  function awaitIdle(spokenMs: number): void {
    const turnDetection = session.audio.input.turn_detection;
    if (turnDetection?.type !== "server_vad" || !turnDetection.idle_timeout_ms || response || hearing || !hasSpoken) return;
    const { idle_timeout_ms: idleMs } = turnDetection;
    setTimer("idle", idleMs + spokenMs, () => {
      const item = newId("item");
      const at = Math.round(heardMs());
      send("input_audio_buffer.timeout_triggered", { audio_start_ms: Math.max(0, at - idleMs), audio_end_ms: at, item_id: item });
      const empty = conversation.add({
        id: item,
        type: "message",
        role: "user",
        status: "completed",
        text: "",
        audioMs: 1,
        call: null,
        output: null,
      });
      if (!script.faults.fewerEvents) send("input_audio_buffer.committed", { item_id: item, previous_item_id: conversation.before(item) });
      sendItem(empty, "added");
      sendItem(empty, "done");
      respond({});
    });
  }

  function expire(): void {
    const message = `Your session hit the maximum duration of ${Math.max(1, Math.round(parts.sessionMs / 60_000))} minutes.`;
    fail(invalid("session_expired", message), null);
    end(1001, message);
  }

  function setTimer(name: string, afterMs: number, deed: () => void): void {
    stopTimer(name);
    timers.set(
      name,
      clock.after(afterMs, () => {
        timers.delete(name);
        deed();
      }),
    );
  }

  function stopTimer(name: string): void {
    timers.get(name)?.();
    timers.delete(name);
  }

  /** Waits in a response; its end wakes it. */
  function pause(forMs: number, mine: Response): Promise<void> {
    if (forMs <= 0 || mine.over || ended !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        callOff();
        mine.wake.delete(wake);
        resolve();
      };
      const callOff = clock.after(forMs, wake);
      mine.wake.add(wake);
    });
  }

  function heardMs(): number {
    return heardBeforeMs + (ear?.heardMs ?? 0);
  }

  function toolNames(): string[] {
    return session.tools.flatMap((tool) => (tool.type === "function" && tool.name !== undefined ? [tool.name] : []));
  }

  // ------------------------------------------------------------------------------------------------------------ sending

  function send(type: string, fields: Record<string, unknown>): void {
    if (ended !== null) return;
    const frame = JSON.stringify({ type: script.faults.betaNames ? betaName(type) : type, event_id: newId("event"), ...fields });
    line.send(frame);
    dump.message("out", frame);
  }

  function sendItem(item: Item, moment: "added" | "done"): void {
    const older = script.faults.betaNames || script.faults.fewerEvents;
    if (older && moment === "done") return;
    send(older ? "conversation.item.created" : `conversation.item.${moment}`, {
      previous_item_id: conversation.before(item.id),
      item: shown(item),
    });
  }

  function fail(problem: Problem, eventId: string | null): void {
    send("error", { error: { ...problem, event_id: eventId } });
  }

  /** What nobody can understand, before an answer. */
  function makeNoise(): void {
    if (script.faults.ownEvents && script.faults.flat) send("ping", { timestamp: Math.round(clock.now()) });
    else if (script.faults.ownEvents) send("localai.pipeline.timing", { stt_ms: 41, llm_ms: 212, tts_ms: 88 });
    for (let i = 0; i < (script.faults.unknownTypes ?? 0); i++) send(`future.event_${i % 40}`, { detail: "nobody knows", at: i });
    for (let i = 0; i < (script.faults.malformed ?? 0); i++) {
      const { frame, binary } = malformedFrame(i);
      line.send(frame, binary);
    }
  }

  // ------------------------------------------------------------------------------------------------------------ going wrong, ending

  function goesWrong(moment: Moment): void {
    const { closes, freezesAtTurn } = script.faults;
    if (closes && !replayed && closes.turn === turns && closes.at === moment) end(closes.code, closes.reason);
    if (ended === null && moment === "heard" && freezesAtTurn === turns) freeze();
  }

  function freeze(): void {
    line.freeze();
    for (const name of [...timers.keys()]) stopTimer(name);
    script = { ...script, faults: { silent: true, transcription: "never" } };
    if (response) response.over = true;
  }

  function end(code: number, reason: string): void {
    if (ended !== null) return;
    finishSession(code);
    line.close(code, reason);
  }

  function finishSession(code: number): void {
    if (ended !== null) return;
    ended = code;
    for (const name of [...timers.keys()]) stopTimer(name);
    if (response) {
      response.over = true;
      for (const wake of response.wake) wake();
    }
    ear?.free();
    dump.close({ code, heardRate: session.audio.input.format.rate, saidRate: session.audio.output.format.rate });
  }
}

const failure = (code: string, message: string): Record<string, unknown> => ({
  type: "failed",
  error: { type: "server_error", code, message },
});

/** The text of a tool's answer that says it failed: `{"error":"…"}`. */
function errorIn(output: string): string | null {
  try {
    const json: unknown = JSON.parse(output);
    return typeof json === "object" && json !== null && "error" in json ? String(json.error) : null;
  } catch {
    return null;
  }
}

const betaNames: readonly (readonly [RegExp, string])[] = [
  [/^response\.output_audio_transcript\./, "response.audio_transcript."],
  [/^response\.output_audio\./, "response.audio."],
  [/^response\.output_text\./, "response.text."],
];
const betaName = (type: string): string => betaNames.reduce((name, [pattern, older]) => name.replace(pattern, older), type);

const rateLimits = (): Record<string, unknown>[] => [
  { name: "requests", limit: 10_000, remaining: 9_999, reset_seconds: 0.006 },
  { name: "tokens", limit: 4_000_000, remaining: 3_996_000, reset_seconds: 0.06 },
];
