import { randomUUID } from "node:crypto";
import type { Hearing, PhraseBook } from "../speech/phrases.ts";
import { readWav } from "../speech/wav.ts";
import { decide, fill, type Plan, variablesOfPrompt } from "./agents/decide.ts";
import { type Behaviour, GRACE_MS, HARD_LIMIT_MS } from "./behaviour.ts";
import type { Clock } from "./clock.ts";
import { directed, type Script } from "./directive.ts";
import type { ChatDump } from "./dump.ts";
import { type Ear, openEar } from "./ear.ts";
import type { Faults, Moment } from "./faults.ts";
import type { Opening } from "./handshake.ts";
import type { ChatRecord, ChatStatus, GroupRecord, History } from "./history.ts";
import type { KeptSound } from "./kept-sound.ts";
import type { Mouth, SpokenChunk } from "./mouth.ts";
import { EMOTIONS, type Scores, scoresOf } from "./prosody.ts";
import type { TurnEvent } from "./turn.ts";
import type { WebhookName } from "./webhooks.ts";
import { type ClientMessage, type ServerMessage, type SessionSettings, type Tool, understand } from "./wire.ts";
import { bent, malformedFrame, unknownMessage } from "./wrong.ts";

/**
 * One chat: what it hears, what it says, and when it ends.
 *
 * open: from the upgrade until `end`. Everything the chat waits for (its clock's deeds, a tool's answer, a sentence being rendered) is
 * called off at the end; the socket is closed by `end`, or was closed by the client, which calls `gone`.
 * Within open, at most one answer is under way. It is *generating* from the first think until `assistant_end`; a voice of
 * `minInterruptionMs` in that time cuts it (`user_interruption`); afterwards a voice is only heard (`user_message`). What is to be said
 * meanwhile waits in `jobs`.
 */
export interface Chat {
  readonly record: ChatRecord;
  readonly allowsConnection: boolean;
  /** A text frame of the client. */
  hear(frame: string): void;
  /** A binary frame: audio. */
  hearAudio(bytes: Uint8Array): void;
  /** A message by the control plane: everything but audio. */
  tell(message: ClientMessage): void;
  /** Someone listens in: gets what was sent so far, without the sound, all that follows, and the end. Returns how to stop. */
  observe(hear: (frame: string | Buffer) => void, over: (code: number) => void): () => void;
  /** The socket is closed by the other side, or broken. */
  gone(code: number): void;
  /** Ends it from outside: a shutdown, or a drop by hand. */
  end(code: number, status: ChatStatus): void;
  /** For those who look on: what it is doing. */
  state(): ChatState;
}

export interface ChatState {
  readonly chat_id: string;
  readonly chat_group_id: string;
  readonly custom_session_id: string | null;
  readonly agent: string;
  readonly doing: "listening" | "hearing" | "generating" | "waiting for a tool" | "paused" | "ended";
  readonly heard_ms: number;
  readonly turns: number;
  readonly texts: readonly { readonly speaker: "user" | "assistant"; readonly text: string }[];
  readonly closed: number | null;
}

/** The socket, as the chat needs it. */
export interface Line {
  send(frame: string | Buffer, binary?: boolean): void;
  /** 1006 cuts the connection without a close frame. */
  close(code: number): void;
  /** Nothing is read any more, nothing answered: for the freeze. */
  freeze(): void;
}

/** Who turns sound into words: a phrase book of `emulators/speech`. */
export type Listener = Pick<PhraseBook, "begin">;

export interface ChatParts {
  readonly clock: Clock;
  readonly mouth: Mouth;
  readonly listener: Listener;
  readonly history: History;
  readonly behaviour: Behaviour;
  readonly script: Script;
  readonly opening: Opening;
  readonly pace: Pace;
  dump(chatId: string): ChatDump;
  keepSound(chatId: string): KeptSound;
  webhook(name: WebhookName, chat: ChatRecord, faults: Faults, body: Record<string, unknown>): void;
  log(text: string): void;
}

/** How fast the emulated models are. */
export interface Pace {
  /** From the end of the caller's turn to the first sound. */
  readonly thinkMs: number;
  /** Speech is generated so many times faster than it is spoken. */
  readonly speed: number;
}

export const usualPace: Pace = { thinkMs: 350, speed: 3 };

/** Something to be said or thought about. */
type Job =
  | { readonly what: "answer"; readonly heard: string; readonly turn: number }
  | { readonly what: "say"; readonly sentences: readonly string[]; readonly verbatim: boolean; readonly thinks: boolean };

/** An answer under way. `cut` is set once, by whoever ends it early. */
interface Run {
  generating: boolean;
  cut: boolean;
  /** Chunks that may still leave after it was cut. */
  late: number;
  readonly wake: Set<() => void>;
}

/** Shorter speech has no scores. */
const SCORED_MS = 400;

export function openChat(parts: ChatParts, line: Line): Chat {
  const { clock, history, behaviour, opening, mouth } = parts;
  const { group, chat, resumed }: { group: GroupRecord; chat: ChatRecord; resumed: boolean } = history.open(
    opening.resumedChatGroupId,
    behaviour.config,
  );

  const dump = parts.dump(chat.id);
  const kept = parts.keepSound(chat.id);
  let settings: SessionSettings = {};
  let script = directed(parts.script, behaviour.prompt);
  let ear: Ear | null = null;
  let earFormat = "";
  let heardBeforeMs = 0;
  let ended: number | null = null;
  let paused = false;
  let unanswered: string | null = null;
  let run: Run | null = null;
  let waitingFor: { readonly id: string; answer(ok: boolean, content: string): void } | null = null;
  let turns = 0;
  /** What is being said at present; null in silence. */
  let hearing: Hearing | null = null;
  /** When all that was said will have been played, if the client plays it as it comes. */
  let playedOutMs = 0;
  const jobs: Job[] = [];
  const texts: { speaker: "user" | "assistant"; text: string }[] = [];
  const told: string[] = [];
  const observers = new Map<(frame: string | Buffer) => void, (code: number) => void>();
  const timers = new Map<string, () => void>();

  // ------------------------------------------------------------------------------------------------------------ opening

  const self: Chat = {
    record: chat,
    allowsConnection: opening.allowConnection,
    hear,
    hearAudio,
    tell,
    observe(observer, over) {
      for (const frame of told) observer(frame);
      observers.set(observer, over);
      return () => void observers.delete(observer);
    },
    gone(code) {
      finish(code, code === 1000 || code === 1001 || code === 1005 ? "USER_ENDED" : "ERROR");
    },
    end,
    state,
  };
  if (script.faults.mute) {
    freeze();
    return self;
  }
  applySettings(opening.settings, false);
  send({ type: "chat_metadata", chat_group_id: group.id, chat_id: chat.id, request_id: randomUUID() });
  history.add(chat, {
    role: "SYSTEM",
    type: "CHAT_START_MESSAGE",
    message_text: JSON.stringify({ resumed_chat_group_id: opening.resumedChatGroupId }),
  });
  if (prompt() !== "") history.add(chat, { role: "SYSTEM", type: "SYSTEM_PROMPT", message_text: fill(prompt(), variables()) });
  parts.webhook("chat_started", chat, script.faults, {
    start_time: chat.startMs,
    chat_start_type: resumed ? "resumed_chat_group" : "new_chat_group",
  });
  setTimer("max duration", Math.min(HARD_LIMIT_MS, ms(script.faults.maxDurationS) ?? behaviour.maxDurationMs ?? HARD_LIMIT_MS), expire);
  awaitUser();
  goesWrong("heard", 0);
  if (behaviour.onNewChat.enabled && !resumed) {
    const text = behaviour.onNewChat.text;
    jobs.push({ what: "say", sentences: [fill(text ?? script.agent.greeting, variables())], verbatim: text !== null, thinks: true });
    next();
  }

  return self;

  // ------------------------------------------------------------------------------------------------------------ hearing

  function hear(frame: string): void {
    if (ended !== null) return;
    const understood = understand(frame);
    if (!understood.ok) {
      dump.message("in", frame);
      fail(understood.code, understood.code === "E0100" ? "invalid_json" : "invalid_message", understood.why);
      return;
    }
    const { message } = understood;
    if (message.type === "audio_input") {
      hearAudio(Buffer.from(message.data, "base64"));
      return;
    }
    dump.message("in", frame);
    tell(message);
  }

  function tell(message: ClientMessage): void {
    if (ended !== null) return;
    if (message.custom_session_id) chat.customSessionId = message.custom_session_id;
    switch (message.type) {
      case "audio_input":
        return;
      case "session_settings":
        applySettings(message, true);
        return;
      case "user_input": {
        const at = Math.round(heardMs());
        send({
          type: "user_message",
          message: { role: "user", content: message.text },
          models: {},
          time: { begin: at, end: at },
          interim: false,
          from_text: true,
        });
        userSaid(message.text, null, {});
        return;
      }
      case "assistant_input":
        jobs.push({ what: "say", sentences: [message.text], verbatim: true, thinks: false });
        next();
        return;
      case "tool_response":
      case "tool_error":
        toolAnswered(message);
        return;
      case "pause_assistant_message":
        paused = true;
        history.add(chat, { role: "USER", type: "PAUSE_ONSET" });
        return;
      case "resume_assistant_message":
        paused = false;
        history.add(chat, { role: "USER", type: "RESUME_ONSET" });
        if (unanswered !== null) {
          const heard = unanswered;
          unanswered = null;
          jobs.push({ what: "answer", heard, turn: turns });
        }
        next();
        return;
    }
  }

  function hearAudio(bytes: Uint8Array): void {
    if (ended !== null || bytes.length === 0) return;
    let sound = bytes;
    if (!settings.audio) {
      const opened = openContainer(bytes);
      if (!opened) {
        failAndEnd(
          "I0116",
          "transcription_failure",
          "Unable to transcribe audio. Please ensure that you're sending audio in a supported format.",
          "ERROR",
        );
        return;
      }
      settings = { ...settings, audio: { encoding: "linear16", sample_rate: opened.rate, channels: opened.channels } };
      sound = opened.sound;
    }
    const listening = listen();
    if (!listening || !settings.audio) return;
    kept.heard(sound, settings.audio, clock.now() - chat.startMs);
    dump.heard(sound);
    listening.push(sound);
  }

  /** The ear for the format in force; a new one when that has changed. */
  function listen(): Ear | null {
    const format = settings.audio;
    if (!format) return null;
    const key = `${format.sample_rate}/${format.channels}`;
    if (ear && earFormat === key) return ear;
    if (ear) {
      heardBeforeMs += ear.heardMs;
      ear.free();
    }
    earFormat = key;
    dump.format(format);
    if (!ear) history.add(chat, { role: "USER", type: "USER_RECORDING_START_MESSAGE" });
    ear = openEar(format, { endOfTurnMs: behaviour.endOfTurnMs }, noticed);
    return ear;
  }

  function noticed(event: TurnEvent): void {
    if (ended !== null || script.faults.deaf) return;
    switch (event.what) {
      case "began":
        hearing = parts.listener.begin();
        stopTimer("nudge");
        return;
      case "was nothing":
        hearing = null;
        awaitNudge();
        return;
      case "lasts":
        if (run?.generating && event.lastedMs >= behaviour.minInterruptionMs) interrupt(run);
        if (opening.verboseTranscription && event.interimDue && hearing && ear) {
          send({
            type: "user_message",
            message: { role: "user", content: hearing.soFar(ear.segment()) },
            models: {},
            time: { begin: heardBeforeMs + event.beginMs, end: heardBeforeMs + event.beginMs + event.lastedMs },
            interim: true,
            from_text: false,
          });
        }
        return;
      case "ended": {
        const sound = ear?.segment() ?? new Int16Array(0);
        const { text } = (hearing ?? parts.listener.begin()).end(sound);
        hearing = null;
        const time = { begin: heardBeforeMs + event.beginMs, end: heardBeforeMs + event.endMs };
        const models = event.endMs - event.beginMs < SCORED_MS ? {} : prosody({ text, levelDb: levelOf(sound) });
        send({
          type: "user_message",
          message: { role: "user", content: text },
          models,
          time,
          interim: false,
          from_text: false,
          language: "en",
        });
        userSaid(text, models.prosody?.scores ?? null, { segments: [{ time: { begin_ms: time.begin, end_ms: time.end } }] });
        return;
      }
    }
  }

  function userSaid(text: string, scores: Scores | null, metadata: Record<string, unknown>): void {
    turns++;
    group.turns++;
    texts.push({ speaker: "user", text });
    history.add(chat, {
      role: "USER",
      type: "USER_MESSAGE",
      message_text: text,
      emotion_features: scores ? JSON.stringify(scores) : "",
      metadata: JSON.stringify(metadata),
    });
    awaitUser();
    goesWrong("heard", turns);
    if (ended !== null || script.faults.silent) return;
    if (paused) {
      unanswered = text;
      return;
    }
    jobs.push({ what: "answer", heard: text, turn: turns });
    next();
  }

  // ------------------------------------------------------------------------------------------------------------ answering

  function next(): void {
    if (run || ended !== null) return;
    const job = jobs.shift();
    if (!job) {
      awaitNudge();
      return;
    }
    const mine: Run = { generating: true, cut: false, late: 0, wake: new Set() };
    run = mine;
    stopTimer("nudge");
    perform(job, mine)
      .catch((problem: unknown) => {
        if (ended !== null) return;
        parts.log(`chat ${chat.id}: ${problem instanceof Error ? problem.message : String(problem)}`);
        failAndEnd("I0100", "internal_error", "Something went wrong on our side.", "ERROR");
      })
      .finally(() => {
        if (run === mine) run = null;
        next();
      });
  }

  async function perform(job: Job, mine: Run): Promise<void> {
    if (job.what === "say") {
      if (job.thinks) await pause(parts.pace.thinkMs, mine);
      await say(job.sentences, job.verbatim, mine, 0);
      return endOfAnswer(mine);
    }
    const [memory, plan] = decide(script.agent, group.memory, job.heard, {
      variables: variables(),
      tools: tools().map((tool) => tool.name),
    });
    group.memory = memory;
    for (const sentence of plan.say) void mouth.say(sentence, voice());
    await pause(parts.pace.thinkMs + (script.faults.slowMs ?? 0), mine);
    if (mine.cut) return;
    goesWrong("thinking", job.turn);
    if (ended !== null || mine.cut) return;
    makeNoise();
    await say(plan.say, false, mine, job.turn);
    if (plan.call && !mine.cut) await callTool(plan.call, mine, job.turn);
    endOfAnswer(mine);
    if (plan.hangUp && !mine.cut && ended === null) await hangUp(mine);
  }

  /** Sentence by sentence: its text, its sound in chunks as fast as they are generated, its scores. */
  async function say(sentences: readonly string[], verbatim: boolean, mine: Run, turn: number): Promise<void> {
    let first = true;
    for (const sentence of sentences) {
      if (mine.cut || ended !== null) return;
      const spoken = await mouth.say(sentence, voice());
      if (mine.cut || ended !== null) return;
      const id = randomUUID();
      const message = (): void => {
        send({
          type: "assistant_message",
          id,
          message: { role: "assistant", content: sentence },
          models: {},
          from_text: verbatim,
          is_quick_response: false,
        });
        texts.push({ speaker: "assistant", text: sentence });
      };
      if (!script.faults.audioFirst) message();
      const event = history.add(chat, { role: "AGENT", type: "AGENT_MESSAGE", message_text: sentence });
      const order = script.faults.shuffled ? shuffled(spoken.chunks) : [...spoken.chunks.entries()];
      for (const [index, chunk] of order) {
        if (!first) await pause(chunk.ms / parts.pace.speed, mine);
        if (ended !== null || (mine.cut && mine.late-- <= 0)) return;
        sendChunk(id, index, chunk);
        if (first) goesWrong("speaking", turn);
        if (ended !== null) return;
        first = false;
      }
      if (script.faults.audioFirst) message();
      if (mine.cut) return;
      const scores = prosody({ text: sentence, levelDb: null });
      if (scores.prosody) send({ type: "assistant_prosody", id, models: scores });
      history.add(chat, {
        role: "AGENT",
        type: "ASSISTANT_PROSODY",
        emotion_features: scores.prosody ? JSON.stringify(scores.prosody.scores) : "",
        related_event_id: event.id,
      });
    }
  }

  function endOfAnswer(mine: Run): void {
    if (!mine.generating || mine.cut || ended !== null) return;
    mine.generating = false;
    if (script.faults.end !== "never") send({ type: "assistant_end" });
  }

  function interrupt(mine: Run): void {
    mine.cut = true;
    mine.generating = false;
    mine.late = script.faults.lateChunks ?? 0;
    playedOutMs = clock.now();
    kept.cut(clock.now() - chat.startMs);
    send({ type: "user_interruption", time: clock.now() });
    history.add(chat, { role: "USER", type: "USER_INTERRUPTION" });
    jobs.length = 0;
    if (script.faults.end === "after interruption") send({ type: "assistant_end" });
    if (mine.late === 0) for (const wake of mine.wake) wake();
  }

  async function callTool(call: NonNullable<Plan["call"]>, mine: Run, turn: number): Promise<void> {
    const id = `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
    const message: ServerMessage = {
      type: "tool_call",
      name: call.tool,
      parameters: JSON.stringify(call.parameters),
      tool_call_id: id,
      tool_type: "function",
      response_required: true,
    };
    const answer = new Promise<{ ok: boolean; content: string }>((resolve) => {
      waitingFor = { id, answer: (ok, content) => resolve({ ok, content }) };
    });
    mine.generating = false;
    send(message);
    history.add(chat, {
      role: "AGENT",
      type: "FUNCTION_CALL",
      message_text: message.parameters,
      metadata: JSON.stringify({ name: call.tool, tool_call_id: id }),
    });
    parts.webhook("tool_call", chat, script.faults, { timestamp: clock.now(), tool_call_message: message });
    const { ok, content } = await answer;
    if (ended !== null) return;
    history.add(chat, {
      role: "TOOL",
      type: "FUNCTION_CALL_RESPONSE",
      message_text: content,
      metadata: JSON.stringify({ tool_call_id: id }),
    });
    mine.generating = true;
    await say(
      (ok ? call.answered : call.failed)
        .map((sentence) => sentence.replace(/\{\{\s*result\s*\}\}/g, content).trim())
        .filter((sentence) => sentence !== ""),
      false,
      mine,
      turn,
    );
  }

  function toolAnswered(message: Extract<ClientMessage, { type: "tool_response" | "tool_error" }>): void {
    const waiting = waitingFor;
    if (!waiting || waiting.id !== message.tool_call_id) {
      fail("E0101", "unknown_tool_call", `There is no open tool call ${JSON.stringify(message.tool_call_id)}.`);
      return;
    }
    waitingFor = null;
    if (message.type === "tool_response") {
      waiting.answer(true, message.content);
      return;
    }
    const called = tools().find((tool) => tool.name === message.tool_name) ?? tools()[0];
    waiting.answer(false, message.content ?? called?.fallback_content ?? "");
  }

  /** The built-in tool closes the chat; a client's own tool of that name is called and left to it. */
  async function hangUp(mine: Run): Promise<void> {
    if (builtinTools().includes("hang_up")) {
      const id = `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
      send({ type: "tool_call", name: "hang_up", parameters: "{}", tool_call_id: id, tool_type: "builtin", response_required: false });
      send({ type: "tool_response", tool_call_id: id, content: "The conversation was ended.", tool_name: "hang_up", tool_type: "builtin" });
      return end(1000, "USER_ENDED");
    }
    const own = tools().find((tool) => /^(hang_?up|end_?call)$/i.test(tool.name));
    if (own) await callTool({ tool: own.name, parameters: {}, answered: [], failed: [] }, mine, turns);
  }

  function sendChunk(id: string, index: number, chunk: SpokenChunk): void {
    const playsAtMs = Math.max(playedOutMs, clock.now());
    playedOutMs = playsAtMs + chunk.ms;
    kept.said(chunk.base64, playsAtMs - chat.startMs, chunk.ms);
    const base64 = script.faults.wav ? bent(chunk.base64, script.faults.wav, index) : chunk.base64;
    const frame = Buffer.concat([
      Buffer.from(`{"type":"audio_output","id":"${id}","index":${index},"data":"`, "latin1"),
      base64,
      Buffer.from(chat.customSessionId === null ? '"}' : `","custom_session_id":${JSON.stringify(chat.customSessionId)}}`, "utf8"),
    ]);
    line.send(frame);
    dump.said(id, index, base64);
    for (const observer of observers.keys()) observer(frame);
  }

  // ------------------------------------------------------------------------------------------------------------ settings

  function applySettings(message: SessionSettings, sent: boolean): void {
    for (const [key, value] of Object.entries(message)) {
      if (value === undefined || key === "type") continue;
      // merged field by field; null takes a field away; variables add up, and are kept as strings
      if (key === "variables" && message.variables) {
        const asStrings = Object.fromEntries(Object.entries(message.variables).map(([name, one]) => [name, String(one)]));
        settings = { ...settings, variables: { ...settings.variables, ...asStrings } };
      } else settings = { ...settings, [key]: value };
    }
    if (message.custom_session_id) chat.customSessionId = message.custom_session_id;
    if (message.metadata) chat.metadata = JSON.stringify(message.metadata);
    if (message.system_prompt) script = directed(directed(parts.script, behaviour.prompt), message.system_prompt);
    if (sent) {
      const { type: _type, ...kept } = message as Record<string, unknown>;
      history.add(chat, { role: "SYSTEM", type: "SESSION_SETTINGS", message_text: JSON.stringify(kept) });
    }
  }

  function prompt(): string {
    return settings.system_prompt ?? behaviour.prompt;
  }

  function variables(): Record<string, string> {
    return { ...variablesOfPrompt(prompt()), ...(settings.variables as Record<string, string> | null | undefined) };
  }

  function tools(): readonly Tool[] {
    return settings.tools ?? behaviour.tools;
  }

  function builtinTools(): readonly string[] {
    return settings.builtin_tools?.map((tool) => tool.name) ?? behaviour.builtinTools;
  }

  /** `voice_id` may name a voice of the emulated world; Hume's own ids are not known here and change nothing. */
  function voice(): string {
    return mouth.voice(settings.voice_id ?? null, script.agent.voice);
  }

  // ------------------------------------------------------------------------------------------------------------ time

  function setTimer(name: string, afterMs: number, deed: () => void): void {
    stopTimer(name);
    timers.set(name, clock.after(afterMs, deed));
  }

  function stopTimer(name: string): void {
    timers.get(name)?.();
    timers.delete(name);
  }

  /** Begins to wait for a user message anew. */
  function awaitUser(): void {
    const limitMs = ms(script.faults.inactivityS) ?? behaviour.inactivityMs;
    if (limitMs === null) return;
    const seconds = Math.round(limitMs / 1_000);
    const giveUp = (): void => {
      if (hearing) {
        setTimer("inactivity", 1_000, giveUp);
        return;
      }
      failAndEnd(
        "E0714",
        "inactivity_timeout",
        `Chat was ended because no user message was received in ${seconds} seconds.`,
        "INACTIVITY_TIMEOUT",
      );
    };
    setTimer("inactivity", limitMs, () => {
      if (hearing) return awaitUser();
      if (!behaviour.onInactivity.enabled) return giveUp();
      jobs.push({
        what: "say",
        sentences: [behaviour.onInactivity.text ?? "Are you still there? I will have to end our conversation."],
        verbatim: true,
        thinks: false,
      });
      next();
      setTimer("inactivity", GRACE_MS, giveUp);
    });
  }

  function expire(): void {
    const seconds = Math.round((clock.now() - chat.startMs) / 1_000);
    const over = (): void =>
      failAndEnd(
        "E0715",
        "max_duration_timeout",
        `Chat was ended because its maximum duration of ${seconds} seconds was reached.`,
        "MAX_DURATION_TIMEOUT",
      );
    if (!behaviour.onMaxDuration.enabled || seconds * 1_000 >= HARD_LIMIT_MS) {
      over();
      return;
    }
    if (run) interruptSilently(run);
    jobs.length = 0;
    const farewell: Run = { generating: true, cut: false, late: 0, wake: new Set() };
    run = farewell;
    say([behaviour.onMaxDuration.text ?? "Our time is up. Goodbye."], true, farewell, 0).then(over, over);
  }

  function interruptSilently(mine: Run): void {
    mine.cut = true;
    mine.generating = false;
    for (const wake of mine.wake) wake();
  }

  /** Waits to speak up, when the caller stays silent after all was said. */
  function awaitNudge(): void {
    if (behaviour.nudgeMs === null || ended !== null || paused || hearing || run) return;
    setTimer("nudge", Math.max(0, playedOutMs - clock.now()) + behaviour.nudgeMs, () => {
      jobs.push({ what: "say", sentences: [script.agent.nudge], verbatim: false, thinks: false });
      next();
    });
  }

  /** Waits in an answer; being cut or ended wakes it. */
  function pause(forMs: number, mine: Run): Promise<void> {
    if (forMs <= 0 || mine.cut || ended !== null) return Promise.resolve();
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

  // ------------------------------------------------------------------------------------------------------------ sending

  function send(message: ServerMessage): void {
    if (ended !== null) return;
    const withId = chat.customSessionId !== null ? { ...message, custom_session_id: chat.customSessionId } : message;
    const frame = JSON.stringify(withId.type === "chat_metadata" ? { custom_session_id: null, ...withId } : withId);
    told.push(frame);
    for (let copies = script.faults.doubles ? 2 : 1; copies > 0; copies--) {
      line.send(frame);
      dump.message("out", frame);
      for (const observer of observers.keys()) observer(frame);
    }
  }

  function prosody(said: { text: string; levelDb: number | null }): { prosody?: { scores: Scores } } {
    switch (script.faults.prosody) {
      case "none":
        return {};
      case "one missing": {
        const others = Object.entries(scoresOf(said)).filter(([name]) => name !== EMOTIONS[7]);
        return { prosody: { scores: Object.fromEntries(others) } };
      }
      case "other names":
        return { prosody: { scores: { Warmth: 0.41, Irritation: 0.03, Hurry: 0.12 } } };
      case undefined:
        return { prosody: { scores: scoresOf(said) } };
      default:
        return script.faults.prosody satisfies never;
    }
  }

  /** What nobody can understand, before an answer. */
  function makeNoise(): void {
    for (let i = 0; i < (script.faults.unknownTypes ?? 0); i++) line.send(unknownMessage(i));
    for (let i = 0; i < (script.faults.malformed ?? 0); i++) {
      const { frame, binary } = malformedFrame(i);
      line.send(frame, binary);
    }
  }

  function fail(code: string, slug: string, message: string): void {
    send({ type: "error", code, slug, message, request_id: randomUUID() });
  }

  function failAndEnd(code: string, slug: string, message: string, status: ChatStatus): void {
    fail(code, slug, message);
    end(1000, status);
  }

  // ------------------------------------------------------------------------------------------------------------ going wrong, ending

  /** Does what the faults want at this moment of this turn. */
  function goesWrong(moment: Moment, turn: number): void {
    const { closes, error, freezesAtTurn } = script.faults;
    if (moment === "heard" && error?.turn === turn) {
      if (error.ends) failAndEnd(error.code, error.slug, error.message, "ERROR");
      else {
        fail(error.code, error.slug, error.message);
        if (error.code === "E0705") script = { ...script, faults: { ...script.faults, silent: true } };
      }
    }
    if (ended === null && closes && closes.turn === turn && closes.at === moment) end(closes.code, "ERROR");
    if (ended === null && moment === "heard" && freezesAtTurn === turn) freeze();
  }

  /** The connection stays, and nothing is read, said or answered any more. */
  function freeze(): void {
    line.freeze();
    for (const name of [...timers.keys()]) stopTimer(name);
    script = { ...script, faults: { deaf: true, silent: true } };
    jobs.length = 0;
    if (run) interruptSilently(run);
  }

  function end(code: number, status: ChatStatus): void {
    if (ended !== null) return;
    finish(code, status);
    line.close(code);
  }

  function finish(code: number, status: ChatStatus): void {
    if (ended !== null) return;
    ended = code;
    for (const name of [...timers.keys()]) stopTimer(name);
    if (run) interruptSilently(run);
    waitingFor?.answer(false, "");
    waitingFor = null;
    ear?.free();
    chat.status = status;
    chat.endMs = clock.now();
    history.add(chat, { role: "SYSTEM", type: "CHAT_END_MESSAGE", message_text: status });
    parts.webhook("chat_ended", chat, script.faults, {
      end_time: chat.endMs,
      duration_seconds: Math.floor((chat.endMs - chat.startMs) / 1_000),
      end_reason: status,
    });
    dump.close({ status, code });
    for (const over of observers.values()) over(code === 1006 ? 1011 : 1000);
    observers.clear();
  }

  function state(): ChatState {
    const doing =
      ended !== null
        ? "ended"
        : waitingFor
          ? "waiting for a tool"
          : run?.generating
            ? "generating"
            : hearing
              ? "hearing"
              : paused
                ? "paused"
                : "listening";
    return {
      chat_id: chat.id,
      chat_group_id: group.id,
      custom_session_id: chat.customSessionId,
      agent: script.agent.name,
      doing,
      heard_ms: heardMs(),
      turns,
      texts,
      closed: ended,
    };
  }
}

/** Seconds to ms, if there are any. */
function ms(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1_000;
}

/** A WAV whose header comes first and whose samples follow in the next chunks: the one container understood here. */
function openContainer(bytes: Uint8Array): { rate: number; channels: number; sound: Uint8Array } | null {
  try {
    const { rate, channels, samples } = readWav(bytes);
    return { rate, channels, sound: new Uint8Array(samples.buffer) };
  } catch {
    return null;
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

/** The loudness of the voiced part of a sound, dB full scale: the mean of its louder half, by 20 ms, looking at every fourth sample. */
function levelOf(sound: Int16Array): number {
  const levels: number[] = [];
  for (let at = 0; at + 320 <= sound.length; at += 320) {
    let sum = 1;
    for (let i = at; i < at + 320; i += 4) sum += (sound[i] as number) * (sound[i] as number);
    levels.push(10 * Math.log10(sum / 80 / 32_768 ** 2));
  }
  levels.sort((a, b) => b - a);
  const louder = levels.slice(0, Math.max(1, Math.ceil(levels.length / 2)));
  return louder.reduce((sum, level) => sum + level, 0) / louder.length;
}
