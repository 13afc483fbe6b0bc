import { z } from "zod";
import { type CallId, type ConversationId, isUuid, type LegId } from "../../ids.ts";
import type { CarrierEvent, LegFacts, LegKind, LegState } from "../port.ts";
import { withoutTokens } from "./redact.ts";
import { meaningOf } from "./statuses.ts";

/** Our own query parameters in the URLs we give Vonage: they come back with every webhook (vonage-voice §2.1). */
export interface Marks {
  /** `call`: our call id. */
  readonly call: CallId | null;
  /** `leg`: which leg an event URL was given for. */
  readonly leg: "ws" | "transfer" | null;
  /** `asked`: what a key pressed there answers. */
  readonly asked?: "consent";
}

/** What a webhook turned out to be. `identity` is the same for two deliveries of the same fact. */
export type Reading =
  | { readonly understood: true; readonly event: CarrierEvent; readonly identity: string }
  | { readonly understood: false; readonly because: string };

/** Vonage asks what to do with a leg: an inbound call, or an outbound one that was just answered (§3). */
export interface Question {
  readonly leg: LegId;
  readonly conversation: ConversationId | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly call: CallId | null;
  /** What it is about, by our marks: another leg of ours, or the key that answers our question; null: the phone's own leg. */
  readonly about: "ws" | "transfer" | "consent" | null;
  /** At the fallback URL: what could not be asked (§3); null on the answer URL. */
  readonly failed: "answer" | "event" | null;
  readonly regionUrl: string | null;
  /** Why the fallback URL is asked; null on the answer URL. */
  readonly because: string | null;
}

const MAX_TEXT = 500;
const LEG_BEFORE_RECEIPT_MS = 31 * 86_400_000;
const CLOCK_AHEAD_MS = 5 * 60_000;

/** Texts as Postgres can hold them: no NUL, no half surrogates, bounded. Numbers and booleans become texts; anything else null. */
const text = z.preprocess((value) => {
  const told = typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
  const clean = told.replaceAll("\0", "").trim().slice(0, MAX_TEXT).toWellFormed();
  return clean === "" ? null : clean;
}, z.string().nullable());

/** Whole numbers from 0 to `most`, also as text ("72", "72.4" is rounded down); anything else null. */
const whole = (most: number) =>
  z.preprocess((value) => {
    const number =
      typeof value === "number" ? value : typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    return Number.isFinite(number) && number >= 0 && number <= most ? Math.floor(number) : null;
  }, z.int().nullable());

/** Decimal texts ("0.01524000"), also as number; anything else null. */
const decimal = z.preprocess((value) => {
  const told = typeof value === "number" ? String(value) : value;
  return typeof told === "string" && /^\d{1,12}(\.\d{1,12})?$/.test(told) ? told : null;
}, z.string().nullable());

/** ISO 8601 with or without milliseconds, or `YYYY-MM-DD HH:MM:SS` which Vonage's documents mean as UTC (§2.4); anything else null. */
const time = z.preprocess((value) => {
  if (typeof value !== "string") return null;
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?$/.exec(value.trim());
  if (parts === null) return null;
  const at = new Date(`${parts[1]}T${parts[2]}${parts[3] ?? ""}${parts[4] ?? "Z"}`);
  return Number.isNaN(at.getTime()) ? null : at;
}, z.date().nullable());

/** An object, or the JSON text of one (webhooks by GET carry nested values so, §6.1); anything else null. */
const nested = <T extends z.ZodType>(shape: T) =>
  z.preprocess((value) => {
    if (typeof value !== "string") return isObject(value) ? value : null;
    const parsed = parseJson(value);
    return isObject(parsed) ? parsed : null;
  }, shape.nullable());

/** Every field any of Vonage's webhooks has that we use. All optional: what is missing or odd is null, never an exception. */
const Wire = z.object({
  uuid: text,
  call_uuid: text,
  conversation_uuid: text,
  conversation_uuid_from: text,
  conversation_uuid_to: text,
  status: text,
  sub_state: text,
  detail: text,
  reason: text,
  direction: text,
  from: text,
  from_user: text,
  to: text,
  timestamp: time,
  start_time: time,
  end_time: time,
  duration: whole(10_000_000),
  rate: decimal,
  price: decimal,
  network: text,
  sip_code: whole(999),
  disconnected_by: text,
  recording_url: z.preprocess(
    (value) => (typeof value === "string" ? value.replaceAll("\0", "").slice(0, 2048).toWellFormed() : null),
    z.string().nullable(),
  ),
  recording_uuid: text,
  size: whole(Number.MAX_SAFE_INTEGER),
  region_url: text,
  dtmf: z.preprocess(
    (value) => (typeof value === "string" && !isObject(parseJson(value)) ? { digits: value } : value),
    nested(z.object({ digits: text })),
  ),
  speech: nested(z.object({})),
  original_request: nested(z.object({ url: text, type: text })),
});
type Wire = z.infer<typeof Wire>;

/**
 * Reads an event, recording or fallback webhook. `payload` is the parsed JSON body, or the query parameters as an object;
 * `digest` (of the raw request) stands in for a missing timestamp in the identity.
 * Never throws: what cannot be understood says why. A status nobody knows is understood as `other` and kept.
 * Dispatch by presence of fields, in the order of Vonage's own parsers (vonage-voice §6.2).
 */
export function readWebhook(payload: unknown, marks: Marks, receivedAt: Date, digest: string): Reading {
  if (!isObject(payload)) return { understood: false, because: "The body is not a JSON object." };
  const wire = Wire.parse(payload);
  const leg = (wire.uuid ?? wire.call_uuid) as LegId | null;
  const at = believable(wire.timestamp, receivedAt);
  const seen = {
    leg,
    conversation: wire.conversation_uuid as ConversationId | null,
    kind: kindOf(wire, marks),
    at,
    call: marks.call,
    from: wire.from ?? wire.from_user,
    to: wire.to,
    ...(wire.direction === "inbound" ? { inbound: true } : {}),
  };
  const stamp = wire.timestamp?.toISOString() ?? `body:${digest}`;
  const is = (event: CarrierEvent, ...identity: (string | null)[]): Reading => ({
    understood: true,
    event,
    identity: identity.map((part) => part ?? "").join("|"),
  });

  if (wire.status !== null) {
    const same = [leg ?? wire.conversation_uuid, wire.status.toLowerCase(), wire.sub_state, stamp];
    const meaning = meaningOf(wire.status, wire.detail);
    if (meaning === null || leg === null) return is({ ...seen, happened: "other", status: wire.status }, ...same);
    switch (meaning.happened) {
      case "started":
      case "ringing":
      case "answered":
      case "disconnected":
        return is({ ...seen, happened: meaning.happened }, ...same);
      case "human":
      case "machine":
        return is({ ...seen, happened: meaning.happened, beep: beepOf(wire.sub_state) }, ...same);
      case "ended":
        return is({ ...seen, happened: "ended", end: meaning.end, facts: factsOf(wire), status: wire.status.toLowerCase() }, ...same);
    }
  }
  if (wire.conversation_uuid_from !== null && wire.conversation_uuid_to !== null) {
    const moved = {
      conversation: wire.conversation_uuid_from as ConversationId,
      conversationTo: wire.conversation_uuid_to as ConversationId,
    };
    return is({ ...seen, ...moved, happened: "moved" }, "moved", leg, wire.conversation_uuid_to, stamp);
  }
  if (wire.dtmf !== null || wire.speech !== null) {
    return is({ ...seen, happened: "input", digits: wire.dtmf?.digits ?? null }, "input", leg, stamp);
  }
  if (wire.recording_url !== null) {
    // An empty address is said of a recording that holds nothing (§7.1); it is told on, not dropped.
    const recording = wire.recording_uuid ?? `unnamed:${stamp}`;
    const recorded = { recording, url: wire.recording_url, sizeBytes: wire.size ?? 0, startedAt: wire.start_time, endedAt: wire.end_time };
    return is({ ...seen, happened: "recorded", ...recorded }, "recorded", recording);
  }
  if (wire.reason !== null && wire.original_request === null) {
    return is(
      { ...seen, happened: "troubled", reason: withoutTokens(wire.reason) },
      "troubled",
      wire.conversation_uuid,
      wire.reason,
      stamp,
    );
  }
  if (Object.hasOwn(payload, "payload"))
    return is({ ...seen, happened: "other", status: "notify" }, "notify", wire.conversation_uuid, stamp);
  if (leg === null && wire.conversation_uuid === null && marks.call === null) {
    return { understood: false, because: "It names no leg, no conversation and no call of ours, and has no field we know." };
  }
  return is({ ...seen, happened: "other", status: "unnamed" }, "unnamed", leg ?? wire.conversation_uuid, stamp);
}

/** Reads an answer webhook, or a fallback for one; null when it does not name a leg. Never throws. */
export function readQuestion(payload: unknown, marks: Marks): Question | null {
  if (!isObject(payload)) return null;
  const wire = Wire.parse(payload);
  if (wire.uuid === null) return null;
  const { call, leg, asked } = marksFor(payload, marks);
  const failed = wire.original_request?.type?.toLowerCase();
  return {
    leg: wire.uuid as LegId,
    conversation: wire.conversation_uuid as ConversationId | null,
    from: wire.from ?? wire.from_user,
    to: wire.to,
    call,
    about: leg ?? asked ?? null,
    failed: failed === "answer" || failed === "event" ? failed : null,
    regionUrl: wire.region_url,
    because: wire.reason && withoutTokens(wire.reason),
  };
}

/** Our marks in a URL or a path with a query; nulls when absent or not ours. */
export function marksOf(url: string): Marks {
  const query = new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");
  const call = query.get("call") ?? "";
  const leg = query.get("leg");
  return {
    call: isUuid(call) ? (call.toLowerCase() as CallId) : null,
    leg: leg === "ws" || leg === "transfer" ? leg : null,
    ...(query.get("asked") === "consent" ? { asked: "consent" } : {}),
  };
}

/** The fallback URL is the application's: there our marks are in the URL that failed (§3). */
export function marksFor(payload: unknown, marks: Marks): Marks {
  if (marks.call !== null || !isObject(payload)) return marks;
  return marksOf(Wire.shape.original_request.parse(payload.original_request)?.url ?? "");
}

/** A body's bytes as JSON; undefined when they are none. Deep nesting and broken UTF-8 included. */
export function readJson(body: Uint8Array): unknown {
  return parseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8"));
}

/** A query as the object a GET webhook means by it: texts, the last of doubles. */
export function readQuery(rawQuery: string): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(rawQuery)) fields[name] = value;
  return fields;
}

/** A leg as REST tells of it. */
export interface KnownLeg extends LegState {
  readonly conversation: ConversationId | null;
}

/** What REST says of a leg (`GET /v1/calls/{uuid}`, vonage-voice §2.4), or null when it is no call object. */
export function readLeg(payload: unknown): KnownLeg | null {
  if (!isObject(payload)) return null;
  const wire = Wire.parse(payload);
  if (wire.uuid === null || wire.status === null) return null;
  const meaning = meaningOf(wire.status, wire.detail);
  return {
    leg: wire.uuid as LegId,
    conversation: wire.conversation_uuid as ConversationId | null,
    status: wire.status.toLowerCase(),
    end: meaning?.happened === "ended" ? meaning.end : null,
    facts: factsOf(wire),
  };
}

/** A page of `GET /v1/calls` (vonage-voice §2.3): its calls with the numbers they join, and whether more follow. Never throws. */
export function readLegs(payload: unknown): {
  readonly legs: readonly { readonly state: KnownLeg; readonly from: string | null; readonly to: string | null }[];
  readonly more: boolean;
} {
  if (!isObject(payload)) return { legs: [], more: false };
  const embedded = isObject(payload._embedded) ? payload._embedded.calls : null;
  const calls = Array.isArray(embedded) ? embedded : [];
  const legs = calls.flatMap((call: unknown) => {
    const state = readLeg(call);
    if (state === null || !isObject(call)) return [];
    return [{ state, from: numberOf(call.from), to: numberOf(call.to) }];
  });
  return { legs, more: isObject(payload._links) && isObject(payload._links.next) };
}

/** Either `{type, number}` or a one-element array of it (§2.4). */
function numberOf(endpoint: unknown): string | null {
  const one: unknown = Array.isArray(endpoint) ? endpoint[0] : endpoint;
  return isObject(one) && typeof one.number === "string" ? one.number : null;
}

/** The socket's leg is known by the mark of its event URL, or by having a socket's address as `to` (§6.3). */
function kindOf(wire: Wire, marks: Marks): LegKind {
  if (marks.leg === "ws" || /^wss?:/i.test(wire.to ?? "")) return "socket";
  return marks.leg === "transfer" ? "transfer" : "phone";
}

function beepOf(subState: string | null): "start" | "timeout" | null {
  if (subState === "beep_start") return "start";
  return subState === "beep_timeout" ? "timeout" : null;
}

function factsOf(wire: Wire): LegFacts {
  const by = wire.disconnected_by?.toLowerCase();
  return {
    startedAt: wire.start_time,
    endedAt: wire.end_time,
    durationS: wire.duration,
    rate: wire.rate,
    price: wire.price,
    network: wire.network,
    disconnectedBy: by === "platform" || by === "user" ? by : null,
    sipCode: wire.sip_code,
    detail: wire.detail,
  };
}

/** The carrier's time where it can be true (not ahead of ours, not older than it keeps legs), else our receipt. */
function believable(told: Date | null, receivedAt: Date): Date {
  if (told === null) return receivedAt;
  const age = receivedAt.getTime() - told.getTime();
  return age > LEG_BEFORE_RECEIPT_MS || age < -CLOCK_AHEAD_MS ? receivedAt : told;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(told: string): unknown {
  try {
    return JSON.parse(told);
  } catch {
    return undefined;
  }
}
