import { createHash } from "node:crypto";
import { z } from "zod";

/** What Hume tells of a chat (hume-evi §6). */
export type ToldOfChat = { readonly session: string; readonly resume: string | null; readonly call: string | null } & (
  | { readonly event: "chat_started"; readonly at: Date | null }
  | { readonly event: "chat_ended"; readonly at: Date | null; readonly why: string; readonly seconds: number | null }
  | { readonly event: "other"; readonly name: string }
);

const when = z
  .number()
  .nullish()
  .catch(null)
  .transform((ms) => (ms == null ? null : new Date(ms)));
const text = z.string().nullish().catch(null);

const Body = z.looseObject({
  event_name: z.string().max(100),
  chat_id: z.string().min(1).max(200),
  chat_group_id: text,
  custom_session_id: text,
  start_time: when,
  end_time: when,
  duration_seconds: z.number().nullish().catch(null),
  end_reason: text,
  timestamp: z.unknown().optional(),
  tool_call_message: z.looseObject({ tool_call_id: text }).nullish().catch(null),
});

export interface ReadWebhook {
  /** What makes two deliveries the same: Hume's retries are not documented. */
  readonly identity: string;
  /** Null when it is no webhook that can be read. */
  readonly told: ToldOfChat | null;
}

/** Reads a body that was believed. Never throws. */
export function readWebhook(body: Uint8Array): ReadWebhook {
  const read = Body.safeParse(parsed(body));
  if (!read.success) return { identity: createHash("sha256").update(body).digest("hex"), told: null };
  const { event_name: name, chat_id: session, chat_group_id, custom_session_id, start_time, end_time } = read.data;
  const { duration_seconds, end_reason, timestamp, tool_call_message } = read.data;
  const head = { session, resume: chat_group_id ?? null, call: custom_session_id ?? null };
  // A chat starts once and ends once; of the others the tool call or the time tells them apart.
  const which = name === "chat_started" || name === "chat_ended" ? "" : ` ${tool_call_message?.tool_call_id ?? String(timestamp)}`;
  const identity = `${session} ${name}${which}`.slice(0, 500);
  if (name === "chat_started") return { identity, told: { ...head, event: name, at: start_time } };
  if (name === "chat_ended")
    return { identity, told: { ...head, event: name, at: end_time, why: end_reason ?? "UNKNOWN", seconds: duration_seconds ?? null } };
  return { identity, told: { ...head, event: "other", name } };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return null;
  }
}
