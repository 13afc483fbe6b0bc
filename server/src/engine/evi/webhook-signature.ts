import { createHmac, timingSafeEqual } from "node:crypto";

/** Why a webhook is not believed: a closed list, each with its sentence. */
export const refusals = {
  unsigned: "It carries no X-Hume-AI-Webhook-Signature and X-Hume-AI-Webhook-Timestamp.",
  signature: "Its signature is not made with our signing key.",
  stale: "It was signed more than three minutes ago, or the clocks differ by that much.",
  early: "It is dated more than three minutes ahead; one of the clocks is wrong.",
} as const;
export type Refusal = keyof typeof refusals;

/** Hume's examples refuse what is older (hume-evi §6); the future is bounded as well. */
export const TOLERANCE_S = 180;

export interface ReceivedWebhook {
  readonly signature: string | undefined;
  /** Unix seconds, as it was sent. */
  readonly timestamp: string | undefined;
  /** As it came, before anybody parsed it. */
  readonly body: Uint8Array;
}

/** Is it Hume's own, whole and fresh? HMAC-SHA256 over the raw body, a dot and the timestamp, in lower-case hex (hume-evi §6). Null: it is. */
export function refusalOfWebhook({ signature, timestamp, body }: ReceivedWebhook, key: string, now: Date): Refusal | null {
  if (!signature || !timestamp || !/^\d{1,12}$/.test(timestamp)) return "unsigned";
  const expected = createHmac("sha256", key).update(body).update(`.${timestamp}`).digest();
  const given = /^[0-9a-f]{64}$/.test(signature) ? Buffer.from(signature, "hex") : Buffer.alloc(0);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "signature";
  const ageS = now.getTime() / 1000 - Number(timestamp);
  if (ageS > TOLERANCE_S) return "stale";
  return ageS < -TOLERANCE_S ? "early" : null;
}
