import type { EngineEvent } from "../port.ts";
import { keepLatest } from "./keep-latest.ts";

/** Stands for words that were spoken and that nobody wrote down: the sound is in the recording. */
export const NO_WORDS = "(speech without words)";

interface CallerTurn {
  fromMs: number;
  toMs: number;
  text: string;
  stopped: boolean;
  /** Its words were told for good. */
  final: boolean;
}

/** When the caller spoke in this session, and what was written down of it: told as events. Words come during the turn, long after it, or never. */
export class CallerTurns {
  /** Is the caller speaking now? */
  speaking = false;
  /** Their turn is not answered yet. */
  waits = false;
  /** The server begins a turn so much before the voice, and ends it so much after, ms: as it says itself. */
  margins = { beforeMs: 0, afterMs: 0 };
  private readonly emit: (event: EngineEvent) => void;
  private readonly turns = new Map<string, CallerTurn>();
  private last: string | null = null;
  /** Words of the caller have come in this session: then those that are missing will come too. */
  private wordsCome = false;

  constructor(emit: (event: EngineEvent) => void) {
    this.emit = emit;
  }

  get count(): number {
    return this.turns.size;
  }

  /** Are the words of the latest turn still to come? */
  get wordsMissing(): boolean {
    const last = this.last === null ? undefined : this.turns.get(this.last);
    return this.wordsCome && last?.final === false;
  }

  /** A voice, from `startMs` of the session's sound. */
  began(item: string, startMs: number): void {
    this.speaking = true;
    this.last = item;
    const fromMs = startMs + (startMs > 0 ? this.margins.beforeMs : 0);
    keepLatest(this.turns, item, { fromMs, toMs: fromMs, text: "", stopped: false, final: false });
    this.emit({ what: "caller speech", on: true, atMs: fromMs, utterance: item });
  }

  /** Silence since before `endMs`. Without an item: of the latest turn. */
  stopped(item: string | null, endMs: number): void {
    this.speaking = false;
    this.waits = true;
    const utterance = item ?? this.last;
    const turn = utterance === null ? undefined : this.turns.get(utterance);
    const toMs = Math.max(turn?.fromMs ?? 0, endMs - this.margins.afterMs);
    if (turn !== undefined) {
      turn.toMs = toMs;
      turn.stopped = true;
    }
    this.emit({ what: "caller speech", on: false, atMs: toMs, utterance });
  }

  /** Some words more. */
  more(item: string, words: string): void {
    const turn = this.turn(item);
    turn.text += words;
    this.tell(item, turn, false);
  }

  /** All words so far, or for good. */
  whole(item: string, text: string, final: boolean): void {
    const turn = this.turn(item);
    turn.text = text;
    this.tell(item, turn, final);
  }

  /** The caller spoke, and what they said will not be written down. */
  withoutWords(item: string): void {
    const turn = this.turns.get(item);
    if (turn === undefined || turn.final || !turn.stopped) return;
    if (turn.text === "") turn.text = NO_WORDS;
    this.tell(item, turn, true);
  }

  /** The session is over: no more words will come. */
  over(): void {
    for (const item of this.turns.keys()) this.withoutWords(item);
  }

  private turn(item: string): CallerTurn {
    const known = this.turns.get(item);
    if (known !== undefined) return known;
    const last = this.last === null ? undefined : this.turns.get(this.last);
    const made = { fromMs: last?.fromMs ?? 0, toMs: last?.toMs ?? 0, text: "", stopped: true, final: false };
    keepLatest(this.turns, item, made);
    return made;
  }

  private tell(utterance: string, turn: CallerTurn, final: boolean): void {
    const { fromMs, toMs, text } = turn;
    turn.final ||= final;
    this.wordsCome ||= final && text !== NO_WORDS;
    this.emit({ what: "caller text", utterance, text, final, fromMs, toMs, language: null });
  }
}
