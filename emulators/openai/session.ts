import type { Clock } from "../evi/clock.ts";
import type { PhraseBook } from "../speech/phrases.ts";
import { openCallerTurns } from "./caller-turns.ts";
import { obey, shownSession } from "./client-events.ts";
import type { Script } from "./directive.ts";
import type { SessionDump } from "./dump.ts";
import type { Moment } from "./faults.ts";
import { awaitIdle } from "./idle-timeout.ts";
import { openInputBuffer } from "./input-buffer.ts";
import { openMind } from "./mind.ts";
import type { Mouth } from "./mouth.ts";
import { type Line, openOutlet } from "./outlet.ts";
import type { Pace } from "./pace.ts";
import { openResponses } from "./responses.ts";
import { newSituation } from "./situation.ts";
import { invalid, understand } from "./wire.ts";

/**
 * One session: what it hears (`input-buffer`, `caller-turns`), what it is asked (`client-events`), what it means to say (`mind`) and says
 * (`responses`), what leaves (`outlet`), and when it ends.
 *
 * open: from the upgrade on. -> ended: by `gone`, when the client closed; by `end`: its time is up, a fault, or from outside. Ending calls off
 * all timers, cuts the response, gives the ear back, and closes the socket unless the client did. An ended session does nothing.
 */
export interface RealtimeSession {
  readonly id: string;
  /** A text frame of the client. */
  hear(frame: string): void;
  /** The socket is closed by the other side, or broken. */
  gone(code: number): void;
  end(code: number, reason: string): void;
  /** For those who look on: what it is doing. */
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

/** Opens a session on a socket, and tells the client of it. */
export function openSession(parts: SessionParts, line: Line): RealtimeSession {
  const { clock, mouth, pace } = parts;
  const sessionMs = (parts.script.faults.sessionS ?? parts.sessionMs / 1_000) * 1_000;
  const situation = newSituation(clock, parts.model, parts.script, sessionMs);
  const { id, conversation, conversationId, timers } = situation;
  const dump = parts.dump(id);
  const outlet = openOutlet(situation, line, dump);
  const mind = openMind(situation);
  const callerTurns = openCallerTurns({ situation, outlet, mind, transcribeMs: pace.transcribeMs, heard: () => goesWrong("heard") });
  const responses = openResponses({
    situation,
    outlet,
    mind,
    clock,
    mouth,
    pace,
    speaking: () => goesWrong("speaking"),
    over: callerTurns.tellLate,
    idle: (spokenMs) => awaitIdle({ situation, outlet, input, responses }, spokenMs),
    broken: (problem) => parts.log(`session ${id}: ${problem instanceof Error ? (problem.stack ?? problem.message) : String(problem)}`),
  });
  const input = openInputBuffer({
    situation,
    outlet,
    listener: parts.listener,
    began() {
      timers.stop("idle");
      if (situation.session.audio.input.turn_detection?.interrupt_response !== false) responses.cutIn();
    },
    turn: callerTurns.add,
    answer: responses.answer,
  });

  if (situation.script.faults.mute) freeze();
  else begin();

  return { id, hear, gone: finish, end, state };

  function begin(): void {
    if (situation.script.faults.ownEvents)
      outlet.send("conversation.created", { conversation: { id: conversationId, object: "realtime.conversation" } });
    outlet.send("session.created", { session: shownSession(situation) });
    timers.set("session", sessionMs, expire);
  }

  function hear(frame: string): void {
    if (situation.ended !== null) return;
    const understood = understand(frame);
    if (!understood.ok) {
      dump.message("in", frame.slice(0, 4_000));
      outlet.problem(understood.problem, understood.eventId);
      return;
    }
    const { event } = understood;
    if (event.type === "input_audio_buffer.append") {
      hearAudio(Buffer.from(event.audio, "base64"));
      return;
    }
    dump.message("in", frame);
    const problem = obey({ situation, outlet, input, mind, responses, updated }, event);
    if (problem) outlet.problem(problem, event.event_id ?? null);
  }

  function hearAudio(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    dump.heard(bytes);
    input.push(bytes);
  }

  function updated(): void {
    const { sessionS } = situation.script.faults;
    if (sessionS !== undefined && sessionS !== situation.opened.faults.sessionS) timers.set("session", sessionS * 1_000, expire);
    awaitIdle({ situation, outlet, input, responses }, 0);
  }

  // ------------------------------------------------------------------------------------------------------------ going wrong, ending

  function expire(): void {
    const message = `Your session hit the maximum duration of ${Math.max(1, Math.round(parts.sessionMs / 60_000))} minutes.`;
    outlet.problem(invalid("session_expired", message), null);
    end(1001, message);
  }

  /** Does what the faults want at this moment of this turn. */
  function goesWrong(moment: Moment): void {
    const { script, turns, replayed } = situation;
    const { closes, freezesAtTurn } = script.faults;
    if (closes && !replayed && closes.turn === turns && closes.at === moment) end(closes.code, closes.reason);
    if (situation.ended === null && moment === "heard" && freezesAtTurn === turns) freeze();
  }

  /** The connection stays, and nothing is read, said or answered any more. */
  function freeze(): void {
    line.freeze();
    timers.stopAll();
    situation.script = { ...situation.script, faults: { silent: true, transcription: "never" } };
    responses.stop();
  }

  function end(code: number, reason: string): void {
    if (situation.ended !== null) return;
    finish(code);
    line.close(code, reason);
  }

  function finish(code: number): void {
    if (situation.ended !== null) return;
    situation.ended = code;
    timers.stopAll();
    responses.stop();
    input.free();
    const { audio } = situation.session;
    dump.close({ code, heardRate: audio.input.format.rate, saidRate: audio.output.format.rate });
  }

  function state(): SessionState {
    return {
      session: id,
      model: parts.model,
      agent: situation.script.agent.name,
      doing: doing(),
      heard_ms: input.heardMs,
      turns: situation.turns,
      items: conversation.items.map(({ id: item, role, text, audioMs }) => ({ id: item, role, text, audio_ms: audioMs })),
      closed: situation.ended,
    };
  }

  function doing(): SessionState["doing"] {
    if (situation.ended !== null) return "ended";
    if (responses.active !== null) return "responding";
    return input.hearing ? "hearing" : "listening";
  }
}
