import type { CallId } from "../ids.ts";

/** One utterance as it is known now. The same `ref` again replaces what was known before. Times are ms from the answer. */
export interface Utterance {
  readonly call: CallId;
  /** The engine's opaque id. */
  readonly ref: string;
  readonly speaker: "caller" | "agent";
  /** Verbatim: all the agent meant to say, also when it was cut. */
  readonly text: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly cut: boolean;
  /** Agent only: how much of it the caller heard; null while it is being spoken. */
  readonly heardMs: number | null;
  readonly language: string | null;
  readonly emotions: { readonly set: string; readonly scores: Readonly<Record<string, number>> } | null;
}
