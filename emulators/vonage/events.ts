import type { LegStatus } from "./leg-status.ts";
import type { Payload } from "./webhooks.ts";

/** Bodies of the event webhooks, field by field in the order Vonage sends them. Pure. */

export interface LegFacts {
  readonly uuid: string;
  readonly conversationUuid: string;
  readonly from: string;
  readonly to: string;
  readonly direction: "inbound" | "outbound";
  /** The connect's own headers; empty for phone legs. */
  readonly headers: Readonly<Record<string, unknown>>;
}

function common(leg: LegFacts, status: LegStatus): Record<string, unknown> {
  return {
    headers: leg.headers,
    from: leg.from,
    to: leg.to,
    uuid: leg.uuid,
    conversation_uuid: leg.conversationUuid,
    status,
    direction: leg.direction,
  };
}

export function progressEvent(leg: LegFacts, status: "started" | "ringing", at: Date): Payload {
  return { ...common(leg, status), timestamp: at.toISOString() };
}

export function answeredEvent(leg: LegFacts, at: Date): Payload {
  return { ...common(leg, "answered"), start_time: null, rate: null, network: null, timestamp: at.toISOString() };
}

export function refusedEvent(
  leg: LegFacts,
  status: LegStatus,
  why: { readonly detail: string | null; readonly sipCode: number },
  at: Date,
): Payload {
  return { ...common(leg, status), ...(why.detail ? { detail: why.detail } : {}), sip_code: why.sipCode, timestamp: at.toISOString() };
}

export function disconnectedEvent(leg: LegFacts, at: Date): Payload {
  const { direction: _, ...rest } = common(leg, "disconnected");
  return { ...rest, timestamp: at.toISOString() };
}

/** What a leg cost and how it went: whole seconds, EUR as text with eight decimals. */
export interface Bill {
  readonly startTime: Date | null;
  readonly endTime: Date | null;
  readonly durationS: number;
  readonly rate: string;
  readonly price: string;
  readonly network: string | null;
}

/** EUR per minute. */
const RATES = { phone: "0.01270000", websocket: "0.00000000" } as const;

/**
 * Talk time is counted in begun seconds from a start cut to the second, so `end_time` may lie a fraction after the event, as Vonage's does.
 * `price` is rate / 60 x duration.
 */
export function bill(kind: "phone" | "websocket", answeredAt: Date | null, endedAt: Date): Bill {
  const rate = RATES[kind];
  const network = kind === "phone" ? "310260" : null;
  if (!answeredAt) return { startTime: null, endTime: null, durationS: 0, rate, price: "0.00000000", network };
  const durationS = Math.ceil((endedAt.getTime() - answeredAt.getTime()) / 1_000);
  const startTime = new Date(Math.floor(answeredAt.getTime() / 1_000) * 1_000);
  return {
    startTime,
    endTime: new Date(startTime.getTime() + durationS * 1_000),
    durationS,
    rate,
    price: ((Number(rate) / 60) * durationS).toFixed(8),
    network,
  };
}

export function completedEvent(
  leg: LegFacts,
  sum: Bill,
  how: { readonly sipCode: number; readonly by: "platform" | "user" },
  at: Date,
): Payload {
  return {
    ...common(leg, "completed"),
    start_time: sum.startTime?.toISOString() ?? null,
    end_time: sum.endTime?.toISOString() ?? null,
    duration: String(sum.durationS),
    rate: sum.rate,
    price: sum.price,
    network: sum.network,
    sip_code: how.sipCode,
    disconnected_by: how.by,
    timestamp: at.toISOString(),
  };
}

/** Human or machine: the one family with `call_uuid` instead of `uuid`. */
export function detectionEvent(leg: LegFacts, is: "human" | "machine", subState: "beep_start" | "beep_timeout" | null, at: Date): Payload {
  return {
    call_uuid: leg.uuid,
    from: leg.from,
    to: leg.to,
    status: is,
    ...(subState ? { sub_state: subState } : {}),
    conversation_uuid: leg.conversationUuid,
    timestamp: at.toISOString(),
  };
}

export function answerBody(leg: LegFacts, endpointType: string, regionUrl: string): Payload {
  return {
    to: leg.to,
    from: leg.from,
    uuid: leg.uuid,
    conversation_uuid: leg.conversationUuid,
    region_url: regionUrl,
    endpoint_type: endpointType,
  };
}

export function transferEvent(uuid: string, from: string, to: string, at: Date): Payload {
  return { conversation_uuid_from: from, conversation_uuid_to: to, uuid, type: "transfer", timestamp: at.toISOString() };
}

export function errorEvent(conversationUuid: string, reason: string, at: Date): Payload {
  return { reason, conversation_uuid: conversationUuid, timestamp: at.toISOString() };
}

export function notifyEvent(conversationUuid: string, payload: unknown, at: Date): Payload {
  return { payload, conversation_uuid: conversationUuid, timestamp: at.toISOString() };
}

export interface Heard {
  readonly digits: string | null;
  readonly timedOut: boolean;
}

export interface HeardSpeech {
  readonly timeoutReason: "start_timeout" | "end_on_silence_timeout" | "max_duration";
  /** What was said by the person's script; null when nothing was, or nobody knows. */
  readonly text: string | null;
}

/** Text in Vonage's examples, and the same for all: nobody was listened to. */
const CONFIDENCE = "0.95";

/**
 * The result of an `input`. This network recognises no words: it knows those of its own people's scripts, and of a human's speech it says in `error`
 * that it was not recognised, as Vonage does when recognition is off.
 */
export function inputEvent(leg: LegFacts, dtmf: Heard | null, speech: HeardSpeech | null, at: Date): Payload {
  return {
    speech: speech ? speechResult(speech) : { results: [] },
    dtmf: { digits: dtmf?.digits ?? null, timed_out: dtmf?.timedOut ?? false },
    from: leg.from,
    to: leg.to,
    uuid: leg.uuid,
    conversation_uuid: leg.conversationUuid,
    timestamp: at.toISOString(),
  };
}

function speechResult({ timeoutReason, text }: HeardSpeech): Record<string, unknown> {
  const result = { timeout_reason: timeoutReason, results: text === null ? [] : [{ text, confidence: CONFIDENCE }] };
  const unknown = text === null && timeoutReason !== "start_timeout";
  return unknown ? { ...result, error: "Speech recognition is not emulated: only what the network's own people say is known." } : result;
}

export function recordEvent(
  recording: {
    readonly uuid: string;
    readonly conversationUuid: string;
    readonly url: string;
    readonly sizeBytes: number;
    readonly startedAt: Date;
    readonly endedAt: Date;
  },
  at: Date,
): Payload {
  return {
    start_time: wholeSecond(recording.startedAt),
    end_time: wholeSecond(recording.endedAt),
    size: recording.sizeBytes,
    recording_url: recording.url,
    recording_uuid: recording.uuid,
    conversation_uuid: recording.conversationUuid,
    timestamp: at.toISOString(),
  };
}

export function transcriptionEvent(conversationUuid: string, recordingUuid: string, url: string): Payload {
  return {
    conversation_uuid: conversationUuid,
    type: "record",
    recording_uuid: recordingUuid,
    status: "transcribed",
    transcription_url: url,
  };
}

/** `2026-03-04T10:00:07Z`, as captured record webhooks have it. */
function wholeSecond(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}
