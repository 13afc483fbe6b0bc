import type { EngineConnection } from "../engine/port.ts";
import type { ToolResult } from "../tools/result.ts";
import type { Moment, ToolUse } from "../tools/use.ts";

/** What became of a use, for the timeline. */
export interface Answered {
  readonly use: ToolUse;
  readonly result: ToolResult;
  readonly tookMs: number;
}

/** A use that another process has carried, as the timeline knows it. */
export interface UsedBefore {
  readonly use: ToolUse;
  readonly result: ToolResult;
}

export interface ToolDeskParts {
  /** What was used before this process carried the call, oldest first. */
  readonly before?: readonly UsedBefore[];
  /** tools/use.ts, for this call; null: the agent has no tools here. */
  readonly use: ((asked: ToolUse, moment: Moment) => Promise<ToolResult>) | null;
  readonly monotonicMs: () => number;
  /** Has the caller anything left to hear? */
  readonly sounding: () => boolean;
  /** The engine session that is there now. */
  readonly engine: () => EngineConnection | null;
  readonly answered: (answered: Answered) => void;
  /** A result was told to the engine, whose turn it is then. */
  readonly told: () => void;
}

/** What is waited for of a tool that the end of its call has broken off: a transfer looks what became of it. */
const LAST_WORD_MS = 2_000;
/** So many of the last uses are told to a session that follows another, and so much of each. */
const MOST_TOLD = 20;
const MOST_ARGS_CHARS = 300;
const MOST_RESULT_CHARS = 1_000;

interface Use {
  readonly use: ToolUse;
  /** The session that wants to hear the result as one. */
  asker: EngineConnection | null;
  /** Null: at work. */
  result: ToolResult | null;
  done: Promise<void>;
}

/**
 * The tools of one call, between its engine and those who do the deed. Nothing here is waited for by sound. Each use is done once, however often
 * an engine asks. Its result goes to the session that asked. When another has taken that one's place it is told in words what was used and what
 * came of it, as soon as it is ready or the result is there: who does not know that a table is booked books it again.
 */
export class ToolDesk {
  private readonly parts: ToolDeskParts;
  private readonly over = new AbortController();
  private readonly uses = new Map<string, Use>();
  /** The session that was last known to be ready. */
  private ready: EngineConnection | null = null;
  private readonly toBeQuiet: (() => void)[] = [];
  private readonly toBeBack: (() => void)[] = [];
  private open = 0;

  constructor(parts: ToolDeskParts) {
    this.parts = parts;
    for (const { use, result } of parts.before ?? []) this.uses.set(use.id, { use, result, asker: null, done: Promise.resolve() });
  }

  /** Is a tool at work? */
  get busy(): boolean {
    return this.open > 0;
  }

  /** A session is ready: of what was used before it, it knows nothing for certain. */
  opened(): void {
    this.ready = this.parts.engine();
    if (this.uses.size === 0) return;
    const lines = [...this.uses.values()].slice(-MOST_TOLD).map(({ use, result }) => `- ${inBrief(use, result)}`);
    const told = ["Tools were used in this call before this connection to you. What they did is done: do not do it again.", ...lines];
    this.ready?.context(told.join("\n"), false);
  }

  ask(use: ToolUse): void {
    const asker = this.parts.engine();
    this.ready = asker;
    const known = this.uses.get(use.id);
    if (known !== undefined) {
      known.asker = asker;
      if (known.result !== null) this.tell(asker, use.id, known.result);
      return;
    }
    if (this.parts.use === null || this.over.signal.aborted) {
      this.tell(asker, use.id, { ok: false, text: "This tool is not available in this call." });
      return;
    }
    const began = this.parts.monotonicMs();
    this.open++;
    const entry: Use = { use, asker, result: null, done: Promise.resolve() };
    this.uses.set(use.id, entry);
    entry.done = this.parts
      .use(use, { signal: this.over.signal, quiet: () => this.quiet(), back: () => new Promise((resolve) => this.toBeBack.push(resolve)) })
      .catch((): ToolResult => ({ ok: false, text: "The tool cannot be used at this moment." }))
      .then((result) => {
        this.open--;
        entry.result = result;
        this.parts.answered({ use, result, tookMs: Math.round(this.parts.monotonicMs() - began) });
        this.tellWhoIsThere(entry, result);
      });
  }

  /** A session that is not ready yet hears of it when it is. */
  private tellWhoIsThere({ use, asker }: Use, result: ToolResult): void {
    const engine = this.parts.engine();
    if (engine === null || engine !== this.ready || this.over.signal.aborted) return;
    if (engine === asker) engine.toolResult(use.id, result);
    else engine.context(`A tool that was used before has answered. ${inBrief(use, result)}`, true);
    this.parts.told();
  }

  private tell(asker: EngineConnection | null, id: string, { ok, text }: { readonly ok: boolean; readonly text: string }): void {
    asker?.toolResult(id, { ok, text });
    this.parts.told();
  }

  /** Perhaps nothing is left to hear. */
  look(): void {
    if (this.toBeQuiet.length > 0 && !this.parts.sounding()) for (const tell of this.toBeQuiet.splice(0)) tell();
  }

  callerBack(): void {
    for (const tell of this.toBeBack.splice(0)) tell();
  }

  /** The call is over: what runs is broken off. Resolves when all of it has said its last word. */
  async end(): Promise<void> {
    this.over.abort();
    for (const tell of this.toBeQuiet.splice(0)) tell();
    if (!this.busy) return;
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_WORD_MS);
    });
    await Promise.race([Promise.allSettled([...this.uses.values()].map(({ done }) => done)), enough]);
    clearTimeout(timer);
  }

  private quiet(): Promise<void> {
    return this.parts.sounding() ? new Promise((resolve) => this.toBeQuiet.push(resolve)) : Promise.resolve();
  }
}

/** What a use was, and what came of it. */
function inBrief({ name, args }: ToolUse, result: ToolResult | null): string {
  const came = result === null ? "is still at work; what comes of it will follow" : result.ok ? "done" : "did not work";
  const text = result === null ? "" : `: ${shortened(result.text, MOST_RESULT_CHARS)}`;
  return `${name} ${shortened(args, MOST_ARGS_CHARS)}: ${came}${text}`;
}

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);
