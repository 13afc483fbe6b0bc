import type { CallId } from "../../ids.ts";
import type { HandOver } from "../port.ts";
import { voiceOf, wordsIn } from "./words.ts";

/** The rates Vonage's audio socket speaks, Hz (vonage-voice §5.3). */
export const carrierRates = [24_000, 16_000, 8_000] as const;
export type CarrierRate = (typeof carrierRates)[number];

/** An NCCO: what Vonage shall do with a leg, in order. When the last action ends, the call ends (§4). */
export type Ncco = readonly Readonly<Record<string, unknown>>[];

/**
 * How long to wait before each further connect, in seconds, once our process is gone: the first for another process that lives, the later ones until
 * a server has started again. Each call stretches them by up to a half, because a carrier takes few connects a second.
 */
const TRIES_AFTER_S = [0.1, 1, 2, 3, 5, 8] as const;

/** What Vonage shall do with an answered call that an agent takes. */
export interface Talk {
  readonly call: CallId;
  /** https address we are reached at, without a last slash. */
  readonly publicUrl: string;
  /** Our number, E.164 with +; shown as `from` in the socket leg's events. */
  readonly from: string | null;
  readonly rate: CarrierRate;
  /** The agent's, BCP 47: what the carrier says for it is said so. */
  readonly language: string;
  /** Does the agent's policy want the carrier to record? */
  readonly record: boolean;
  /** Spoken before the agent; `recorded`: as part of the recording. */
  readonly notice: { readonly text: string; readonly recorded: boolean } | null;
  /** One-time tokens: the first connect's, and the one of all tries after our process was lost. */
  readonly tokens: readonly [first: string, second: string];
}

/**
 * Record, then talk with our agent. `record` stands before `connect`, because a recording covers what comes after it, and has no end
 * condition, because one would block (§4.1). The chain after the first connect is walked only when our socket is gone and nobody answered
 * the `disconnected` event: words to the caller, connects for whichever process lives then, and at last an apology. All of these share the
 * second token: it is only used up when one of them has found us.
 */
export function talkNcco(talk: Talk): Ncco {
  const [first] = talk.tokens;
  const record = talk.record ? [recordAction(talk)] : [];
  const notice = talk.notice === null ? [] : [say(talk.notice.text, voiceOf(talk.language))];
  const opening = talk.notice?.recorded ? [...record, ...notice] : [...notice, ...record];
  return [...opening, connectAction(talk, first), ...chain(talk), ...sorryNcco(talk.language)];
}

/** After the question: a key may be pressed while it is spoken, and so long after it (vonage-voice §4.5: 0 to 10 s). */
const ANSWER_S = 6;

/**
 * Asks whether the call may be recorded, before anything is. The key goes to our event URL, which answers a yes with new instructions. Whatever else
 * happens, no key, another key, no answer of ours: the call goes on without a recording.
 */
export function askNcco(question: string, talk: Omit<Talk, "record" | "notice">): Ncco {
  const { publicUrl, call, language } = talk;
  return [
    { ...say(question, voiceOf(language)), bargeIn: true },
    {
      action: "input",
      type: ["dtmf"],
      dtmf: { maxDigits: 1, timeOut: ANSWER_S },
      eventUrl: [`${publicUrl}/webhooks/vonage/event?call=${call}&asked=consent`],
      eventMethod: "POST",
    },
    ...talkNcco({ ...talk, record: false, notice: null }),
  ];
}

function chain(talk: Talk): Ncco {
  const [, second] = talk.tokens;
  const { oneMoment, stillThere, voice } = wordsIn(talk.language);
  const stretch = 1 + Number.parseInt(talk.call.slice(-3), 16) / 0xfff / 2;
  return TRIES_AFTER_S.flatMap((seconds, index) => [
    ...(index === 0 ? [say(oneMoment, voice)] : index === 3 ? [say(stillThere, voice)] : []),
    { action: "wait", timeout: Math.round(seconds * stretch * 10) / 10 },
    connectAction(talk, second),
  ]);
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
  readonly language: string;
  readonly record: boolean;
}): Ncco {
  return [...(message.record ? [recordAction(message)] : []), say(message.text, voiceOf(message.language))];
}

/**
 * Rings a person for the caller. It runs in a conversation of its own, so the recording begins anew. The event URL may answer: when nobody is
 * reached, with the way back to the agent. Nothing stands after the connect, so the call ends when the person hangs up.
 */
export function handOverNcco(handOver: HandOver, publicUrl: string): Ncco {
  const marks = `call=${handOver.call}&leg=transfer`;
  return [
    ...(handOver.record ? [recordAction({ call: handOver.call, publicUrl })] : []),
    ...(handOver.sorryIn === undefined ? [] : [sayHandedOver(handOver.sorryIn)]),
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

function sayHandedOver(language: string): Ncco[number] {
  const { handedOver, voice } = wordsIn(language);
  return say(handedOver, voice);
}

/** The person was not reached: a word to the caller, and back to the agent. */
export function backNcco(talk: Omit<Talk, "record" | "notice">): Ncco {
  const { nobodyThere, voice } = wordsIn(talk.language);
  return [say(nobodyThere, voice), ...reconnectNcco(talk)];
}

/** The same, with a pause of so long before the first connect; none at all when there is nothing to wait for. */
export function waitBeforeConnect(ncco: Ncco, ms: number): Ncco {
  const at = ncco.findIndex(({ action }) => action === "connect");
  // Vonage waits 0.1 s at least (§4.6).
  return ms <= 0 || at < 0
    ? ncco
    : [...ncco.slice(0, at), { action: "wait", timeout: Math.max(0.1, Math.ceil(ms / 10) / 100) }, ...ncco.slice(at)];
}

/** Polite words and nothing after them: the call ends. */
export function sorryNcco(language = "en"): Ncco {
  const { sorry, voice } = wordsIn(language);
  return [say(sorry, voice)];
}

/** A word before the call goes on. */
export function oneMomentNcco(language = "en"): Ncco {
  const { oneMoment, voice } = wordsIn(language);
  return [say(oneMoment, voice)];
}

/** The body of a REST talk into a call that goes on: a moment (vonage-voice §2.3). */
export function waitOf({ language, again }: { readonly language: string; readonly again: boolean }): {
  text: string;
  language: string;
} {
  const { oneMoment, stillThere, voice } = wordsIn(language);
  return { text: again ? stillThere : oneMoment, language: voice };
}

/** What a person hears before they are connected; null: just that there is a call. */
export function announceNcco(text: string | null, language: string): Ncco {
  const { aCallForYou, voice } = wordsIn(language);
  return [text === null ? say(aCallForYou, voice) : say(text, voiceOf(language))];
}

/** One text, and the call ends. */
export function sayNcco(text: string, language: string): Ncco {
  return [say(text, voiceOf(language))];
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

function connectAction({ publicUrl, call, from, rate }: Pick<Talk, "publicUrl" | "call" | "from" | "rate">, token: string): Ncco[number] {
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
function say(text: string, voice: string): Ncco[number] {
  return { action: "talk", text: text.slice(0, 1500), language: voice };
}
