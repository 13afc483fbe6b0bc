import { createHmac, randomBytes } from "node:crypto";
import type { Behaviour } from "./behaviour.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { ChatRecord } from "./history.ts";

export type WebhookName = "chat_started" | "chat_ended" | "tool_call";

const LATE_MS = 10_000;

/** What is signed is the raw body, a dot, and the Unix seconds; lower-case hex of HMAC-SHA256, as Hume's two official examples verify it. */
export function sign(key: string, body: string, timestamp: string): string {
  return createHmac("sha256", key).update(`${body}.${timestamp}`).digest("hex");
}

/** Sends a Config's webhooks. Nothing waits for them, and a failed one is logged and not repeated: Hume's retries are not documented. */
export function webhookSender({ clock, signingKey, log }: { clock: Clock; signingKey: string; log: (text: string) => void }) {
  async function post(url: string, body: string, how: Faults["webhooks"]): Promise<void> {
    const timestamp = String(Math.floor(clock.now() / 1_000));
    const key = how === "wrongly signed" ? randomBytes(32).toString("hex") : signingKey;
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (how !== "unsigned") {
      headers["x-hume-ai-webhook-timestamp"] = timestamp;
      headers["x-hume-ai-webhook-signature"] = sign(key, body, timestamp);
    }
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual" });
    await answer.body?.cancel();
    if (!answer.ok) log(`webhook ${url}: ${answer.status}`);
  }

  return (behaviour: Behaviour, faults: Faults, name: WebhookName, chat: ChatRecord, own: Record<string, unknown>): void => {
    const body = JSON.stringify({
      event_name: name,
      chat_group_id: chat.groupId,
      chat_id: chat.id,
      config_id: chat.config?.id ?? null,
      caller_number: null,
      custom_session_id: chat.customSessionId,
      ...own,
      twilio_metadata: null,
    });
    for (const { url, events } of behaviour.webhooks) {
      if (!events.includes(name)) continue;
      const send = (): void => void post(url, body, faults.webhooks).catch((problem: unknown) => log(`webhook ${url}: ${String(problem)}`));
      if (faults.webhooks === "delayed") clock.after(LATE_MS, send);
      else send();
      if (faults.webhooks === "doubled") send();
    }
  };
}
