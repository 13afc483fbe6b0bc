import type { EngineSession } from "../port.ts";

/** What is told beside the conversation and has not been read yet: more than anybody types or presses in one pause. */
const MOST_PENDING = 100;

type Settings = Readonly<Record<string, unknown>>;

/**
 * EVI has one place for what it is told beside the conversation (`session_settings.context`, hume-evi §2.2): what is put there replaces what was
 * there, and is read with the next message of the caller's. So all of it is put there together: what holds for the whole chat, and each key and whisper
 * since the caller last spoke.
 *
 * A message of the caller's may cross with what we tell on its way here, and was then made without it. EVI acknowledges nothing, but the order on the wire
 * tells: a ping follows what is told, and its answer comes before every message that was made with it.
 */
export class ChatContext {
  private lasting: readonly string[];
  private pending: readonly { readonly text: string; readonly nth: number }[] = [];
  /** How many were told of; the number of the latest. */
  private told = 0;
  /** The latest that is known to have arrived; null: no ping was ever answered, and all is taken for arrived at once. */
  private arrivedTo: number | null = null;
  /** The latest that was told before the caller's words before: it has had a whole turn to arrive, whatever pings say. */
  private oldTo = 0;

  /**
   * @param lasting said to EVI with every message of the caller's
   * @param pending what an earlier chat of the call was told and did not read
   */
  constructor(lasting: readonly string[], pending: readonly string[] = []) {
    this.lasting = lasting;
    for (const text of pending) this.add(text);
  }

  /** What was told and not read yet. */
  get unread(): readonly string[] {
    return this.pending.map(({ text }) => text);
  }

  /** All of it, as a field of settings; nothing where there is nothing to tell. A temporary one goes by itself once it is read. */
  get settings(): Settings {
    const all = [...this.lasting, ...this.unread];
    if (all.length === 0) return {};
    return { context: { type: this.lasting.length === 0 ? "temporary" : "persistent", text: all.join("\n\n") } };
  }

  /** What a ping says that follows the settings. */
  get ping(): string {
    return String(this.told);
  }

  /** A ping was answered; with what it said. Those of others say nothing, which is as good as none told. */
  pong(said: string): void {
    this.arrivedTo = Math.max(this.arrivedTo ?? 0, Number(said) || 0);
  }

  /** Something to be read with the caller's next words. */
  add(text: string): void {
    this.pending = [...this.pending, { text, nth: ++this.told }].slice(-MOST_PENDING);
  }

  /** Something to be read with all their words. */
  keep(text: string): void {
    this.lasting = [...this.lasting, text];
  }

  /** Words of the caller's were taken, and with them what had arrived. True where something else than what is there now is to be told. */
  read(): boolean {
    const before = this.pending.length;
    const readTo = this.arrivedTo === null ? this.told : Math.max(this.arrivedTo, this.oldTo);
    this.pending = this.pending.filter(({ nth }) => nth > readTo);
    this.oldTo = this.told;
    return this.pending.length > 0 || (before > 0 && this.lasting.length > 0);
  }
}

/** Words of before, for a chat that does not remember them. */
export function toldAgain(history: EngineSession["history"]): string[] {
  if (history.length === 0) return [];
  const lines = history.map(({ speaker, text }) => `${speaker === "agent" ? "You" : "Caller"}: ${text}`);
  return [`This call was interrupted for a moment. It went so far:\n${lines.join("\n")}\nGo on from there; do not greet again.`];
}
