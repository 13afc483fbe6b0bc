import { z } from "zod";

/** What became of a request of the carrier. */
export const WebhookVerdict = z.enum(["pending", "applied", "kept", "duplicate", "late", "unknown_call", "bad_signature", "unreadable"]);
export type WebhookVerdict = z.infer<typeof WebhookVerdict>;

/** A request of the carrier as it arrived, secrets and tokens taken out. GET /api/calls/{id}/webhooks */
export const Webhook = z.object({
  id: z.uuid(),
  received_at: z.iso.datetime(),
  carrier: z.string(),
  door: z.string().describe("answer, event, recording or fallback."),
  method: z.string(),
  url: z.string().describe("Path and query."),
  headers: z.record(z.string(), z.unknown()),
  body: z.string().describe("What was sent, as text; JSON in most cases."),
  verdict: WebhookVerdict,
  because: z.string().nullable().describe("Why this verdict."),
});
export type Webhook = z.infer<typeof Webhook>;
