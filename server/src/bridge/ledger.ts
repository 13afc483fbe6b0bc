import type { Utterance } from "../conversation/utterance.ts";
import type { CallId } from "../ids.ts";

type Emotions = Utterance["emotions"];

interface Sentence {
  text: string | null;
  language: string | null;
  emotions: Emotions;
  started: number | null;
  ended: number | null;
  heardMs: number | null;
  cut: boolean;
}

/** Sentences kept after they were told, for emotions that come late. */
const MOST_KEPT = 200;

/**
 * Brings together what is told of an utterance piece by piece: words and feelings by the engine, in any order, times by what was really
 * played. Each method gives the utterance as it is now known, or null while there is nothing to tell yet.
 * An agent's sentence is told when it begins to sound, again when it ends; one that never sounds is told when that is certain.
 */
export class Ledger {
  private readonly call: CallId;
  private readonly callers = new Map<string, Utterance>();
  private readonly early = new Map<string, NonNullable<Emotions>>();
  private readonly agents = new Map<string, Sentence>();

  constructor(call: CallId) {
    this.call = call;
  }

  /** Final words of the caller; told once each. */
  callerSaid(ref: string, text: string, startedMs: number, endedMs: number, language: string | null): Utterance | null {
    if (this.callers.has(ref) || text.trim() === "") return null;
    const utterance: Utterance = {
      call: this.call,
      ref,
      speaker: "caller",
      text,
      startedMs,
      endedMs: Math.max(startedMs, endedMs),
      cut: false,
      heardMs: null,
      language,
      emotions: this.early.get(ref) ?? null,
    };
    this.early.delete(ref);
    keep(this.callers, ref, utterance);
    return utterance;
  }

  callerFelt(ref: string, emotions: NonNullable<Emotions>): Utterance | null {
    const known = this.callers.get(ref);
    if (known === undefined) {
      keep(this.early, ref, emotions);
      return null;
    }
    const utterance = { ...known, emotions };
    this.callers.set(ref, utterance);
    return utterance;
  }

  agentSaid(ref: string, text: string, language: string | null): Utterance | null {
    const sentence = this.sentence(ref);
    sentence.text = text;
    sentence.language = language ?? sentence.language;
    return this.tell(ref, sentence);
  }

  agentFelt(ref: string, emotions: NonNullable<Emotions>): Utterance | null {
    const sentence = this.sentence(ref);
    sentence.emotions = emotions;
    return this.tell(ref, sentence);
  }

  /** The first sample of a sentence reached the caller. */
  agentStarted(ref: string, startedMs: number, knownMs: number): Utterance | null {
    const sentence = this.sentence(ref);
    sentence.started ??= startedMs;
    sentence.ended ??= startedMs + knownMs;
    return this.tell(ref, sentence);
  }

  /** A sentence is over, with `heardMs` of it heard. One that had not begun was not heard at all. */
  agentEnded(ref: string, endedMs: number, heardMs: number, cut: boolean): Utterance | null {
    const sentence = this.sentence(ref);
    sentence.started ??= endedMs;
    sentence.ended = endedMs;
    sentence.heardMs = heardMs;
    sentence.cut = cut;
    return this.tell(ref, sentence);
  }

  /** The caller cut in, or the call is over: sentences of which no sound has come are told as not heard. */
  unspoken(atMs: number): Utterance[] {
    const told: Utterance[] = [];
    for (const [ref, sentence] of this.agents) {
      if (sentence.started !== null || sentence.text === null) continue;
      const utterance = this.agentEnded(ref, atMs, 0, true);
      if (utterance !== null) told.push(utterance);
    }
    return told;
  }

  /** Sentences that have not begun to sound are forgotten, untold. */
  forgetUnheard(): void {
    for (const [ref, sentence] of this.agents) if (sentence.started === null) this.agents.delete(ref);
  }

  /** The call is over: sentences whose words never came are told without, since they were heard. */
  wordless(): Utterance[] {
    const told: Utterance[] = [];
    for (const [ref, sentence] of this.agents) {
      if (sentence.started === null || sentence.text !== null) continue;
      sentence.text = "";
      const utterance = this.tell(ref, sentence);
      if (utterance !== null) told.push(utterance);
    }
    return told;
  }

  private sentence(ref: string): Sentence {
    const known = this.agents.get(ref);
    if (known !== undefined) return known;
    const sentence: Sentence = {
      text: null,
      language: null,
      emotions: null,
      started: null,
      ended: null,
      heardMs: null,
      cut: false,
    };
    keep(this.agents, ref, sentence);
    return sentence;
  }

  private tell(ref: string, sentence: Sentence): Utterance | null {
    if (sentence.text === null || sentence.started === null || sentence.ended === null) return null;
    return {
      call: this.call,
      ref,
      speaker: "agent",
      text: sentence.text,
      startedMs: sentence.started,
      endedMs: Math.max(sentence.started, sentence.ended),
      cut: sentence.cut,
      heardMs: sentence.heardMs,
      language: sentence.language,
      emotions: sentence.emotions,
    };
  }
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size > MOST_KEPT) map.delete(map.keys().next().value as string);
}
