import type { EngineEvent, EngineSession } from "../port.ts";
import type { Dialect } from "./dialects.ts";
import { agentHungUp, type Ending, isHopeless, keepsFailing, type RealtimeError, settingsRefused } from "./endings.ts";
import { exactly, HANG_UP, hangsUpItself, sessionSettings, toldAgain } from "./settings.ts";
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
  /** The session must end. */
  readonly end: (ending: Ending) => void;
  /** What is left of the agent's sound goes out: its item, or its whole answer, is complete. */
  readonly soundOver: () => void;
  /** What is left of the agent's sound is dropped. */
  readonly soundCut: () => void;
}

/** Agent speech of this session: what came of it, and whose answer it is part of. */
interface Spoken {
  readonly response: string | null;
  /** Sound received, ms, at the wire's rate. */
  receivedMs: number;
  text: string;
  /** Told so far, to tell a text once a sentence and not once a word. */
  told: string;
  /** The server knows how much was heard, or that nothing was. */
  settled: boolean;
}
interface CallerTurn {
  fromMs: number;
  toMs: number;
  text: string;
  stopped: boolean;
  /** Its words were told for good. */
  final: boolean;
}
interface Call {
  readonly id: string;
  name: string;
  args: string;
}
/** An answer to be asked for, and what is to be said, if that is ours to say. */
interface Wish {
  readonly instructions: string | null;
}

/** Stands for words that were spoken and that nobody wrote down: the sound is in the recording. */
export const NO_WORDS = "(speech without words)";
const MOST_ITEMS = 200;
/** What is told beside the conversation and told again to the next session: the latest so many. */
const MOST_BESIDE = 100;
const MOST_TROUBLES = 10;

/**
 * What a Realtime server's messages mean, and what to tell it in turn: without a socket and without a clock. One per session.
 *
 * States: opening (until `session.updated`: nothing but the settings is sent), ready. Within ready the server writes at most one response at a
 * time: `active` from `response.created` to `response.done`; `asked` while one we asked for has not begun. What we wish meanwhile waits in
 * `wishes`. A voice while the caller has something to hear is a cut-in: the response is discarded, its late sound ignored.
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
  private callerSpeaks = false;
  /** The caller's turn is not answered yet. */
  private callerWaits = false;
  /** Words of the caller have come in this session: then those that are missing will come too. */
  private wordsCome = false;
  private active: string | null = null;
  private asked: { readonly event: string; readonly wish: Wish } | null = null;
  private wishes: Wish[] = [];
  private commands = 0;
  private failures = 0;
  private readonly discarded = new Set<string>();
  private readonly spoken = new Map<string, Spoken>();
  private readonly callers = new Map<string, CallerTurn>();
  private lastCaller: string | null = null;
  private readonly calls = new Map<string, Map<string, Call>>();
  private readonly toolsOut = new Set<string>();
  private readonly troubles = new Set<string>();
  private prefixMs = 0;
  private silenceMs = 0;
  private interrupts = true;
  /** When the server will end it, if it said so. */
  sessionEndsAt: Date | null = null;
  /** What was told beside the conversation in this call. */
  readonly beside: string[];

  constructor(parts: TalkParts) {
    this.parts = parts;
    this.beside = [...(parts.beside ?? [])];
  }

  /** Nothing is said, asked or waited for: the moment to renew a session. */
  get atRest(): boolean {
    const last = this.lastCaller === null ? undefined : this.callers.get(this.lastCaller);
    if (this.wordsCome && last?.final === false) return false;
    return this.ready && !this.playing && !this.callerSpeaks && !this.callerWaits && !this.busy && this.toolsOut.size === 0;
  }

  /** For the session after this one, when this one breaks off now. */
  get brokenOff(): Before {
    if (this.callerSpeaks || this.callerWaits) return "caller waits";
    return this.busy || this.toolsOut.size > 0 ? "mid-answer" : "at rest";
  }

  private get busy(): boolean {
    return this.active !== null || this.asked !== null || this.wishes.length > 0;
  }

  // ------------------------------------------------------------------------------------------------------------ what it says

  /** One message other than sound. */
  hear(saying: RealtimeSaying): void {
    const { emit } = this.parts;
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
        this.callerBegan(saying.item_id ?? `${this.id}:c${this.callers.size}`, saying.audio_start_ms);
        return;
      case "input_audio_buffer.speech_stopped":
        this.callerStopped(saying.item_id ?? this.lastCaller, saying.audio_end_ms);
        return;
      case "transcription.delta": {
        const caller = this.caller(saying.item_id);
        caller.text += saying.delta;
        this.tellCaller(saying.item_id, caller, false);
        return;
      }
      case "transcription.updated": {
        const caller = this.caller(saying.item_id);
        caller.text = saying.transcript;
        this.tellCaller(saying.item_id, caller, false);
        return;
      }
      case "transcription.completed": {
        const caller = this.caller(saying.item_id);
        caller.text = saying.transcript;
        this.tellCaller(saying.item_id, caller, saying.status !== "in_progress");
        if (typeof saying.usage === "object" && saying.usage !== null)
          emit({ what: "usage", raw: { of: "transcription", ...(saying.usage as Record<string, unknown>) } });
        return;
      }
      case "transcription.failed":
        if (saying.item_id != null) this.withoutWords(saying.item_id);
        this.trouble("transcription_failed", saying.error?.message ?? "The caller's words could not be written down.");
        return;
      case "response.created":
        this.active = saying.response.id;
        this.asked = null;
        return;
      case "response.output_item.added":
        if (saying.item.type === "function_call") this.noteCall(saying.response_id, saying.item);
        return;
      case "response.output_item.done":
        if (saying.item.type === "function_call") this.noteCall(saying.response_id, saying.item);
        else this.agentText(saying.item.id ?? "", saying.response_id, textOf(saying.item), true);
        return;
      case "response.function_call_arguments.done":
        this.noteCall(saying.response_id, saying);
        return;
      case "transcript.delta":
        this.agentWord(saying.item_id, saying.response_id, saying.delta);
        return;
      case "transcript.done":
        this.agentText(saying.item_id, saying.response_id ?? null, saying.transcript, true);
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
    if (this.isDiscarded(response)) return false;
    const spoken = this.spokenItem(item, response);
    if (spoken.settled) return false;
    spoken.receivedMs += ms;
    this.callerWaits = false;
    return true;
  }

  /** The session is over: what is known of unfinished words is told. */
  over(): void {
    if (this.active !== null) this.discard(this.active);
    if (this.ready) for (const item of this.callers.keys()) this.withoutWords(item);
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
    this.prefixMs = turns?.prefix_padding_ms ?? 0;
    this.silenceMs = turns?.silence_duration_ms ?? 0;
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
    if (last?.speaker === "caller" && last.text !== NO_WORDS) this.respond({ instructions: null });
    else {
      this.note(
        this.parts.before === "mid-answer"
          ? "The line was interrupted while you were speaking. In the language of this conversation, briefly say so and go on with what you were saying."
          : "The line was interrupted and you could not hear the caller's last words. In the language of this conversation, briefly apologise and ask the caller to say them again.",
      );
      this.respond({ instructions: null });
    }
  }

  // ------------------------------------------------------------------------------------------------------------ the caller

  private callerBegan(item: string, startMs: number): void {
    const { emit, soundCut } = this.parts;
    this.callerSpeaks = true;
    this.lastCaller = item;
    const fromMs = startMs + (startMs > 0 ? this.prefixMs : 0);
    keep(this.callers, item, { fromMs, toMs: fromMs, text: "", stopped: false, final: false });
    emit({ what: "caller speech", on: true, atMs: fromMs, utterance: item });
    if (!this.interrupts) return;
    const cuts = this.playing || this.active !== null;
    // The server cancels what runs by itself (interrupt_response); what we still wished to be said is out of date.
    this.wishes = [];
    if (this.active !== null) this.discard(this.active);
    if (!cuts) return;
    this.playing = false;
    soundCut();
    emit({ what: "cut in" });
  }

  private callerStopped(item: string | null, endMs: number): void {
    this.callerSpeaks = false;
    this.callerWaits = true;
    const caller = item === null ? undefined : this.callers.get(item);
    const toMs = Math.max(caller?.fromMs ?? 0, endMs - this.silenceMs);
    if (caller !== undefined) {
      caller.toMs = toMs;
      caller.stopped = true;
    }
    this.parts.emit({ what: "caller speech", on: false, atMs: toMs, utterance: item });
  }

  private caller(item: string): CallerTurn {
    const known = this.callers.get(item);
    if (known !== undefined) return known;
    const last = this.lastCaller === null ? undefined : this.callers.get(this.lastCaller);
    const made = { fromMs: last?.fromMs ?? 0, toMs: last?.toMs ?? 0, text: "", stopped: true, final: false };
    keep(this.callers, item, made);
    return made;
  }

  private tellCaller(utterance: string, caller: CallerTurn, final: boolean): void {
    const { fromMs, toMs, text } = caller;
    caller.final ||= final;
    this.wordsCome ||= final && text !== NO_WORDS;
    this.parts.emit({ what: "caller text", utterance, text, final, fromMs, toMs, language: null });
  }

  /** The caller spoke, and what they said will not be written down. */
  private withoutWords(item: string): void {
    const caller = this.callers.get(item);
    if (caller === undefined || caller.final || !caller.stopped) return;
    if (caller.text === "") caller.text = NO_WORDS;
    this.tellCaller(item, caller, true);
  }

  // ------------------------------------------------------------------------------------------------------------ the agent

  /** Without a cut-in, of which most calls have none, there is nothing to look up. */
  private isDiscarded(response: string | null): boolean {
    return this.discarded.size > 0 && response !== null && this.discarded.has(response);
  }

  private spokenItem(item: string, response: string | null): Spoken {
    const known = this.spoken.get(item);
    if (known !== undefined) return known;
    const made: Spoken = { response, receivedMs: 0, text: "", told: "", settled: false };
    keep(this.spoken, item, made);
    return made;
  }

  /** A word more: by far the most frequent text, so that what ends in a letter is not looked at any further. */
  private agentWord(item: string, response: string | null, word: string): void {
    const spoken = this.spokenItem(item, response);
    if (mayEndSentence(word)) this.agentText(item, response, spoken.text + word, false);
    else if (!this.isDiscarded(response)) spoken.text += word;
  }

  /** Whole text so far. Between, it is told when a sentence is complete. */
  private agentText(item: string, response: string | null, text: string, final: boolean): void {
    if (item === "" || this.isDiscarded(response)) return;
    const spoken = this.spokenItem(item, response);
    spoken.text = text === "" ? spoken.text : text;
    if (spoken.settled || spoken.text === "" || spoken.told === spoken.text) return;
    if (!final && !endsSentence(spoken.text)) return;
    spoken.told = spoken.text;
    this.parts.emit({ what: "agent text", utterance: item, text: spoken.text, final, language: null });
  }

  private discard(response: string): void {
    this.discarded.add(response);
    for (const [item, spoken] of this.spoken) {
      if (spoken.response !== response || spoken.text === "" || spoken.told === spoken.text) continue;
      spoken.told = spoken.text;
      this.parts.emit({ what: "agent text", utterance: item, text: spoken.text, final: true, language: null });
    }
  }

  private noteCall(response: string, call: WireCall): void {
    if (call.call_id == null) return;
    const calls = this.calls.get(response) ?? new Map<string, Call>();
    keep(this.calls, response, calls);
    const known = calls.get(call.call_id) ?? { id: call.call_id, name: "", args: "" };
    known.name = call.name || known.name;
    known.args = call.arguments || known.args;
    calls.set(call.call_id, known);
  }

  private responseDone(response: Extract<RealtimeSaying, { type: "response.done" }>["response"]): void {
    const { emit, soundOver, end } = this.parts;
    for (const item of response.output ?? []) {
      if (item.type === "function_call") this.noteCall(response.id, item);
      else if (item.id != null) this.agentText(item.id, response.id, textOf(item), true);
    }
    const calls = [...(this.calls.get(response.id)?.values() ?? [])];
    this.calls.delete(response.id);
    const discarded = this.discarded.has(response.id);
    if (discarded) this.forgetUnheard(response.id, response.output ?? []);
    if (this.active === response.id) this.active = null;
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
        this.callerWaits = false;
        emit({ what: "agent done", how: "limit" });
        this.trouble("incomplete", `An answer was broken off by the engine: ${details?.reason ?? "no reason given"}.`);
        break;
      default: {
        soundOver();
        this.failures = 0;
        this.callerWaits = false;
        emit({ what: "agent done", how: "complete" });
        // What a cancelled answer wanted to call is not called: its arguments may be partial.
        const wanted = calls.filter(({ name }) => name !== "");
        if (wanted.some(({ name }) => name === HANG_UP.name) && hangsUpItself(this.parts.session)) {
          end(agentHungUp);
          return;
        }
        for (const { id } of wanted) this.toolsOut.add(id);
        for (const { id, name, args } of wanted) emit({ what: "tool", id, name, args: args === "" ? "{}" : args });
      }
    }
    this.next();
  }

  /** Answers of a discarded response of which not a sound had come were not heard at all. Those with sound the bridge tells of (`played`). */
  private forgetUnheard(response: string, output: readonly { id?: string | null | undefined; type?: string | null | undefined }[]): void {
    for (const { id, type } of output) {
      if (id == null || type !== "message") continue;
      const spoken = this.spokenItem(id, response);
      if (spoken.settled || spoken.receivedMs > 0) continue;
      spoken.settled = true;
      this.tellAs("cut", { type: "conversation.item.delete", item_id: id });
    }
  }

  /** Once more at once; then it is the engine that failed, and not this answer. */
  private responseFailed(error: RealtimeError): void {
    this.trouble(error.code ?? "response_failed", error.text);
    if (isHopeless(error.code) || ++this.failures > 1) this.parts.end(keepsFailing(error));
    else this.respond({ instructions: null });
  }

  private failed(error: Extract<RealtimeSaying, { type: "error" }>["error"]): void {
    const said: RealtimeError = { code: error.code ?? null, text: error.message ?? "The engine reported an error." };
    const event = error.event_id ?? "";
    if (event.startsWith("settings") || (!this.ready && event === "" && !isHopeless(said.code) && this.id !== "?")) {
      this.parts.end(settingsRefused(said));
      return;
    }
    if (event.startsWith("cut")) {
      // Harmless: counted, and the call goes on (openai-realtime §7).
      this.strangeMessage(`refused ${said.code ?? "truncation"}`, false);
      return;
    }
    if (this.asked !== null && (event === this.asked.event || said.code === "conversation_already_has_active_response")) {
      const { wish } = this.asked;
      this.asked = null;
      // A turn of the caller's was quicker than we: it is said after that answer.
      if (said.code === "conversation_already_has_active_response") this.wishes.unshift(wish);
      else this.trouble(said.code ?? "error", said.text);
      return;
    }
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
    } else this.respond({ instructions: how === "exact" ? exactly(text) : text });
  }

  context(text: string, answer: boolean): void {
    this.beside.push(text);
    if (this.beside.length > MOST_BESIDE) this.beside.shift();
    this.note(text);
    if (answer) this.respond({ instructions: null });
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
    this.toolsOut.delete(id);
    // Several calls in one answer: one answer to all their results.
    if (this.toolsOut.size === 0) this.respond({ instructions: null });
  }

  /**
   * What the caller heard of an item: the server cannot know it. Counted by what was really played, never by the clock, and never more than
   * was received; what was not heard at all is deleted, since a truncation at 0 is refused (openai-realtime §7).
   */
  played(item: string, ms: number, end: "complete" | "cut"): void {
    const spoken = this.spoken.get(item);
    if (end === "complete" || spoken === undefined || spoken.settled) return;
    spoken.settled = true;
    const heardMs = Math.min(Math.floor(ms), Math.floor(spoken.receivedMs));
    if (heardMs < 1) this.tellAs("cut", { type: "conversation.item.delete", item_id: item });
    else if (this.parts.dialect.heardPart === "truncate")
      this.tellAs("cut", { type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: heardMs });
    else this.note(`The caller interrupted: of your last answer only the first ${(heardMs / 1000).toFixed(1)} seconds were heard.`);
  }

  private respond(wish: Wish): void {
    this.wishes.push(wish);
    this.next();
  }

  private next(): void {
    if (this.active !== null || this.asked !== null || !this.ready) return;
    const wish = this.wishes.shift();
    if (wish === undefined) return;
    const response = wish.instructions === null ? {} : { response: { instructions: wish.instructions } };
    this.asked = { event: this.tellAs("answer", { type: "response.create", ...response }), wish };
  }

  /** Sends with an id by which a refusal can be told apart. */
  private tellAs(kind: string, message: Record<string, unknown>): string {
    const event = `${kind}-${++this.commands}`;
    this.parts.tell({ event_id: event, ...message });
    return event;
  }
}

/** Is the last character none of a word's? Then a sentence may be over. */
const mayEndSentence = (word: string): boolean => {
  const last = word.charCodeAt(word.length - 1);
  const isLetter = (last >= 97 && last <= 122) || (last >= 65 && last <= 90);
  return !isLetter;
};

/** Does the text end in a whole sentence, perhaps with a quotation mark or bracket behind it? Looks at its end alone: a pattern would search all of it. */
const endsSentence = (text: string): boolean => {
  const said = text.trimEnd();
  const closed = ['"', "”", ")"].includes(said.at(-1) ?? "");
  return [".", "?", "!", "…"].includes(said.at(closed ? -2 : -1) ?? "");
};

type Maybe = string | null | undefined;
type WireCall = { readonly call_id?: Maybe; readonly name?: Maybe; readonly arguments?: Maybe };
type Content = readonly { transcript?: string | null | undefined; text?: string | null | undefined }[] | null | undefined;
const textOf = ({ content }: { content?: Content }): string => content?.map((part) => part.transcript ?? "").join("") ?? "";

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size > MOST_ITEMS) map.delete(map.keys().next().value as string);
}
