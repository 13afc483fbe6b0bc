/** What happened in a made-up call: its timeline, and what went to and fro between the carrier and us. */
import { type Call, CallEvent, Exchange, Webhook } from "../../src/ask/shapes.ts";
import { at, id } from "./made.ts";

export function events(of: Call): CallEvent[] {
  const zero = of.started_at === null ? null : Date.parse(of.started_at);
  const event = (atMs: number, kind: string, actor: CallEvent["actor"], said: string, detail: Record<string, unknown> = {}) =>
    CallEvent.parse({
      id: id(`${of.id} ${kind} ${atMs}`),
      at: at(atMs),
      call_ms: zero === null ? null : atMs - zero,
      kind,
      actor,
      said,
      detail,
    });
  const created = Date.parse(of.created_at);
  const list = [
    event(created, "call.placed", "operator", "The call was placed from the dashboard."),
    event(created + 120, "call.dialed", "us", "The carrier was asked to dial.", {
      request: "POST /v1/calls",
      answer: 201,
      uuid: "63f61863-4a51-4f6b-86e1-46edebcf9356",
    }),
  ];
  if (of.ringing_at)
    list.push(
      event(created + 1_400, "call.ringing", "carrier", "It rings."),
      event(created + 2_300, "engine.ready", "engine", "The engine is ready.", { engine: "evi", after_ms: 880 }),
    );
  if (zero !== null) {
    list.push(
      event(zero, "call.answered", "carrier", "The call was answered."),
      event(zero + 90, "recording.expected", "us", "The carrier was told to record."),
      event(zero + 210, "media.connected", "carrier", "The audio is connected.", { content_type: "audio/l16;rate=16000" }),
      event(zero + 400, "agent.spoke", "agent", "The agent said its first word."),
    );
    if (of.ended_at) {
      const end = Date.parse(of.ended_at);
      list.push(
        event(zero + 17_100, "agent.cut", "caller", "The caller cut in; what was queued was dropped.", { silent_after_ms: 3 }),
        event(end, "call.ended", "caller", "The caller hung up."),
        event(end + 1_900, "recording.announced", "carrier", "The recording was announced."),
        event(end + 3_200, "recording.stored", "us", "The recording was fetched and stored.", { size_bytes: 488_000 }),
        event(end + 3_900, "recording.verified", "us", "The recording was checked: 1:01 long, both voices heard."),
      );
    }
  } else if (of.ended_at) list.push(event(Date.parse(of.ended_at), "call.ended", "carrier", "Nobody picked up."));
  return list;
}

export function webhooks(of: Call): Webhook[] {
  const created = Date.parse(of.created_at);
  return (["started", "ringing", "ringing", "answered", "completed", "record"] as const).map((status, i) =>
    Webhook.parse({
      id: id(`${of.id} webhook ${i}`),
      carrier: "vonage",
      received_at: at(created + 400 + i * 1_900),
      door: status === "record" ? "recording" : "event",
      method: "POST",
      url: `/webhooks/vonage/${status === "record" ? "recording" : "event"}?call=${of.id}&token=redacted`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        status,
        uuid: "63f61863-4a51-4f6b-86e1-46edebcf9356",
        conversation_uuid: "CON-f972836a-550f-45fa-956c-12a2ab5b7d22",
        direction: "outbound",
        timestamp: at(created + 380 + i * 1_900),
      }),
      verdict: i === 2 ? "duplicate" : i === 5 ? "bad_signature" : "applied",
      because: i === 5 ? "The payload_hash is not the hash of this body." : null,
    }),
  );
}

/** What we asked of the carrier: the dial, and one thing it refused. */
export function exchanges(of: Call): Exchange[] {
  const created = Date.parse(of.created_at);
  const exchange = (nth: number, afterMs: number, method: string, path: string, status: number | null, request: unknown, answer: unknown) =>
    Exchange.parse({
      id: id(`${of.id} exchange ${nth}`),
      at: at(created + afterMs),
      carrier: "vonage",
      method,
      url: `https://api.nexmo.com${path}`,
      request: JSON.stringify(request),
      status,
      answer: status === null ? "ECONNRESET" : JSON.stringify(answer),
      took_ms: 184,
      trace: status === null ? null : "a1b2c3",
    });
  const leg = "63f61863-4a51-4f6b-86e1-46edebcf9356";
  return [
    exchange(0, 120, "POST", "/v1/calls", 201, { to: [{ type: "phone", number: "12025550101" }] }, { uuid: leg, status: "started" }),
    exchange(1, 9_000, "PUT", `/v1/calls/${leg}`, 400, { action: "mute" }, { title: "Bad Request", detail: "Call not in progress" }),
  ];
}
