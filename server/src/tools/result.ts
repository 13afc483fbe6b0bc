/** What came of a tool, for the engine: `text` is honest and short, whether it worked or not. */
export interface ToolResult {
  readonly ok: boolean;
  readonly text: string;
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** What became of a transfer: connected, busy, no_answer ... */
  readonly outcome?: string;
}

/** Of a use whose process died, or that is at work elsewhere. */
export const notKnown: ToolResult = { ok: false, text: "This was asked for before, and what came of it is not known. Do not repeat it." };
