import { randomUUID } from "node:crypto";
import type { PhraseBook } from "../speech/phrases.ts";
import { fill, fresh, recalled } from "./agents/decide.ts";
import { openAnswering, type Pace, prosodyFor } from "./answering.ts";
import { type Behaviour, GRACE_MS, HARD_LIMIT_MS } from "./behaviour.ts";
import type { Clock } from "./clock.ts";
import { directed, type Script } from "./directive.ts";
import type { ChatDump } from "./dump.ts";
import type { Faults, Moment } from "./faults.ts";
import type { Opening } from "./handshake.ts";
import type { ChatRecord, ChatStatus, History } from "./history.ts";
import { type Noticed, openIntake } from "./intake.ts";
import type { KeptSound } from "./kept-sound.ts";
import type { Mouth } from "./mouth.ts";
import { type Line, type Outlet, openOutlet } from "./outlet.ts";
import type { Scores } from "./prosody.ts";
import { merged, type Session, sessionOf } from "./session.ts";
import type { WebhookName } from "./webhooks.ts";
import { type ClientMessage, type SessionSettings, understand } from "./wire.ts";

/**
 * One chat: what it hears (`intake`), what it says (`answering`), what leaves (`outlet`), and when it ends.
 *
 * open: from the upgrade on. -> ended: by the client (`gone`), by a timeout, an error, the agent's `hang_up`, a fault, or from outside
 * (`end`). Ending closes the socket, unless the client did, after the last message; calls off all timers; stops answering; gives the ear
 * back; and is told to the history, the webhooks and those who listen in. An ended chat does nothing.
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
  readonly observe: Outlet["observe"];
  /** The socket is closed by the other side, or broken. */
  gone(code: number): void;
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

export interface ChatParts {
  readonly clock: Clock;
  readonly mouth: Mouth;
  /** Who turns sound into words. */
  readonly listener: Pick<PhraseBook, "begin">;
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

/** Shorter speech has no scores. */
const SCORED_MS = 400;
const UNTRANSCRIBABLE = "Unable to transcribe audio. Please ensure that you're sending audio in a supported format.";

export function openChat(parts: ChatParts, line: Line): Chat {
  const { clock, history, behaviour, opening } = parts;
  const goesOnWith = parts.script.faults.resume === "another" ? null : opening.resumedChatGroupId;
  const { group, chat, resumed } = history.open(goesOnWith, behaviour.config);
  const dump = parts.dump(chat.id);
  const kept = parts.keepSound(chat.id);
  const sinceStart = (atMs = clock.now()): number => atMs - chat.startMs;

  let settings: SessionSettings = {};
  let script = directed(parts.script, behaviour.prompt);
  let ended: number | null = null;
  let paused = false;
  /** What was last heard while paused, and the context of it. */
  let unanswered: { readonly text: string; readonly context: string } | null = null;
  let turns = 0;
  const texts: { speaker: "user" | "assistant"; text: string }[] = [];
  const timers = new Map<string, () => void>();

  const outlet = openOutlet({ line, dump, chat, remembers: opening.allowConnection, copies: () => (script.faults.doubles ? 2 : 1) });
  const intake = openIntake({
    book: parts.listener,
    patience: { endOfTurnMs: behaviour.endOfTurnMs },
    interims: opening.verboseTranscription,
    notice: noticed,
  });
  const answering = openAnswering({
    clock,
    mouth: parts.mouth,
    outlet,
    pace: parts.pace,
    minInterruptionMs: behaviour.minInterruptionMs,
    script: () => script,
    session,
    // `voice_id` may name a voice of the emulated world; Hume's own ids are not known here
    voice: () => parts.mouth.voice(settings.voice_id ?? null, script.agent.voice),
    memory: group,
    record: (event) => history.add(chat, event),
    saying: (text) => void texts.push({ speaker: "assistant", text }),
    sounds: (chunk, atMs) => kept.said(chunk.base64, sinceStart(atMs), chunk.ms),
    cut: (atMs) => kept.cut(sinceStart(atMs)),
    moment: goesWrong,
    toolCalled: (message) => parts.webhook("tool_call", chat, script.faults, { timestamp: clock.now(), tool_call_message: message }),
    idle: awaitNudge,
    over: () => end(1000, "USER_ENDED"),
    broken(problem) {
      parts.log(`chat ${chat.id}: ${problem instanceof Error ? problem.message : String(problem)}`);
      failAndEnd("I0100", "internal_error", "Something went wrong on our side.", "ERROR");
    },
  });

  if (script.faults.mute) freeze();
  else begin();

  return {
    record: chat,
    allowsConnection: opening.allowConnection,
    hear,
    hearAudio,
    tell,
    observe: outlet.observe,
    gone: (code) => finish(code, [1000, 1001, 1005].includes(code) ? "USER_ENDED" : "ERROR"),
    end,
    state,
  };

  function begin(): void {
    applySettings(opening.settings);
    if (opening.resumedChatGroupId !== null && script.faults.resume === "refused") {
      failAndEnd("E0101", "chat_group_not_found", `There is no chat group ${opening.resumedChatGroupId}.`, "ERROR");
      return;
    }
    if (script.faults.resume === "forgotten") group.memory = fresh;
    outlet.send({ type: "chat_metadata", chat_group_id: group.id, chat_id: chat.id, request_id: randomUUID() });
    const from = JSON.stringify({ resumed_chat_group_id: opening.resumedChatGroupId });
    history.add(chat, { role: "SYSTEM", type: "CHAT_START_MESSAGE", message_text: from });
    const { prompt, variables } = session();
    if (prompt !== "") history.add(chat, { role: "SYSTEM", type: "SYSTEM_PROMPT", message_text: fill(prompt, variables) });
    const chat_start_type = resumed ? "resumed_chat_group" : "new_chat_group";
    parts.webhook("chat_started", chat, script.faults, { start_time: chat.startMs, chat_start_type });
    setTimer("max duration", Math.min(HARD_LIMIT_MS, ms(script.faults.maxDurationS) ?? behaviour.maxDurationMs ?? HARD_LIMIT_MS), expire);
    awaitUser();
    goesWrong("heard", 0);
    if (ended !== null || !behaviour.onNewChat.enabled || resumed) return;
    const { text } = behaviour.onNewChat;
    void answering.say([fill(text ?? script.agent.greeting, variables)], { verbatim: text !== null, thinks: true });
  }

  // ------------------------------------------------------------------------------------------------------------ hearing

  function hear(frame: string): void {
    if (ended !== null) return;
    const understood = understand(frame);
    if (understood.ok && understood.message.type === "audio_input") {
      hearAudio(Buffer.from(understood.message.data, "base64"));
      return;
    }
    dump.message("in", frame);
    if (understood.ok) tell(understood.message);
    else fail(understood.code, understood.code === "E0100" ? "invalid_json" : "invalid_message", understood.why);
  }

  function tell(message: ClientMessage): void {
    if (ended !== null) return;
    if (message.custom_session_id) chat.customSessionId = message.custom_session_id;
    switch (message.type) {
      case "audio_input":
        return; // taken by hear(); the control plane may not send it
      case "session_settings": {
        applySettings(message);
        const { type: _type, ...sent } = message;
        history.add(chat, { role: "SYSTEM", type: "SESSION_SETTINGS", message_text: JSON.stringify(sent) });
        if (script.faults.mirrors) outlet.send({ ...settings, type: "session_settings" });
        return;
      }
      case "user_input": {
        const at = intake.heardMs;
        userMessage(message.text, { begin: at, end: at }, { fromText: true, scores: null });
        return;
      }
      case "assistant_input":
        void answering.say([message.text], { verbatim: true });
        return;
      case "tool_response":
        if (!answering.toolAnswered(message.tool_call_id, true, message.content)) noSuchCall(message.tool_call_id);
        return;
      case "tool_error":
        if (!answering.toolAnswered(message.tool_call_id, false, message.content ?? null)) noSuchCall(message.tool_call_id);
        return;
      case "pause_assistant_message":
        paused = true;
        history.add(chat, { role: "USER", type: "PAUSE_ONSET" });
        return;
      case "resume_assistant_message": {
        paused = false;
        history.add(chat, { role: "USER", type: "RESUME_ONSET" });
        const heard = unanswered;
        unanswered = null;
        if (heard !== null) answering.answer(heard.text, turns, heard.context);
        return;
      }
    }
  }

  function hearAudio(bytes: Uint8Array): void {
    if (ended !== null || bytes.length === 0) return;
    const isFirst = intake.heardMs === 0 && !chat.events.some(({ type }) => type === "USER_RECORDING_START_MESSAGE");
    const taken = intake.push(bytes, settings.audio ?? null);
    if (!taken) {
      failAndEnd("I0116", "transcription_failure", UNTRANSCRIBABLE, "ERROR");
      return;
    }
    if (isFirst) {
      settings = { ...settings, audio: taken.format };
      history.add(chat, { role: "USER", type: "USER_RECORDING_START_MESSAGE" });
    }
    dump.heard(taken.sound, taken.format);
    kept.heard(taken.sound, taken.format, sinceStart());
  }

  function noticed(event: Noticed): void {
    if (ended !== null || script.faults.deaf) return;
    switch (event.what) {
      case "began":
        stopTimer("nudge");
        return;
      case "was nothing":
        awaitNudge();
        return;
      case "lasts":
        answering.voiceLasts(event.lastedMs);
        return;
      case "interim":
        outlet.send({
          type: "user_message",
          message: { role: "user", content: event.text },
          models: {},
          time: { begin: event.begin, end: event.end },
          interim: true,
          from_text: false,
        });
        return;
      case "said": {
        const { text, begin, end, levelDb } = event;
        const { prosody } = end - begin < SCORED_MS ? {} : prosodyFor(script.faults, text, levelDb);
        userMessage(text, { begin, end }, { fromText: false, scores: prosody?.scores ?? null });
        return;
      }
    }
  }

  function userMessage(text: string, time: { begin: number; end: number }, how: { fromText: boolean; scores: Scores | null }): void {
    const { fromText, scores } = how;
    const context = takeContext();
    if (group.memory === fresh) group.memory = recalled(script.agent, fresh, context);
    const withheld = script.faults.withholdsTurn === turns + 1;
    if (!withheld)
      outlet.send({
        type: "user_message",
        message: { role: "user", content: text },
        models: scores ? { prosody: { scores } } : {},
        time,
        interim: false,
        from_text: fromText,
        ...(!fromText && { language: "en" }),
      });
    turns++;
    texts.push({ speaker: "user", text });
    history.add(chat, {
      role: "USER",
      type: "USER_MESSAGE",
      message_text: text,
      emotion_features: scores ? JSON.stringify(scores) : "",
      metadata: fromText ? "" : JSON.stringify({ segments: [{ time: { begin_ms: time.begin, end_ms: time.end } }] }),
    });
    awaitUser();
    goesWrong("heard", turns);
    if (ended !== null || script.faults.silent) return;
    if (paused) unanswered = { text, context };
    else answering.answer(text, turns, context);
  }

  /** What the model reads with a message of the caller's: the context in force, one at a time. A temporary one is used up by it. */
  function takeContext(): string {
    const { context } = settings;
    if (context && context.type !== "persistent" && context.type !== "editable") settings = { ...settings, context: null };
    return context?.text ?? "";
  }

  function applySettings(sent: SessionSettings): void {
    settings = merged(settings, sent);
    if (sent.custom_session_id) chat.customSessionId = sent.custom_session_id;
    if (sent.metadata) chat.metadata = JSON.stringify(sent.metadata);
    if (sent.system_prompt) script = directed(directed(parts.script, behaviour.prompt), sent.system_prompt);
  }

  function session(): Session {
    return sessionOf(settings, behaviour);
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

  /** Begins to wait for a user message anew. Whoever is speaking when the time is up is heard out. */
  function awaitUser(): void {
    const limitMs = ms(script.faults.inactivityS) ?? behaviour.inactivityMs;
    if (limitMs === null) return;
    const giveUp = (): void => {
      if (intake.hearing) setTimer("inactivity", 1_000, giveUp);
      else
        failAndEnd(
          "E0714",
          "inactivity_timeout",
          `Chat was ended because no user message was received in ${Math.round(limitMs / 1_000)} seconds.`,
          "INACTIVITY_TIMEOUT",
        );
    };
    setTimer("inactivity", limitMs, () => {
      if (intake.hearing || !behaviour.onInactivity.enabled) {
        giveUp();
        return;
      }
      void answering.say([behaviour.onInactivity.text ?? "Are you still there? I will have to end our conversation."], { verbatim: true });
      setTimer("inactivity", GRACE_MS, giveUp);
    });
  }

  function expire(): void {
    const seconds = Math.round(sinceStart() / 1_000);
    const over = (): void =>
      failAndEnd(
        "E0715",
        "max_duration_timeout",
        `Chat was ended because its maximum duration of ${seconds} seconds was reached.`,
        "MAX_DURATION_TIMEOUT",
      );
    if (!behaviour.onMaxDuration.enabled || sinceStart() >= HARD_LIMIT_MS) {
      over();
      return;
    }
    answering.drop();
    void answering.say([behaviour.onMaxDuration.text ?? "Our time is up. Goodbye."], { verbatim: true }).then(over);
  }

  /** Waits to speak up, when the caller stays silent after all was said and played. */
  function awaitNudge(): void {
    if (behaviour.nudgeMs === null || ended !== null || paused || intake.hearing || answering.doing !== "idle") return;
    setTimer("nudge", Math.max(0, answering.playedOutMs - clock.now()) + behaviour.nudgeMs, () => {
      void answering.say([script.agent.nudge], { verbatim: false });
    });
  }

  // ------------------------------------------------------------------------------------------------------------ going wrong, ending

  function fail(code: string, slug: string, message: string): void {
    outlet.send({ type: "error", code, slug, message, request_id: randomUUID() });
  }

  function noSuchCall(id: string): void {
    fail("E0101", "unknown_tool_call", `There is no open tool call ${JSON.stringify(id)}.`);
  }

  function failAndEnd(code: string, slug: string, message: string, status: ChatStatus): void {
    fail(code, slug, message);
    end(1000, status);
  }

  /** Does what the faults want at this moment of this turn. */
  function goesWrong(moment: Moment, turn: number): void {
    const { closes, error, freezesAtTurn } = script.faults;
    if (moment === "heard" && error?.turn === turn) {
      if (error.ends) failAndEnd(error.code, error.slug, error.message, "ERROR");
      else fail(error.code, error.slug, error.message);
      if (error.code === "E0705") script = { ...script, faults: { ...script.faults, silent: true } };
    }
    if (ended === null && closes && closes.turn === turn && closes.at === moment) end(closes.code, "ERROR");
    if (ended === null && moment === "heard" && freezesAtTurn === turn) freeze();
  }

  /** The connection stays, and nothing is read, said or answered any more. The network gives it up after the longest time a chat may last. */
  function freeze(): void {
    line.freeze();
    for (const name of [...timers.keys()]) stopTimer(name);
    script = { ...script, faults: { deaf: true, silent: true } };
    answering.stop();
    setTimer("frozen", HARD_LIMIT_MS, () => end(1006, "ERROR"));
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
    answering.stop();
    intake.free();
    chat.status = status;
    chat.endMs = clock.now();
    history.add(chat, { role: "SYSTEM", type: "CHAT_END_MESSAGE", message_text: status });
    const duration_seconds = Math.floor(sinceStart() / 1_000);
    parts.webhook("chat_ended", chat, script.faults, { end_time: chat.endMs, duration_seconds, end_reason: status });
    outlet.close(code);
    dump.close({ status, code });
  }

  function state(): ChatState {
    return {
      chat_id: chat.id,
      chat_group_id: group.id,
      custom_session_id: chat.customSessionId,
      agent: script.agent.name,
      doing: doing(),
      heard_ms: intake.heardMs,
      turns,
      texts,
      closed: ended,
    };
  }

  function doing(): ChatState["doing"] {
    if (ended !== null) return "ended";
    if (answering.doing !== "idle") return answering.doing;
    if (intake.hearing) return "hearing";
    return paused ? "paused" : "listening";
  }
}

/** Seconds to ms, if there are any. */
function ms(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1_000;
}
