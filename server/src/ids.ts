import { randomBytes } from "node:crypto";

declare const brand: unique symbol;
type Branded<B extends string> = string & { readonly [brand]: B };

export type CallId = Branded<"CallId">;
/** One party's connection in the carrier's network. Never assume a UUID: inbound legs may be 32 hex digits (vonage-voice §2.4). */
export type LegId = Branded<"LegId">;
export type ConversationId = Branded<"ConversationId">;
export type RecordingId = Branded<"RecordingId">;
export type AgentId = Branded<"AgentId">;
export type UtteranceId = Branded<"UtteranceId">;
export type WebhookId = Branded<"WebhookId">;

/** A UUID version 7 (RFC 9562 §5.7): sorts by time of making. Made here because Postgres 15 cannot. */
export function newId<Id extends string = string>(now: number = Date.now()): Id {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Id;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const isUuid = (text: string): boolean => uuid.test(text);
