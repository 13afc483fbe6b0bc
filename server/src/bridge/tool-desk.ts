import type { EngineConnection } from "../engine/port.ts";
import type { ToolResult } from "../tools/result.ts";
import type { Moment, ToolUse } from "../tools/use.ts";

/** What became of a use, for the timeline. */
export interface Answered {
  readonly use: ToolUse;
  readonly result: ToolResult;
  readonly tookMs: number;
}

export interface ToolDeskParts {
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

/**
 * The tools of one call, between its engine and those who do the deed. Nothing here is waited for by sound. Each use is done once, however often
 * an engine asks; its result goes to the session that asked, and when that one is gone, to nobody.
 */
export class ToolDesk {
  private readonly parts: ToolDeskParts;
  private readonly over = new AbortController();
  private readonly uses = new Map<string, { result: ToolResult | null; done: Promise<void> }>();
  private readonly toBeQuiet: (() => void)[] = [];
  private readonly toBeBack: (() => void)[] = [];
  private open = 0;

  constructor(parts: ToolDeskParts) {
    this.parts = parts;
  }

  /** Is a tool at work? */
  get busy(): boolean {
    return this.open > 0;
  }

  ask(use: ToolUse): void {
    const asker = this.parts.engine();
    const known = this.uses.get(use.id);
    if (known !== undefined) {
      if (known.result !== null) this.tell(asker, use.id, known.result);
      return;
    }
    if (this.parts.use === null || this.over.signal.aborted) {
      this.tell(asker, use.id, { ok: false, text: "This tool is not available in this call." });
      return;
    }
    const began = this.parts.monotonicMs();
    this.open++;
    const done = this.parts
      .use(use, { signal: this.over.signal, quiet: () => this.quiet(), back: () => new Promise((resolve) => this.toBeBack.push(resolve)) })
      .catch((): ToolResult => ({ ok: false, text: "The tool cannot be used at this moment." }))
      .then((result) => {
        this.open--;
        const entry = this.uses.get(use.id);
        if (entry !== undefined) entry.result = result;
        this.parts.answered({ use, result, tookMs: Math.round(this.parts.monotonicMs() - began) });
        if (asker !== null && asker === this.parts.engine()) this.tell(asker, use.id, result);
      });
    this.uses.set(use.id, { result: null, done });
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
