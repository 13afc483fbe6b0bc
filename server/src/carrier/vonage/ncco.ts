import type { CallId } from "../../ids.ts";
import type { HandOver } from "../port.ts";

/** The rates Vonage's audio socket speaks, Hz (vonage-voice §5.3). */
export const carrierRates = [24_000, 16_000, 8_000] as const;
export type CarrierRate = (typeof carrierRates)[number];

export const NOBODY_THERE = "I am sorry, nobody could be reached. One moment, please.";

/** An NCCO: what Vonage shall do with a leg, in order. When the last action ends, the call ends (§4). */
export type Ncco = readonly Readonly<Record<string, unknown>>[];

export const SORRY = "We are sorry, we cannot go on with this call right now. Please try again later. Goodbye.";
export const ONE_MOMENT = "One moment, please.";

/** What Vonage shall do with an answered call that an agent takes. */
export interface Talk {
  readonly call: CallId;
  /** https address we are reached at, without a last slash. */
  readonly publicUrl: string;
  /** Our number, E.164 with +; shown as `from` in the socket leg's events. */
  readonly from: string | null;
  readonly rate: CarrierRate;
  /** Does the agent's policy want the carrier to record? */
  readonly record: boolean;
  /** Spoken before the agent; `recorded`: as part of the recording. */
  readonly notice: { readonly text: string; readonly recorded: boolean } | null;
  /** One-time tokens: the first connect's, and the one of the second try after our process was lost. */
  readonly tokens: readonly [first: string, second: string];
}

/**
 * Record, then talk with our agent. `record` stands before `connect`, because a recording covers what comes after it, and has no end
 * condition, because one would block (§4.1). The chain after the first connect is walked only when our socket is gone and nobody answered
 * the `disconnected` event: a word to the caller, a second connect for whichever process lives then, and at last an apology.
 */
export function talkNcco(talk: Talk): Ncco {
  const [first, second] = talk.tokens;
  const record = talk.record ? [recordAction(talk)] : [];
  const notice = talk.notice === null ? [] : [say(talk.notice.text)];
  const opening = talk.notice?.recorded ? [...record, ...notice] : [...notice, ...record];
  return [...opening, connectAction(talk, first), say(ONE_MOMENT), connectAction(talk, second), say(SORRY)];
}

/** The answer to `disconnected` (and to a socket that could not be opened): connect anew. The recording goes on by itself. */
export function reconnectNcco(talk: Omit<Talk, "record" | "notice">): Ncco {
  return talkNcco({ ...talk, record: false, notice: null });
}

/** After the beep of an answering machine: our message, recorded when the agent's policy wants it, and the end. */
export function messageNcco(message: {
  readonly call: CallId;
  readonly publicUrl: string;
  readonly text: string;
  readonly record: boolean;
}): Ncco {
  return [...(message.record ? [recordAction(message)] : []), say(message.text)];
}

/**
 * Rings a person for the caller. It runs in a conversation of its own, so the recording begins anew. The event URL may answer: when nobody is
 * reached, with the way back to the agent. Nothing stands after the connect, so the call ends when the person hangs up.
 */
export function handOverNcco(handOver: HandOver, publicUrl: string): Ncco {
  const marks = `call=${handOver.call}&leg=transfer`;
  return [
    ...(handOver.record ? [recordAction({ call: handOver.call, publicUrl })] : []),
    {
      action: "connect",
      from: handOver.from.replace(/^\+/, ""),
      eventType: "synchronous",
      timeout: handOver.ringSeconds,
      eventUrl: [`${publicUrl}/webhooks/vonage/event?${marks}`],
      eventMethod: "POST",
      endpoint: [
        {
          type: "phone",
          number: handOver.to.replace(/^\+/, ""),
          ...(handOver.announced ? { onAnswer: { url: `${publicUrl}/webhooks/vonage/answer?${marks}` } } : {}),
        },
      ],
    },
  ];
}

/** The person was not reached: a word to the caller, and back to the agent. */
export function backNcco(talk: Omit<Talk, "record" | "notice">): Ncco {
  return [say(NOBODY_THERE), ...reconnectNcco(talk)];
}

/** Polite words and nothing after them: the call ends. */
export function sorryNcco(): Ncco {
  return [say(SORRY)];
}

/** What a person hears before they are connected. */
export function announceNcco(text: string): Ncco {
  return [say(text)];
}

/** The best rate both sides speak without resampling the caller: the engine's order of wishes decides; 16 kHz when none fits. */
export function chooseRate(inRates: readonly number[]): CarrierRate {
  const fits = (rate: number): rate is CarrierRate => (carrierRates as readonly number[]).includes(rate);
  return inRates.find(fits) ?? 16_000;
}

/** The address Vonage opens for a call's audio. */
export function socketUrl(publicUrl: string, token: string): string {
  return `${publicUrl.replace(/^http/, "ws")}/media/vonage/${token}`;
}

function recordAction({ publicUrl, call }: { publicUrl: string; call: CallId }): Ncco[number] {
  return {
    action: "record",
    eventUrl: [`${publicUrl}/webhooks/vonage/recording?call=${call}`],
    eventMethod: "POST",
    format: "mp3",
    split: "conversation",
    channels: 2,
  };
}

function connectAction({ publicUrl, call, from, rate }: Omit<Talk, "record" | "notice" | "tokens">, token: string): Ncco[number] {
  return {
    action: "connect",
    ...(from === null ? {} : { from: from.replace(/^\+/, "") }),
    eventType: "synchronous",
    eventUrl: [`${publicUrl}/webhooks/vonage/event?call=${call}&leg=ws`],
    eventMethod: "POST",
    endpoint: [
      {
        type: "websocket",
        uri: socketUrl(publicUrl, token),
        "content-type": `audio/l16;rate=${rate}`,
        headers: { call },
        authorization: { type: "vonage" },
      },
    ],
  };
}

/** Vonage speaks at most 1500 characters (§4.4). */
function say(text: string): Ncco[number] {
  return { action: "talk", text: text.slice(0, 1500), language: "en-US" };
}
