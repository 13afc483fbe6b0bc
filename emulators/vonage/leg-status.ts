/** The statuses of Vonage's event webhooks that move a leg. See https://developer.vonage.com/en/voice/voice-api/webhook-reference#event-webhook. */
export type LegStatus =
  | "started"
  | "ringing"
  | "answered"
  | "disconnected"
  | "busy"
  | "cancelled"
  | "timeout"
  | "unanswered"
  | "rejected"
  | "failed"
  | "completed";

const beforeAnswer = ["answered", "busy", "cancelled", "timeout", "unanswered", "rejected", "failed"] as const;

/** What may follow what. Every leg that was not rejected ends with `completed`. */
export const leadsTo = {
  started: ["ringing", ...beforeAnswer],
  ringing: beforeAnswer,
  answered: ["disconnected", "completed"],
  disconnected: ["completed"],
  busy: ["completed"],
  cancelled: ["completed"],
  timeout: ["completed"],
  unanswered: ["completed"],
  failed: ["completed"],
  rejected: [],
  completed: [],
} as const satisfies Record<LegStatus, readonly LegStatus[]>;

export function mayFollow(now: LegStatus, next: LegStatus): boolean {
  return (leadsTo[now] as readonly LegStatus[]).includes(next);
}

/** Why a leg was never answered. */
export type Refusal = Exclude<(typeof beforeAnswer)[number], "answered">;

/** SIP codes Vonage reports with an ending. */
export const sipCodes = {
  busy: 486,
  cancelled: 487,
  timeout: 480,
  unanswered: 480,
  rejected: 603,
  failed: 503,
  completed: 200,
} as const satisfies Record<Refusal | "completed", number>;
