import type { EngineSession } from "../port.ts";

/** What is told beside the conversation and has not been read yet: more than anybody types or presses in one pause. */
const MOST_PENDING = 100;

type Settings = Readonly<Record<string, unknown>>;

/**
 * EVI has one place for what it is told beside the conversation (`session_settings.context`, hume-evi §2.2): what is put there replaces what was
 * there, and is read with the next message of the caller's. So all of it is put there together: what holds for the whole chat, and each key and whisper
 * since the caller last spoke.
 */
export class ChatContext {
  private lasting: readonly string[];
  private pending: string[];

  /**
   * @param lasting said to EVI with every message of the caller's
   * @param pending what an earlier chat of the call was told and did not read
   */
  constructor(lasting: readonly string[], pending: readonly string[] = []) {
    this.lasting = lasting;
    this.pending = [...pending];
  }

  /** What was told and not read yet. */
  get unread(): readonly string[] {
    return this.pending;
  }

  /** All of it, as a field of settings; nothing where there is nothing to tell. A temporary one goes by itself once it is read. */
  get settings(): Settings {
    const all = [...this.lasting, ...this.pending];
    if (all.length === 0) return {};
    return { context: { type: this.lasting.length === 0 ? "temporary" : "persistent", text: all.join("\n\n") } };
  }

  /** Something to be read with the caller's next words. */
  add(text: string): void {
    this.pending.push(text);
    if (this.pending.length > MOST_PENDING) this.pending.shift();
  }

  /** Something to be read with all their words. */
  keep(text: string): void {
    this.lasting = [...this.lasting, text];
  }

  /** Words of the caller's were taken, and all this with them. True where what only lasts is to be told again, because more than that is there. */
  read(): boolean {
    const more = this.pending.length > 0;
    this.pending = [];
    return more && this.lasting.length > 0;
  }
}

/** Words of before, for a chat that does not remember them. */
export function toldAgain(history: EngineSession["history"]): string[] {
  if (history.length === 0) return [];
  const lines = history.map(({ speaker, text }) => `${speaker === "agent" ? "You" : "Caller"}: ${text}`);
  return [`This call was interrupted for a moment. It went so far:\n${lines.join("\n")}\nGo on from there; do not greet again.`];
}
