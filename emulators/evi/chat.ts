import { randomUUID } from "node:crypto";
import type { PhraseBook } from "../speech/phrases.ts";
import { fill, fresh } from "./agents/decide.ts";
import { openAnswering, type Pace } from "./answering.ts";
import { type Behaviour, HARD_LIMIT_MS } from "./behaviour.ts";
import { type Asked, obey } from "./client-messages.ts";
import type { Clock } from "./clock.ts";
import type { Script } from "./directive.ts";
import type { ChatDump } from "./dump.ts";
import type { Faults, Moment } from "./faults.ts";
import type { Opening } from "./handshake.ts";
import type { ChatRecord, ChatStatus, History } from "./history.ts";
import { type Noticed, openIntake } from "./intake.ts";
import type { KeptSound } from "./kept-sound.ts";
import type { Mouth } from "./mouth.ts";
import { type Line, type Outlet, openOutlet } from "./outlet.ts";
import { applySettings, newSituation, sessionNow } from "./situation.ts";
import { openTimeouts } from "./timeouts.ts";
import { openUserMessages } from "./user-messages.ts";
import type { WebhookName } from "./webhooks.ts";
import { understand } from "./wire.ts";

/**
 * One chat: what it hears (`intake`, `user-messages`), what it is asked (`client-messages`), what it says (`answering`), what leaves
 * (`outlet`), and when it ends.
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
  tell(message: Asked): void;
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

const UNTRANSCRIBABLE = "Unable to transcribe audio. Please ensure that you're sending audio in a supported format.";

/** Opens a chat on a socket: in the history, and towards its client. */
export function openChat(parts: ChatParts, line: Line): Chat {
  const { clock, history, behaviour, opening } = parts;
  const goesOnWith = parts.script.faults.resume === "another" ? null : opening.resumedChatGroupId;
  const { group, chat, resumed } = history.open(goesOnWith, behaviour.config);
  const dump = parts.dump(chat.id);
  const kept = parts.keepSound(chat.id);
  const sinceStart = (atMs = clock.now()): number => atMs - chat.startMs;
  const situation = newSituation(parts, chat, group);
  const { timers, texts } = situation;

  const outlet = openOutlet({
    line,
    dump,
    chat,
    remembers: opening.allowConnection,
    copies: () => (situation.script.faults.doubles ? 2 : 1),
  });
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
    script: () => situation.script,
    session: () => sessionNow(situation),
    // `voice_id` may name a voice of the emulated world; Hume's own ids are not known here
    voice: () => parts.mouth.voice(situation.settings.voice_id ?? null, situation.script.agent.voice),
    memory: group,
    record: (event) => history.add(chat, event),
    saying: (text) => void texts.push({ speaker: "assistant", text }),
    sounds: (chunk, atMs) => kept.said(chunk.base64, sinceStart(atMs), chunk.ms),
    cut: (atMs) => kept.cut(sinceStart(atMs)),
    moment: goesWrong,
    toolCalled: (message) => webhook("tool_call", { timestamp: clock.now(), tool_call_message: message }),
    idle: () => timeouts.awaitNudge(),
    over: () => end(1000, "USER_ENDED"),
    broken(problem) {
      parts.log(`chat ${chat.id}: ${problem instanceof Error ? problem.message : String(problem)}`);
      failAndEnd("I0100", "internal_error", "Something went wrong on our side.", "ERROR");
    },
  });
  const timeouts = openTimeouts({ situation, clock, intake, answering, failAndEnd });
  const userMessages = openUserMessages({
    situation,
    outlet,
    history,
    answering,
    heard() {
      timeouts.awaitUser();
      goesWrong("heard", situation.turns);
    },
  });

  if (situation.script.faults.mute) freeze();
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
    applySettings(situation, opening.settings);
    if (opening.resumedChatGroupId !== null && situation.script.faults.resume === "refused") {
      failAndEnd("E0101", "chat_group_not_found", `There is no chat group ${opening.resumedChatGroupId}.`, "ERROR");
      return;
    }
    if (situation.script.faults.resume === "forgotten") group.memory = fresh;
    outlet.send({ type: "chat_metadata", chat_group_id: group.id, chat_id: chat.id, request_id: randomUUID() });
    const from = JSON.stringify({ resumed_chat_group_id: opening.resumedChatGroupId });
    history.add(chat, { role: "SYSTEM", type: "CHAT_START_MESSAGE", message_text: from });
    const { prompt, variables } = sessionNow(situation);
    if (prompt !== "") history.add(chat, { role: "SYSTEM", type: "SYSTEM_PROMPT", message_text: fill(prompt, variables) });
    webhook("chat_started", { start_time: chat.startMs, chat_start_type: resumed ? "resumed_chat_group" : "new_chat_group" });
    timeouts.limitDuration();
    timeouts.awaitUser();
    goesWrong("heard", 0);
    if (situation.ended !== null || !behaviour.onNewChat.enabled || resumed) return;
    const { text } = behaviour.onNewChat;
    void answering.say([fill(text ?? situation.script.agent.greeting, variables)], { verbatim: text !== null, thinks: true });
  }

  function webhook(name: WebhookName, body: Record<string, unknown>): void {
    parts.webhook(name, chat, situation.script.faults, body);
  }

  // ------------------------------------------------------------------------------------------------------------ hearing

  function hear(frame: string): void {
    if (situation.ended !== null) return;
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

  function tell(message: Asked): void {
    if (situation.ended !== null) return;
    obey({ situation, outlet, history, intake, answering, userMessages, noSuchCall }, message);
  }

  function hearAudio(bytes: Uint8Array): void {
    if (situation.ended !== null || bytes.length === 0) return;
    const isFirst = intake.heardMs === 0 && !chat.events.some(({ type }) => type === "USER_RECORDING_START_MESSAGE");
    const taken = intake.push(bytes, situation.settings.audio ?? null);
    if (!taken) {
      failAndEnd("I0116", "transcription_failure", UNTRANSCRIBABLE, "ERROR");
      return;
    }
    if (isFirst) {
      situation.settings = { ...situation.settings, audio: taken.format };
      history.add(chat, { role: "USER", type: "USER_RECORDING_START_MESSAGE" });
    }
    dump.heard(taken.sound, taken.format);
    kept.heard(taken.sound, taken.format, sinceStart());
  }

  function noticed(event: Noticed): void {
    if (situation.ended !== null || situation.script.faults.deaf) return;
    switch (event.what) {
      case "began":
        timeouts.stopNudge();
        return;
      case "was nothing":
        timeouts.awaitNudge();
        return;
      case "lasts":
        answering.voiceLasts(event.lastedMs);
        return;
      case "interim":
        userMessages.interim(event);
        return;
      case "said":
        userMessages.said(event);
        return;
    }
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
    const { closes, error, freezesAtTurn } = situation.script.faults;
    if (moment === "heard" && error?.turn === turn) {
      if (error.ends) failAndEnd(error.code, error.slug, error.message, "ERROR");
      else fail(error.code, error.slug, error.message);
      if (error.code === "E0705") situation.script = { ...situation.script, faults: { ...situation.script.faults, silent: true } };
    }
    if (situation.ended === null && closes && closes.turn === turn && closes.at === moment) end(closes.code, "ERROR");
    if (situation.ended === null && moment === "heard" && freezesAtTurn === turn) freeze();
  }

  /** The connection stays, and nothing is read, said or answered any more. The network gives it up after the longest time a chat may last. */
  function freeze(): void {
    line.freeze();
    timers.stopAll();
    situation.script = { ...situation.script, faults: { deaf: true, silent: true } };
    answering.stop();
    timers.set("frozen", HARD_LIMIT_MS, () => end(1006, "ERROR"));
  }

  function end(code: number, status: ChatStatus): void {
    if (situation.ended !== null) return;
    finish(code, status);
    line.close(code);
  }

  function finish(code: number, status: ChatStatus): void {
    if (situation.ended !== null) return;
    situation.ended = code;
    timers.stopAll();
    answering.stop();
    intake.free();
    chat.status = status;
    chat.endMs = clock.now();
    history.add(chat, { role: "SYSTEM", type: "CHAT_END_MESSAGE", message_text: status });
    webhook("chat_ended", { end_time: chat.endMs, duration_seconds: Math.floor(sinceStart() / 1_000), end_reason: status });
    outlet.close(code);
    dump.close({ status, code });
  }

  function state(): ChatState {
    return {
      chat_id: chat.id,
      chat_group_id: group.id,
      custom_session_id: chat.customSessionId,
      agent: situation.script.agent.name,
      doing: doing(),
      heard_ms: intake.heardMs,
      turns: situation.turns,
      texts,
      closed: situation.ended,
    };
  }

  function doing(): ChatState["doing"] {
    if (situation.ended !== null) return "ended";
    if (answering.doing !== "idle") return answering.doing;
    if (intake.hearing) return "hearing";
    return situation.paused ? "paused" : "listening";
  }
}
