import type { EngineEvent } from "../port.ts";
import { keepLatest } from "./keep-latest.ts";

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

/** What the agent says, item by item: its words as events, and how much of its sound came. A discarded response is not heard of again. */
export class AgentSpeech {
  private readonly emit: (event: EngineEvent) => void;
  private readonly spoken = new Map<string, Spoken>();
  private readonly discarded = new Set<string>();

  constructor(emit: (event: EngineEvent) => void) {
    this.emit = emit;
  }

  /** Without a cut-in, of which most calls have none, there is nothing to look up. */
  isDiscarded(response: string | null): boolean {
    return this.discarded.size > 0 && response !== null && this.discarded.has(response);
  }

  /** Sound came. False when it is not to be heard any more. */
  sound(item: string, response: string | null, ms: number): boolean {
    if (this.isDiscarded(response)) return false;
    const spoken = this.item(item, response);
    if (spoken.settled) return false;
    spoken.receivedMs += ms;
    return true;
  }

  /** A word more: by far the most frequent text, so that what ends in a letter is not looked at any further. */
  word(item: string, response: string | null, word: string): void {
    const spoken = this.item(item, response);
    if (mayEndSentence(word)) this.text(item, response, spoken.text + word, false);
    else if (!this.isDiscarded(response)) spoken.text += word;
  }

  /** Whole text so far. Between, it is told when a sentence is complete. */
  text(item: string, response: string | null, text: string, final: boolean): void {
    if (item === "" || this.isDiscarded(response)) return;
    const spoken = this.item(item, response);
    spoken.text = text === "" ? spoken.text : text;
    if (spoken.settled || spoken.text === "" || spoken.told === spoken.text) return;
    if (!final && !endsSentence(spoken.text)) return;
    spoken.told = spoken.text;
    this.emit({ what: "agent text", utterance: item, text: spoken.text, final, language: null });
  }

  /** The response is broken off: what is known of its words is told, and what still comes of it is ignored. */
  discard(response: string): void {
    this.discarded.add(response);
    for (const [item, spoken] of this.spoken) {
      if (spoken.response !== response || spoken.text === "" || spoken.told === spoken.text) continue;
      spoken.told = spoken.text;
      this.emit({ what: "agent text", utterance: item, text: spoken.text, final: true, language: null });
    }
  }

  /** Settles an item of a response of which not a sound had come: it was not heard at all. False when the bridge tells how much was. */
  settleUnheard(item: string, response: string): boolean {
    const spoken = this.item(item, response);
    if (spoken.settled || spoken.receivedMs > 0) return false;
    spoken.settled = true;
    return true;
  }

  /** Settles an item of which the caller heard `ms`. Gives whole milliseconds, never more than came; null when nothing is to be said of it. */
  settleCut(item: string, ms: number): number | null {
    const spoken = this.spoken.get(item);
    if (spoken === undefined || spoken.settled) return null;
    spoken.settled = true;
    return Math.min(Math.floor(ms), Math.floor(spoken.receivedMs));
  }

  private item(item: string, response: string | null): Spoken {
    const known = this.spoken.get(item);
    if (known !== undefined) return known;
    const made: Spoken = { response, receivedMs: 0, text: "", told: "", settled: false };
    keepLatest(this.spoken, item, made);
    return made;
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
