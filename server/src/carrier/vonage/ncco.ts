import type { CallId } from "../../ids.ts";

/** The rates Vonage's audio socket speaks, Hz (vonage-voice §5.3). */
export const carrierRates = [24_000, 16_000, 8_000] as const;
export type CarrierRate = (typeof carrierRates)[number];

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
  return [
    ...(talk.record ? [recordAction(talk)] : []),
    connectAction(talk, first),
    say(ONE_MOMENT),
    connectAction(talk, second),
    say(SORRY),
  ];
}

/** The answer to `disconnected` (and to a socket that could not be opened): connect anew. The recording goes on by itself. */
export function reconnectNcco(talk: Omit<Talk, "record">): Ncco {
  return talkNcco({ ...talk, record: false });
}

/** Polite words and nothing after them: the call ends. */
export function sorryNcco(): Ncco {
  return [say(SORRY)];
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

function connectAction({ publicUrl, call, from, rate }: Omit<Talk, "record" | "tokens">, token: string): Ncco[number] {
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

function say(text: string): Ncco[number] {
  return { action: "talk", text, language: "en-US" };
}
