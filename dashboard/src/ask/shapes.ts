/** Every shape the dashboard reads, in one place. What the contract holds comes from it; the rest is written here until it does. */
import { z } from "zod";

export { Agent, AgentSettings } from "@earshot/contract/agent";
export { Call, CallEvent, Direction, LiveChange, PlaceCall, page, Speaker, Utterance } from "@earshot/contract/call";
export { Problem } from "@earshot/contract/problem";
export { Peaks, Recording, RecordingStatus } from "@earshot/contract/recording";
export { EmulatedNumber, Role, Session } from "@earshot/contract/session";
export { actions, CallStatus, EndReason, endReasons, may } from "@earshot/contract/status";

/** A request of the carrier as it came, and what became of it. GET /api/calls/{id}/webhooks */
export const Webhook = z.object({
  id: z.string(),
  received_at: z.iso.datetime(),
  door: z.string(),
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.unknown()),
  body: z.string(),
  verdict: z.string(),
  because: z.string().nullable(),
});
export type Webhook = z.infer<typeof Webhook>;

/** A key for programs; the key itself is told once, when it is made. GET and POST /api/keys */
export const ApiKey = z.object({
  id: z.uuid(),
  name: z.string(),
  prefix: z.string(),
  role: z.string(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().nullable(),
  revoked_at: z.iso.datetime().nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;
export const NewApiKey = ApiKey.extend({ key: z.string() });
