import { type Clock, waits } from "../evi/clock.ts";
import { type Item, shown } from "./items.ts";
import type { Situation } from "./situation.ts";
import { SAID_A_SECOND, usageOf } from "./usage.ts";
import { newId } from "./wire.ts";

/** One response: active from `response.created` until it is `over`, which is when `response.done` is told. */
export interface Response {
  readonly id: string;
  readonly made: Item[];
  /** What waits in it, to be woken by its end. */
  readonly wake: Set<() => void>;
  /** Sound that its tokens are enough for. */
  readonly mostMs: number;
  /** Done, for whatever reason. */
  over: boolean;
  /** The item that is being spoken. */
  speaking: { readonly item: Item; readonly index: number } | null;
}

/** How a response ended, with what `status_details` says of it. */
export type Ending =
  | { readonly status: "completed"; readonly details: null }
  | { readonly status: "cancelled" | "incomplete" | "failed"; readonly details: Record<string, unknown> };

export const completed: Ending = { status: "completed", details: null };
export const cutByVoice: Ending = { status: "cancelled", details: { type: "cancelled", reason: "turn_detected" } };
export const cutByClient: Ending = { status: "cancelled", details: { type: "cancelled", reason: "client_cancelled" } };
export const outOfTokens: Ending = { status: "incomplete", details: { type: "incomplete", reason: "max_output_tokens" } };
export const failedWith = (code: string, message: string): Ending => ({
  status: "failed",
  details: { type: "failed", error: { type: "server_error", code, message } },
});

export const newResponse = (maxTokens: number | "inf"): Response => ({
  id: newId("resp"),
  made: [],
  wake: new Set(),
  mostMs: maxTokens === "inf" ? Number.POSITIVE_INFINITY : (maxTokens / SAID_A_SECOND) * 1_000,
  over: false,
  speaking: null,
});

/** Marks it over, and wakes what waits in it. */
export function stop(response: Response): void {
  response.over = true;
  for (const wake of response.wake) wake();
}

/** Waits in a response; its end wakes it. */
export function pause(clock: Clock, forMs: number, response: Response): Promise<void> {
  if (forMs <= 0 || response.over) return Promise.resolve();
  return waits(clock, forMs, response.wake);
}

/** A response as it goes over the wire when it begins: `ending` null; and when it has ended, with what it used. */
export function shownResponse(
  { conversationId, conversation, session }: Situation,
  response: Response,
  ending: Ending | null,
  cachedTokens: number,
): { readonly shown: Record<string, unknown>; readonly inputTokens: number } {
  const { voice, format } = session.audio.output;
  const usage = ending && usageOf({ instructions: session.instructions, items: conversation.items, cachedTokens }, response.made);
  return {
    shown: {
      object: "realtime.response",
      id: response.id,
      status: ending?.status ?? "in_progress",
      status_details: ending?.details ?? null,
      output: ending ? response.made.map(shown) : [],
      conversation_id: conversationId,
      output_modalities: session.output_modalities,
      max_output_tokens: session.max_output_tokens,
      audio: { output: { format, voice } },
      usage,
      metadata: null,
    },
    inputTokens: usage ? (usage.input_tokens as number) : cachedTokens,
  };
}
