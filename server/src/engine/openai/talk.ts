import type { EngineEvent, EngineSession } from "../port.ts";
import { AgentSpeech } from "./agent-speech.ts";
import { Answers } from "./answers.ts";
import { CallerTurns, NO_WORDS } from "./caller-turns.ts";
import type { Dialect } from "./dialects.ts";
import {
  agentHungUp,
  askAgainMs,
  type Ending,
  isHopeless,
  keepsFailing,
  type RealtimeError,
  refusedFor,
  settingsRefused,
} from "./endings.ts";
import { exactly, HANG_UP, hangsUpItself, sessionSettings, toldAgain } from "./settings.ts";
import { ToolCalls } from "./tool-calls.ts";
import type { RealtimeSaying } from "./wire.ts";

/** What became of the session before this one of the same call. */
export type Before =
  /** None, or it ended in a pause: nothing needs to be said about it. */
  | "at rest"
  /** The caller had spoken, or was speaking, and is owed an answer. */
  | "caller waits"
  /** It broke off in the middle of an answer. */
  | "mid-answer";

export interface TalkParts {
  readonly dialect: Dialect;
  readonly session: EngineSession;
  readonly before: Before;
  /** What the sessions before were told beside the conversation: keys, an operator's words. */
  readonly beside?: readonly string[];
  readonly emit: (event: EngineEvent) => void;
  readonly tell: (message: Record<string, unknown>) => void;
  /** Does it after so many ms, unless the session is over then; in the place of what was to be done later before. */
  readonly later: (ms: number, deed: () => void) => void;
  /** The session must end. */
  readonly end: (ending: Ending) => void;
  /** What is left of the agent's sound goes out: its item, or its whole answer, is complete. */
  readonly soundOver: () => void;
  /** What is left of the agent's sound is dropped. */
  readonly soundCut: () => void;
}

/** What is told beside the conversation and told again to the next session: the latest so many. */
const MOST_BESIDE = 100;
const MOST_TROUBLES = 10;

/**
 * What a Realtime server's messages mean, and what to tell it in turn: without a socket and without a clock. One per session.
 *
 * States: opening (until `session.updated`: nothing but the settings is sent), ready. Within ready it is the caller's turn (caller-turns.ts) or the agent's
 * (answers.ts: which response is being written; agent-speech.ts: what comes of it; tool-calls.ts: what it wants called). A voice while the caller has
 * something to hear is a cut-in: the response is discarded, its late sound ignored.
 */
export class RealtimeTalk {
  /** The last error of the server: perhaps why the session ends, if it ends now. */
  error: RealtimeError | null = null;
  /** Messages of a type we do not know, or not as documented, by type. */
  readonly strange = new Map<string, number>();
  ready = false;
  private readonly parts: TalkParts;
  private id = "?";
  private playing = false;
  private readonly caller: CallerTurns;
  private readonly agent: AgentSpeech;
  private readonly answers: Answers;
  private readonly tools = new ToolCalls();
  private commands = 0;
  /** Answers that came to nothing, one after the other. */
  private failures = 0;
  /** One is asked for again in a moment. */
  private asksAgain = false;
  private readonly troubles = new Set<string>();
  private interrupts = true;
  /** When the server will end it, if it said so. */
  sessionEndsAt: Date | null = null;
  /** What was told beside the conversation in this call. */
  readonly beside: string[];

  constructor(parts: TalkParts) {
    this.parts = parts;
    this.beside = [...(parts.beside ?? [])];
    this.caller = new CallerTurns(parts.emit);
    this.agent = new AgentSpeech(parts.emit);
    this.answers = new Answers(
      () => this.ready,
      (message) => this.tellAs("answer", message),
    );
  }

  /** Nothing is said, asked or waited for: the moment to renew a session. */
  get atRest(): boolean {
    const { caller } = this;
    return this.ready && !this.playing && !caller.speaking && !caller.waits && !caller.wordsMissing && !this.owesAnswer;
  }

  private get owesAnswer(): boolean {
    return this.answers.busy || this.asksAgain || this.tools.waiting;
  }

  /** For the session after this one, when this one breaks off now. */
  get brokenOff(): Before {
    if (this.caller.speaking || this.caller.waits) return "caller waits";
    return this.owesAnswer ? "mid-answer" : "at rest";
  }

  // ------------------------------------------------------------------------------------------------------------ what it says

  /** One message other than sound. */
  hear(saying: RealtimeSaying): void {
    const { emit } = this.parts;
    if (saying.type !== "error") this.goesOn();
    switch (saying.type) {
      case "session.created":
        this.id = saying.session.id ?? this.id;
        if (saying.session.expires_at != null) this.sessionEndsAt = new Date(saying.session.expires_at * 1000);
        this.tellAs("settings", { type: "session.update", session: sessionSettings(this.parts.dialect, this.parts.session) });
        return;
      case "session.updated":
        this.updated(saying.session);
        return;
      case "input_audio_buffer.speech_started":
        this.callerBegan(saying.item_id ?? `${this.id}:c${this.caller.count}`, saying.audio_start_ms);
        return;
      case "input_audio_buffer.speech_stopped":
        this.caller.stopped(saying.item_id, saying.audio_end_ms);
        return;
      case "transcription.delta":
        this.caller.more(saying.item_id, saying.delta);
        return;
      case "transcription.updated":
        this.caller.whole(saying.item_id, saying.transcript, false);
        return;
      case "transcription.completed":
        this.caller.whole(saying.item_id, saying.transcript, saying.status !== "in_progress");
        if (typeof saying.usage === "object" && saying.usage !== null)
          emit({ what: "usage", raw: { of: "transcription", ...(saying.usage as Record<string, unknown>) } });
        return;
      case "transcription.failed":
        if (saying.item_id != null) this.caller.withoutWords(saying.item_id);
        this.trouble("transcription_failed", saying.error?.message ?? "The caller's words could not be written down.");
        return;
      case "response.created":
        this.answers.began(saying.response.id);
        return;
      case "response.output_item.added":
        if (saying.item.type === "function_call") this.tools.note(saying.response_id, saying.item);
        return;
      case "response.output_item.done":
        if (saying.item.type === "function_call") this.tools.note(saying.response_id, saying.item);
        else this.agent.text(saying.item.id ?? "", saying.response_id, saying.item.transcript, true);
        return;
      case "response.function_call_arguments.done":
        this.tools.note(saying.response_id, saying);
        return;
      case "transcript.delta":
        this.agent.word(saying.item_id, saying.response_id, saying.delta);
        return;
      case "transcript.done":
        this.agent.text(saying.item_id, saying.response_id ?? null, saying.transcript, true);
        return;
      case "response.done":
        this.responseDone(saying.response);
        return;
      case "error":
        this.failed(saying.error);
        return;
    }
  }

  /** Sound of an item came. False when it is not to be heard any more. */
  hearSound(item: string, response: string | null, ms: number): boolean {
    this.goesOn();
    if (!this.agent.sound(item, response, ms)) return false;
    this.caller.waits = false;
    return true;
  }

  /** The session is over: what is known of unfinished words is told. */
  over(): void {
    if (this.answers.active !== null) this.agent.discard(this.answers.active);
    if (this.ready) this.caller.over();
  }

  /** An error before this was not the end of the session. */
  private goesOn(): void {
    if (this.error !== null && this.error.code !== "session_expired") this.error = null;
  }

  /** Counts a strange message. Unknown types are other servers' own affairs; what is malformed is told of once a type. */
  strangeMessage(type: string, malformed: boolean): void {
    const count = (this.strange.get(type) ?? 0) + 1;
    if (count > 1 || this.strange.size < 1_000) this.strange.set(type, count);
    if (malformed && count === 1) this.trouble(`malformed ${type}`, `The engine sent a ${type} that cannot be read; it was left out.`);
  }

  private updated(session: Extract<RealtimeSaying, { type: "session.updated" }>["session"]): void {
    this.id = session.id ?? this.id;
    const turns = session.audio?.input?.turn_detection ?? session.turn_detection;
    this.caller.margins = { beforeMs: turns?.prefix_padding_ms ?? 0, afterMs: turns?.silence_duration_ms ?? 0 };
    this.interrupts = turns?.interrupt_response !== false;
    if (session.expires_at != null) this.sessionEndsAt = new Date(session.expires_at * 1000);
    if (this.ready) return;
    this.ready = true;
    const { history, greeting, resume } = this.parts.session;
    for (const item of toldAgain(history)) this.tellAs("history", { type: "conversation.item.create", item });
    for (const text of this.beside) this.note(text);
    this.parts.emit({ what: "ready", session: this.id, resume: null, expiresAt: this.sessionEndsAt });
    if (history.length === 0 && greeting !== null && resume === null) this.say(greeting, "exact");
    else this.goOn();
  }

  /**
   * After a session that broke off: whoever is owed words gets them. What is to be said is told beside the conversation: instructions of an answer would
   * take the place of the agent's prompt, and with it of its language.
   */
  private goOn(): void {
    const { history } = this.parts.session;
    if (this.parts.before === "at rest") return;
    const last = history.at(-1);
    if (last?.speaker === "caller" && last.text !== NO_WORDS) this.answers.wish(null);
    else {
      this.note(
        this.parts.before === "mid-answer"
          ? "The line was interrupted while you were speaking. In the language of this conversation, briefly say so and go on with what you were saying."
          : "The line was interrupted and you could not hear the caller's last words. In the language of this conversation, briefly apologise and ask the caller to say them again.",
      );
      this.answers.wish(null);
    }
  }

  private callerBegan(item: string, startMs: number): void {
    const { answers, agent } = this;
    this.caller.began(item, startMs);
    if (!this.interrupts) return;
    const cuts = this.playing || answers.active !== null;
    // The server cancels what runs by itself (interrupt_response).
    answers.forgetWishes();
    this.asksAgain = false;
    if (answers.active !== null) agent.discard(answers.active);
    if (!cuts) return;
    this.playing = false;
    this.parts.soundCut();
    this.parts.emit({ what: "cut in" });
  }

  private responseDone(response: Extract<RealtimeSaying, { type: "response.done" }>["response"]): void {
    const { emit, soundOver, end } = this.parts;
    for (const item of response.output ?? []) {
      if (item.type === "function_call") this.tools.note(response.id, item);
      else if (item.id != null) this.agent.text(item.id, response.id, item.transcript, true);
    }
    const calls = this.tools.take(response.id);
    const discarded = this.agent.isDiscarded(response.id);
    if (discarded) this.forgetUnheard(response.id, response.output ?? []);
    this.answers.ended(response.id);
    if (response.usage != null) emit({ what: "usage", raw: { of: "response", ...response.usage } });

    const details =
      typeof response.status_details === "string" ? { reason: response.status_details, error: null } : response.status_details;
    switch (discarded ? "cancelled" : response.status) {
      case "cancelled":
        if (!discarded) soundOver();
        emit({ what: "agent done", how: "cut" });
        break;
      case "failed":
        soundOver();
        emit({ what: "agent done", how: "failed" });
        this.responseFailed({ code: details?.error?.code ?? null, text: details?.error?.message ?? "The answer failed." });
        return;
      case "incomplete":
        soundOver();
        this.caller.waits = false;
        emit({ what: "agent done", how: "limit" });
        this.trouble("incomplete", `An answer was broken off by the engine: ${details?.reason ?? "no reason given"}.`);
        break;
      default: {
        soundOver();
        this.failures = 0;
        this.caller.waits = false;
        emit({ what: "agent done", how: "complete" });
        // What a cancelled answer wanted to call is not called: its arguments may be partial.
        const wanted = calls.filter(({ name }) => name !== "");
        if (wanted.some(({ name }) => name === HANG_UP.name) && hangsUpItself(this.parts.session)) {
          end(agentHungUp);
          return;
        }
        for (const { id } of wanted) this.tools.called(id);
        for (const { id, name, args } of wanted) emit({ what: "tool", id, name, args: args === "" ? "{}" : args });
      }
    }
    this.answers.next();
  }

  /** Answers of a discarded response of which not a sound had come were not heard at all. Those with sound the bridge tells of (`played`). */
  private forgetUnheard(response: string, output: readonly { id?: string | null | undefined; type?: string | null | undefined }[]): void {
    for (const { id, type } of output) {
      if (id != null && type === "message" && this.agent.settleUnheard(id, response))
        this.tellAs("cut", { type: "conversation.item.delete", item_id: id });
    }
  }

  /** Asked for once more, at once or when the server says that it may; if it will not be soon, it is the engine that failed, and not this answer. */
  private responseFailed(error: RealtimeError): void {
    this.trouble(error.code ?? "response_failed", error.text);
    const waitMs = isHopeless(error.code) ? null : askAgainMs(error, this.failures++);
    if (waitMs === null) this.parts.end(keepsFailing(error));
    else if (waitMs === 0) this.answers.again();
    else {
      this.asksAgain = true;
      this.parts.later(waitMs, () => {
        // The caller has spoken meanwhile: then their turn is answered.
        if (!this.asksAgain) return;
        this.asksAgain = false;
        this.answers.again();
      });
    }
  }

  private failed(error: Extract<RealtimeSaying, { type: "error" }>["error"]): void {
    const said: RealtimeError = { code: error.code ?? null, text: error.message ?? "The engine reported an error." };
    const event = error.event_id ?? "";
    if (isHopeless(said.code)) {
      // Some servers close behind it, and some leave a session open that never says anything.
      this.error = said;
      this.trouble(said.code ?? "error", said.text);
      this.parts.end(refusedFor(said));
      return;
    }
    if (event.startsWith("settings") || (!this.ready && event === "" && this.id !== "?")) {
      this.parts.end(settingsRefused(said, error.param ?? null));
      return;
    }
    if (event.startsWith("cut")) {
      // Harmless: counted, and the call goes on (openai-realtime §7).
      this.strangeMessage(`refused ${said.code ?? "truncation"}`, false);
      return;
    }
    const refused = this.answers.refused(event, said.code);
    if (refused === "for good") this.trouble(said.code ?? "error", said.text);
    if (refused !== null) return;
    this.error = said;
    this.trouble(said.code ?? "error", said.text);
  }

  /** One of a kind is told: a flood of the same is quiet. */
  private trouble(code: string, text: string): void {
    if (this.troubles.has(code) || this.troubles.size >= MOST_TROUBLES) return;
    this.troubles.add(code);
    this.parts.emit({ what: "trouble", code, text });
  }

  // ------------------------------------------------------------------------------------------------------------ what we tell it

  /** The bridge says whether the caller still has agent audio to hear. */
  tellPlaying(on: boolean): void {
    this.playing = on;
  }

  say(text: string, how: "exact" | "about"): void {
    if (how === "exact" && this.parts.dialect.verbatim) {
      const content = [{ type: "output_text", text }];
      this.tellAs("say", {
        type: "conversation.item.create",
        item: { type: "force_message", role: "assistant", interruptible: true, content },
      });
    } else this.answers.wish(how === "exact" ? exactly(text) : text);
  }

  context(text: string, answer: boolean): void {
    this.beside.push(text);
    if (this.beside.length > MOST_BESIDE) this.beside.shift();
    this.note(text);
    if (answer) this.answers.wish(null);
  }

  /** Tells something beside the conversation. */
  private note(text: string): void {
    if (!this.ready) return;
    this.tellAs("context", {
      type: "conversation.item.create",
      item: { type: "message", role: "system", content: [{ type: "input_text", text }] },
    });
  }

  toolResult(id: string, { ok, text }: { readonly ok: boolean; readonly text: string }): void {
    const output = ok ? text : JSON.stringify({ error: text });
    this.tellAs("tool", { type: "conversation.item.create", item: { type: "function_call_output", call_id: id, output } });
    this.tools.answered(id);
    // Several calls in one answer: one answer to all their results.
    if (!this.tools.waiting) this.answers.wish(null);
  }

  /**
   * What the caller heard of an item: the server cannot know it. Counted by what was really played, never by the clock, and never more than
   * was received; what was not heard at all is deleted, since a truncation at 0 is refused (openai-realtime §7).
   */
  played(item: string, ms: number, end: "complete" | "cut"): void {
    const heardMs = end === "complete" ? null : this.agent.settleCut(item, ms);
    if (heardMs === null) return;
    if (heardMs < 1) this.tellAs("cut", { type: "conversation.item.delete", item_id: item });
    else if (this.parts.dialect.heardPart === "truncate")
      this.tellAs("cut", { type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: heardMs });
    else this.note(`The caller interrupted: of your last answer only the first ${(heardMs / 1000).toFixed(1)} seconds were heard.`);
  }

  /** Sends with an id by which a refusal can be told apart. */
  private tellAs(kind: string, message: Record<string, unknown>): string {
    const event = `${kind}-${++this.commands}`;
    this.parts.tell({ event_id: event, ...message });
    return event;
  }
}
