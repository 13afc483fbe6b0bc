import type { Clock } from "../clock.ts";
import type { Utterance } from "../conversation/utterance.ts";
import type { EngineEvent, EngineSession } from "../engine/port.ts";
import type { CallId } from "../ids.ts";
import type { Journal } from "../journal/file.ts";
import { Ledger } from "./ledger.ts";
import type { PlayerEvent } from "./player.ts";

type Words = Extract<EngineEvent, { what: "caller text" | "agent text" | "emotion" }>;

/** Utterances an engine is told again when its session is lost and it cannot resume. */
const MOST_REMEMBERED = 100;

/**
 * What was said in one call, told as it happens. The ledger's times are monotonic; here they become ms from the answer. Until the answer's
 * time is known what was said waits, since a row once counted from elsewhere would be wrong. The journal has everything at once.
 */
export class Transcript {
  private readonly ledger: Ledger;
  private readonly clock: Clock;
  private readonly journal: Journal;
  private readonly said: (utterance: Utterance) => void;
  private zero: number | null = null;
  private untimed: Utterance[] = [];
  private readonly latest = new Map<string, Utterance>();

  constructor(parts: { call: CallId; clock: Clock; journal: Journal; said: (utterance: Utterance) => void }) {
    this.ledger = new Ledger(parts.call);
    this.clock = parts.clock;
    this.journal = parts.journal;
    this.said = parts.said;
  }

  /** Fixes zero, once: the monotonic time of the answer. */
  startsAt(zero: number): void {
    if (this.zero !== null) return;
    this.zero = zero;
    const waiting = this.untimed;
    this.untimed = [];
    for (const utterance of waiting) this.said(fromZero(utterance, zero));
  }

  /** What was said so far, oldest first; of the agent only what was heard, at least in part. */
  soFar(): EngineSession["history"] {
    return [...this.latest.values()]
      .filter(({ speaker, text, heardMs }) => text !== "" && (speaker === "caller" || heardMs !== 0))
      .sort((a, b) => a.startedMs - b.startedMs)
      .map(({ speaker, text }) => ({ speaker, text }));
  }

  /** Words and feelings, as the engine tells them; `when` gives the monotonic time of a moment on its clock. */
  told(words: Words, when: (engineMs: number) => number): void {
    switch (words.what) {
      case "agent text":
        this.tell(this.ledger.agentSaid(words.utterance, words.text, words.language));
        return;
      case "caller text":
        if (!words.final) return;
        {
          this.tell(this.ledger.callerSaid(words.utterance, words.text, when(words.fromMs), when(words.toMs), words.language));
          return;
        }
      case "emotion": {
        if (words.utterance === null) return;
        const emotions = { set: words.set, scores: words.scores };
        if (words.speaker === "agent") this.tell(this.ledger.agentFelt(words.utterance, emotions));
        else this.tell(this.ledger.callerFelt(words.utterance, emotions));
      }
    }
  }

  /** What became of the agent's speech on its way to the caller. */
  played(event: PlayerEvent): void {
    if (event.what === "started") this.tell(this.ledger.agentStarted(event.utterance, event.at, event.knownMs));
    if (event.what === "ended") this.tell(this.ledger.agentEnded(event.utterance, event.at, event.heardMs, event.cut));
  }

  /** Sentences of which no sound has come will not be heard any more. */
  cut(now: number): void {
    for (const utterance of this.ledger.unspoken(now)) this.tell(utterance);
  }

  /** What the agent was about to say and nobody heard any of is said anew by another session: nothing is told of it. */
  forgetUnheard(): void {
    this.ledger.forgetUnheard();
  }

  /** The call is over. Without an answer's time, what was said is counted from `fallbackZero`. */
  over(now: number, fallbackZero: number | null): void {
    this.cut(now);
    for (const utterance of this.ledger.wordless()) this.tell(utterance);
    if (fallbackZero !== null) this.startsAt(fallbackZero);
  }

  private tell(utterance: Utterance | null): void {
    if (utterance === null) return;
    this.latest.set(utterance.ref, utterance);
    if (this.latest.size > MOST_REMEMBERED) this.latest.delete(this.latest.keys().next().value as string);
    const { startedMs, endedMs, ...rest } = utterance;
    const now = this.clock.monotonicMs();
    const wallNow = this.clock.now().getTime();
    this.journal.put(
      "utterance",
      now,
      JSON.stringify({ ...rest, startedAtMs: wallNow - now + startedMs, endedAtMs: wallNow - now + endedMs, toldAtMs: wallNow }),
    );
    if (this.zero === null) this.untimed.push(utterance);
    else this.said(fromZero(utterance, this.zero));
  }
}

const fromZero = (utterance: Utterance, zero: number): Utterance => ({
  ...utterance,
  startedMs: utterance.startedMs - zero,
  endedMs: utterance.endedMs - zero,
});
