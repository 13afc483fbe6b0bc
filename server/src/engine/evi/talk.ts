import type { EngineEvent } from "../port.ts";
import { type EviError, endsTheChat } from "./endings.ts";
import { type EviSaying, scoresOf } from "./wire.ts";

/** Hume's vocabulary for prosody; its names are those on the wire (hume-evi §2.4). */
export const EMOTION_SET = "evi-prosody-48";
/** A chat ends after 30 minutes whatever is configured (hume-evi §4.2). */
export const CHAT_MS = 30 * 60_000;
/** Out-of-order chunks of one sentence kept while an earlier one is missing: about 45 s of sound. */
const MOST_WAITING = 32;
/** Kinds of trouble told of in one chat; with the strange messages, fewer than twenty lines of the log. */
const MOST_TROUBLES = 9;

/**
 * What EVI's messages mean: EngineEvents, without a socket and without a clock. One per chat.
 *
 * A sentence's sound is `coming` from its first chunk until the next sentence or the end of the turn; chunks leave in the order of their
 * index. At a cut-in every sentence known so far is dead: what still arrives of it is ignored.
 */
export class EviTalk {
  /** Fatal error, or the last thing EVI said if that was an error: why the chat ends, if it ends now. */
  error: EviError | null = null;
  /** Messages of a type we do not know, or not as documented, by type. */
  readonly strange = new Map<string, number>();
  private readonly troubles = new Set<string>();
  private chat = "?";
  private callerCount = 0;
  private agentCount = 0;
  private callerUtterance: string | null = null;
  /** Where the caller's utterance that is under way began, ms; interim messages may each tell of their own piece of it. */
  private callerFromMs = Number.POSITIVE_INFINITY;
  /** The last final words: said again in the same breath, they are the same message twice. */
  private lastWords = "";
  private playing = false;
  /** Has the caller been heard speaking without their final words having come? */
  private callerSpeaks = false;
  /** Is EVI asked for something it has not finished saying? `sounding`: sound of it came. */
  private owes: "nothing" | "an answer" | "sounding" = "nothing";
  private readonly toolsOut = new Set<string>();
  /** Whose words came last, and has EVI's own tool to hang up been called? */
  private lastWord: "caller" | "agent" | null = null;
  private hangUpCalled = false;
  private readonly living = new Set<string>();
  private readonly dead = new Set<string>();
  private coming: { id: string; next: number; waiting: Map<number, Int16Array> } | null = null;
  private readonly now: () => Date;
  /** How long the chat lasts, ms. */
  readonly lastsMs: number;
  private readonly mayHangUp: boolean;
  private readonly cutInMs: number;

  /**
   * @param mayHangUp has the agent EVI's own tool to end the chat?
   * @param cutInMs so much speech of the caller's while they still hear the agent is a cut-in (config-body.ts)
   */
  constructor(now: () => Date, lastsMs: number = CHAT_MS, mayHangUp = false, cutInMs = 0) {
    this.now = now;
    this.lastsMs = lastsMs;
    this.mayHangUp = mayHangUp;
    this.cutInMs = cutInMs;
  }

  /**
   * If the chat closes now without an error: is that the agent hanging up? When its tool was called, or, since that it is always told of is not documented
   * (hume-evi §2.3), when it may be called and the agent had the last word. With the caller's words unanswered it is none.
   */
  get hungUp(): boolean {
    return this.hangUpCalled || (this.mayHangUp && this.lastWord === "agent" && !this.callerSpeaks && this.toolsOut.size === 0);
  }

  /** Nothing is said, asked or waited for: the moment to renew a chat. */
  get atRest(): boolean {
    return this.chat !== "?" && !this.playing && !this.callerSpeaks && this.owes === "nothing" && this.toolsOut.size === 0;
  }

  /** EVI was asked to speak. */
  asked(): void {
    this.owes = "an answer";
  }

  /** A tool's result was sent: EVI speaks on. */
  toolAnswered(id: string): void {
    if (this.toolsOut.delete(id)) this.owes = "an answer";
  }

  /** The bridge says whether the caller still has agent audio to hear. */
  tellPlaying(on: boolean): void {
    this.playing = on;
    // Not every answer is followed by assistant_end: what was heard to its end is over.
    if (!on && this.owes === "sounding") this.owes = "nothing";
  }

  /** Counts a strange message; an event for the first of each type, up to ten types, so that a flood of them is quiet. */
  strangeMessage(type: string, malformed: boolean): EngineEvent[] {
    const count = (this.strange.get(type) ?? 0) + 1;
    if (count === 1 && this.strange.size >= 10) return [];
    this.strange.set(type, count);
    if (count > 1) return [];
    return [{ what: "trouble", code: malformed ? "malformed_message" : "unknown_message", text: `EVI sent ${type}; it was left out.` }];
  }

  /** What one message (other than sound) means. */
  hear(saying: EviSaying): EngineEvent[] {
    if (saying.type !== "error" && !endsTheChat(this.error?.code)) this.error = null;
    switch (saying.type) {
      case "chat_metadata":
        this.chat = saying.chat_id;
        return [
          {
            what: "ready",
            session: saying.chat_id,
            resume: saying.chat_group_id ?? null,
            expiresAt: new Date(this.now().getTime() + this.lastsMs),
          },
        ];
      case "user_message":
        return this.callerSaid(saying);
      case "assistant_message": {
        const utterance = saying.id ?? `${this.chat}:a${++this.agentCount}`;
        if (this.dead.has(utterance)) return [];
        this.living.add(utterance);
        this.lastWord = "agent";
        const scores = scoresOf(saying);
        return [
          { what: "agent text", utterance, text: saying.message.content ?? "", final: true, language: saying.language ?? null },
          ...(scores === null ? [] : [this.emotion("agent", utterance, null, null, scores)]),
        ];
      }
      case "assistant_prosody": {
        const scores = scoresOf(saying);
        return scores === null || saying.id == null ? [] : [this.emotion("agent", saying.id, null, null, scores)];
      }
      case "assistant_end":
        this.owes = "nothing";
        return [{ what: "agent done", how: "complete" }];
      case "user_interruption":
        this.callerSpeaks = true;
        this.owes = "nothing";
        return [...this.cutIn(), { what: "agent done", how: "cut" }];
      case "tool_call":
        if (saying.tool_type === "builtin") {
          this.hangUpCalled ||= saying.name === "hang_up";
          return [];
        }
        this.toolsOut.add(saying.tool_call_id);
        return [{ what: "tool", id: saying.tool_call_id, name: saying.name, args: saying.parameters }];
      case "tool_error":
        this.hangUpCalled = false;
        return this.trouble("tool_error", saying.error ?? "A tool of EVI's own failed.");
      case "tool_response":
      case "session_settings":
        return [];
      case "error": {
        const text = [saying.message ?? saying.slug ?? "EVI reported an error.", saying.request_id ? `(request ${saying.request_id})` : ""];
        if (!endsTheChat(this.error?.code)) this.error = { code: saying.code ?? null, text: text.join(" ").trim() };
        return this.trouble(saying.code ?? "error", text.join(" ").trim());
      }
    }
  }

  /**
   * Takes one chunk of sound of a sentence and gives those whose turn it is, in order. `fresh` says that a new sentence begins with
   * them: the one before has ended, and what waited of it for a chunk that never came is in `rest`.
   */
  hearSound(id: string, index: number, pcm: Int16Array): { fresh: boolean; rest: Int16Array[]; chunks: Int16Array[] } {
    this.error = endsTheChat(this.error?.code) ? this.error : null;
    if (this.dead.has(id)) return { fresh: false, rest: [], chunks: [] };
    this.living.add(id);
    this.lastWord = "agent";
    if (this.owes === "an answer") this.owes = "sounding";
    const fresh = this.coming?.id !== id;
    const rest = fresh ? this.restOfSound() : [];
    if (this.coming === null || fresh) this.coming = { id, next: 0, waiting: new Map() };
    const coming = this.coming;
    if (index < coming.next) return { fresh, rest, chunks: [] };
    if (index > coming.next) {
      coming.waiting.set(index, pcm.slice());
      if (coming.waiting.size <= MOST_WAITING) return { fresh, rest, chunks: [] };
      const chunks = inOrder(coming.waiting);
      coming.next = index + 1;
      return { fresh, rest, chunks };
    }
    const chunks = [pcm];
    coming.next++;
    for (let more = coming.waiting.get(coming.next); more !== undefined; more = coming.waiting.get(coming.next)) {
      chunks.push(more);
      coming.waiting.delete(coming.next++);
    }
    return { fresh, rest, chunks };
  }

  /** What still waited of the sentence that was coming, in order; for its end. */
  restOfSound(): Int16Array[] {
    return this.coming === null ? [] : inOrder(this.coming.waiting);
  }

  private callerSaid(saying: Extract<EviSaying, { type: "user_message" }>): EngineEvent[] {
    const words = `${saying.time?.begin} ${saying.time?.end} ${saying.message.content}`;
    if (!saying.interim && words === this.lastWords) return [];
    if (!saying.interim) {
      this.lastWords = words;
      this.lastWord = "caller";
    }
    this.callerSpeaks = saying.interim;
    if (!saying.interim) this.owes = "an answer";
    const events: EngineEvent[] = [];
    // Typed words are not the caller's voice. A voice while our queue still plays is a cut-in, interim or not (hume-evi §3.3).
    if (this.playing && !saying.from_text && this.isEnough(saying.time)) events.push(...this.cutIn());
    this.callerUtterance ??= `${this.chat}:c${++this.callerCount}`;
    const utterance = this.callerUtterance;
    const [fromMs, toMs] = [saying.time?.begin ?? 0, saying.time?.end ?? 0];
    const final = !saying.interim;
    events.push({
      what: "caller text",
      utterance,
      text: saying.message.content ?? "",
      final,
      fromMs,
      toMs,
      language: saying.language ?? null,
    });
    if (!final) return events;
    this.callerUtterance = null;
    this.callerFromMs = Number.POSITIVE_INFINITY;
    const scores = scoresOf(saying);
    if (scores !== null) events.push(this.emotion("caller", utterance, fromMs, toMs, scores));
    return events;
  }

  /** Has the caller spoken long enough to break in? A message that does not say how long is one of whoever did. */
  private isEnough(time: { readonly begin: number; readonly end: number } | null): boolean {
    if (time === null || time.end <= time.begin) return true;
    this.callerFromMs = Math.min(this.callerFromMs, time.begin);
    return time.end - this.callerFromMs >= this.cutInMs;
  }

  /** One of a kind is told: a flood of the same is quiet. */
  private trouble(code: string, text: string): EngineEvent[] {
    if (this.troubles.has(code) || this.troubles.size >= MOST_TROUBLES) return [];
    this.troubles.add(code);
    return [{ what: "trouble", code, text }];
  }

  private cutIn(): EngineEvent[] {
    for (const id of this.living) this.dead.add(id);
    this.living.clear();
    this.coming = null;
    this.playing = false;
    return [{ what: "cut in" }];
  }

  private emotion(
    speaker: "caller" | "agent",
    utterance: string,
    fromMs: number | null,
    toMs: number | null,
    scores: Readonly<Record<string, number>>,
  ): EngineEvent {
    return { what: "emotion", speaker, utterance, fromMs, toMs, set: EMOTION_SET, scores };
  }
}

function inOrder(waiting: Map<number, Int16Array>): Int16Array[] {
  const chunks = [...waiting].sort(([a], [b]) => a - b).map(([, pcm]) => pcm);
  waiting.clear();
  return chunks;
}
