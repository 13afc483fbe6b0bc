import type { Line, Person } from "../people/person.ts";
import { openAudioSocket } from "./audio-socket.ts";
import { detectionEvent, progressEvent } from "./events.ts";
import { sendKeys } from "./keys.ts";
import type { Leg } from "./leg.ts";
import { type Amd, detect } from "./machine-detection.ts";
import type { Media } from "./media.ts";
import { PersonOnThePhone } from "./person-on-the-phone.ts";
import type { Switchboard } from "./switchboard.ts";
import type { Endpoint, Websocket } from "./wire.ts";

/** From `started` to `ringing`. */
export const RINGS_AFTER_MS = 120;

export interface Dialling {
  readonly ringS: number;
  readonly limitS: number;
  readonly detection: Amd | null;
  /** The called party has answered, and machine detection lets the call go on. */
  proceed(): void;
}

/** Rings a leg's party. What comes of it is told by events; `plan.proceed` when it was answered. */
export function dial(exchange: Switchboard, leg: Leg, to: Endpoint, plan: Dialling): void {
  exchange.tell(leg, "started", progressEvent(leg.facts, "started", exchange.parts.ticker.now()));
  // on a leg that was answered meanwhile the table of statuses lets nothing happen
  leg.after(RINGS_AFTER_MS + plan.ringS * 1_000, () => exchange.refuse(leg, "timeout", { by: "platform" }));
  switch (to.type) {
    case "websocket":
      void dialSocket(exchange, leg, to, plan);
      break;
    case "phone":
      dialPhone(exchange, leg, to.number, to.dtmfAnswer ?? "", plan);
      break;
    case "sip":
    case "app":
    case "vbc":
      leg.after(RINGS_AFTER_MS, () => exchange.refuse(leg, "failed", { detail: "cannot_route", sipCode: 404 }));
      break;
  }
}

function dialPhone(exchange: Switchboard, leg: Leg, number: string, dtmfAnswer: string, plan: Dialling): void {
  const { directory, ticker, phones } = exchange.parts;
  const person = directory.find(number);
  if (!person) {
    leg.after(RINGS_AFTER_MS, () => exchange.refuse(leg, "failed", { detail: "number_out_of_service", sipCode: 404 }));
    return;
  }
  const { whenDialled, callsBackAfterMs } = person;
  if (callsBackAfterMs !== undefined) {
    leg.whenOver(() => {
      ticker.after(callsBackAfterMs, () => {
        exchange.parts.personCallsIn(exchange, person).catch((problem: Error) => leg.plan.ledger.note(leg.uuid, problem.message));
      });
    });
  }
  const pickedUp = (media: Media): void => answer(exchange, leg, person, media, dtmfAnswer, plan);

  if ("refuses" in whenDialled) {
    const { refuses, detail, sipCode, afterMs, rings } = whenDialled;
    if (rings) leg.after(RINGS_AFTER_MS, () => exchange.ringing(leg));
    leg.after(RINGS_AFTER_MS + afterMs, () =>
      exchange.refuse(leg, refuses, { ...(detail ? { detail } : {}), ...(sipCode ? { sipCode } : {}) }),
    );
    return;
  }
  leg.after(RINGS_AFTER_MS, () => exchange.ringing(leg));
  if ("browser" in whenDialled) phones.ring(leg, pickedUp);
  if (!("answers" in whenDialled)) return;
  const sounds = directory.soundsOf(person);
  sounds.catch(() => undefined);
  leg.after(RINGS_AFTER_MS + whenDialled.answers.afterMs, () => {
    sounds.then(
      (ready) => pickedUp(personMedia(exchange, leg, person, ready)),
      (problem) => {
        leg.plan.ledger.note(
          leg.uuid,
          `this person's sounds cannot be had: ${problem instanceof Error ? problem.message : String(problem)}`,
        );
        exchange.refuse(leg, "failed", { detail: "internal_error" });
      },
    );
  });
}

/** An emulated person at the end of a leg. */
export function personMedia(exchange: Switchboard, leg: Leg, person: Person, sounds: ReadonlyMap<Line, Int16Array>): Media {
  return new PersonOnThePhone(person, sounds, {
    hangUp: () => exchange.end(leg, "user"),
    pressed: (digit) => exchange.pressed(leg, digit),
    says: (text, lengthMs) => {
      leg.plan.ledger.note(leg.uuid, text ? `says: ${text}` : `says something of ${(lengthMs / 1_000).toFixed(1)} s`);
      if (text) leg.spoken.push({ text, atMs: exchange.parts.ticker.nowMs, lengthMs: Math.round(lengthMs) });
    },
    beeped: () => leg.beeped(),
  });
}

function answer(exchange: Switchboard, leg: Leg, person: Person, media: Media, dtmfAnswer: string, plan: Dialling): void {
  if (leg.over) {
    media.close();
    return;
  }
  leg.media = exchange.overheard(leg, media);
  exchange.answered(leg);
  leg.after(plan.limitS * 1_000, () => exchange.end(leg, "platform"));
  sendKeys(leg, dtmfAnswer);
  if (!plan.detection) {
    plan.proceed();
    return;
  }
  detect(leg, person.detection, plan.detection, {
    found: (is, subState) => exchange.tell(leg, is, detectionEvent(leg.facts, is, subState, exchange.parts.ticker.now())),
    hangUp: () => exchange.end(leg, "platform"),
    proceed: plan.proceed,
  });
}

async function dialSocket(exchange: Switchboard, leg: Leg, to: Websocket, plan: Dialling): Promise<void> {
  const { settings, webhooks, dump } = exchange.parts;
  exchange.ringing(leg);
  const { cutsSocketAfterMs, refusesSocket } = leg.plan.ledger.faults;
  if (refusesSocket) {
    leg.plan.ledger.note(leg.uuid, "this number's network finds nobody at the socket's address");
    leg.after(RINGS_AFTER_MS, () => exchange.refuse(leg, "unanswered", { detail: "unavailable" }));
    return;
  }
  const tap = dump?.tap(leg.uuid, Number(/rate=(\d+)/.exec(to["content-type"])?.[1])) ?? null;
  const authorization =
    to.authorization?.type === "vonage" ? await webhooks.socketAuthorization(to.uri) : (to.authorization?.value ?? null);
  const opened = await openAudioSocket(
    {
      uri: to.uri,
      contentType: to["content-type"],
      headers: to.headers,
      authorization,
      openWithinMs: Math.min(settings.connectTimeoutMs + settings.answerTimeoutMs, plan.ringS * 1_000),
      oddFrames: settings.oddFrames,
      notifyAfterClear: settings.notifyAfterClear,
    },
    { lost: (code) => exchange.lost(leg, code), note: (said) => leg.plan.ledger.note(leg.uuid, said) },
    tap?.tap ?? null,
  );
  if (!opened.open || leg.over) {
    if (tap) exchange.dumped(tap.close());
    if (opened.open) opened.socket.close();
    else {
      leg.plan.ledger.note(leg.uuid, opened.because);
      exchange.refuse(leg, opened.status, { detail: opened.detail });
    }
    return;
  }
  const { socket } = opened;
  leg.media = socket;
  leg.socket = socket.facts;
  if (tap && dump) {
    leg.whenOver(() =>
      exchange.dumped(
        tap.close().then((files) => dump.facts(leg.uuid, { ...leg.facts, ...socket.facts, receivedAtMs: tap.receivedAtMs, files })),
      ),
    );
  }
  exchange.answered(leg);
  leg.after(plan.limitS * 1_000, () => exchange.end(leg, "platform"));
  if (cutsSocketAfterMs !== undefined) leg.after(cutsSocketAfterMs, () => socket.cut());
  plan.proceed();
}
