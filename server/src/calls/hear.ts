import { type CallStatus, callStatuses, canBecome } from "@earshot/contract/status";
import type { CarrierEvent, LegEnd, LegFacts, LegKind } from "../carrier/port.ts";
import type { ConversationId, LegId } from "../ids.ts";
import { AUDIO_S, after, deadlineOf, ENDING_S, HANGUP_S } from "./deadlines.ts";
import { decideEnding, type Ending, wasAnswered } from "./endings.ts";
import { awaitsAudio, type CallKnown, type Known, type LegKnown, phoneLeg, socketLegs } from "./known.ts";

/**
 * What a carrier's word does to what we know of a call. Pure: no clock, no database.
 *
 * Webhooks come late, twice, in any order, or never (vonage-voice §6.4). So nothing here depends on order: a leg only gathers facts
 * (earliest times, weightiest status), and the call's columns follow from the legs' facts. Hearing the same words in another order
 * leads to the same call. Status never goes back; a reason once given may become more exact when the word that names it comes later.
 */
export interface Heard {
  readonly known: Known;
  /** Did the word tell anything new? `late`: what it says was already overtaken; its facts are kept all the same. */
  readonly verdict: "applied" | "late";
  readonly became: readonly CallStatus[];
  /** The reason was given before and is another one now. */
  readonly revised: boolean;
}

type LegWord = { readonly leg: LegId; readonly kind: LegKind; readonly conversation: ConversationId | null; readonly at: Date } & (
  | { readonly happened: "started" | "ringing" | "answered" | "disconnected" }
  | { readonly happened: "machine" | "human"; readonly beep: "start" | "timeout" | null }
  | { readonly happened: "ended"; readonly end: LegEnd; readonly status: string; readonly facts: LegFacts }
);

/** The events that say something of a leg's life; the rest is for the timeline only. */
export function isLegWord(event: CarrierEvent): event is CarrierEvent & LegWord {
  switch (event.happened) {
    case "started":
    case "ringing":
    case "answered":
    case "disconnected":
    case "machine":
    case "human":
    case "ended":
      return event.leg !== null;
    case "recorded":
    case "input":
    case "moved":
    case "troubled":
    case "other":
      return false;
  }
}

/** Hears one word about a leg of this call. */
export function hear(known: Known, word: LegWord, now: Date): Heard {
  const kind = kindOf(known.call, word);
  const before = known.legs.find((leg) => leg.leg === word.leg) ?? null;
  const leg = learn(before ?? unknownLeg(word.leg, kind), word);
  const legs = before === null ? [...known.legs, leg] : known.legs.map((one) => (one.leg === word.leg ? leg : one));
  const call: CallKnown = {
    ...known.call,
    phoneLeg: known.call.phoneLeg ?? (kind === "phone" ? word.leg : null),
    conversation: known.call.conversation ?? word.conversation,
    ...(kind === "phone" ? whoAnswered(known.call, word) : {}),
  };
  const settled = settle({ call, legs }, now);
  const moved = settled.became.length > 0 || settled.revised;
  const overtaken = before !== null && weightOf(word) <= weightOfLeg(before);
  return { ...settled, verdict: moved || !overtaken ? "applied" : "late" };
}

/** Brings a call's columns to what its legs say. Also for the watchdog, after the carrier's answer was merged into a leg. */
export function settle(known: Known, now: Date, otherwise: Ending | null = null): Omit<Heard, "verdict"> {
  const { call } = known;
  const phone = phoneLeg(known);
  // Once audio flows, utterances are counted from answeredAt: then it stays, right or nearly right.
  const answeredAt = call.socketStartedAt !== null && call.answeredAt !== null ? call.answeredAt : (answeredAtOf(known) ?? call.answeredAt);
  const ringingAt = earliest(call.ringingAt, phone?.ringingAt ?? null);
  const seen: CallKnown = { ...call, answeredAt, ringingAt, socketLeg: latestSocket(known) ?? call.socketLeg };
  const ending = decideEnding({ call: seen, legs: known.legs }) ?? (call.status === "ended" ? null : otherwise);

  const became: CallStatus[] = [];
  let status = call.status;
  for (const next of furthest(seen, phone, ending !== null)) {
    if (!canBecome(status, next)) continue;
    status = next;
    became.push(next);
  }
  const revised = call.status === "ended" && ending !== null && ending.reason !== call.endReason;
  const over = phone?.overAt ?? null;
  const told = ending !== null && (call.status !== "ended" || revised);
  const walked: CallKnown = { ...seen, status };
  return {
    known: {
      call: {
        ...walked,
        endReason: told ? ending.reason : call.endReason,
        endDetail: told || (ending !== null && ending.reason === call.endReason) ? ending.detail : call.endDetail,
        endedAt: status === "ended" ? (over ?? call.endedAt ?? ending?.at ?? now) : null,
        deadlineAt: deadline(call, { call: walked, legs: known.legs }, phone, became.length > 0, now),
      },
      legs: known.legs,
    },
    became,
    revised,
  };
}

/**
 * What the carrier said of the phone leg when asked: the same facts as a webhook would have brought. It tells no time of what is going on, so
 * what is known already keeps its time.
 */
export function wordOf(
  leg: LegId,
  call: CallKnown,
  state: { readonly status: string; readonly end: LegEnd | null; readonly facts: LegFacts },
  now: Date,
): LegWord | null {
  const seen = { leg, kind: "phone", conversation: null } as const;
  if (state.end !== null)
    return { ...seen, at: state.facts.endedAt ?? now, happened: "ended", end: state.end, status: state.status, facts: state.facts };
  switch (state.status) {
    case "started":
      return { ...seen, at: call.dialedAt ?? now, happened: "started" };
    case "ringing":
      return { ...seen, at: call.ringingAt ?? now, happened: "ringing" };
    case "answered":
    case "machine":
    case "human":
      return { ...seen, at: call.answeredAt ?? state.facts.startedAt ?? now, happened: "answered" };
    default:
      // A status nobody knows yet: the leg lives, more it does not say.
      return null;
  }
}

/** A machine once heard stays one: what says "human" before or after it was guessing. */
function whoAnswered(call: CallKnown, word: LegWord): Pick<CallKnown, "answeredBy" | "beepAt"> {
  if (word.happened !== "human" && word.happened !== "machine") return { answeredBy: call.answeredBy, beepAt: call.beepAt };
  const machine = word.happened === "machine" || call.answeredBy === "machine";
  return { answeredBy: machine ? "machine" : "human", beepAt: earliest(call.beepAt, word.beep === null ? null : word.at) };
}

/** A second leg that looks like a phone is somebody the call was connected to: it never decides over the call. */
function kindOf(call: CallKnown, word: LegWord): LegKind {
  return word.kind === "phone" && call.phoneLeg !== null && call.phoneLeg !== word.leg ? "transfer" : word.kind;
}

function learn(leg: LegKnown, word: LegWord): LegKnown {
  const at = word.at;
  const weighs = weightOf(word) > weightOfLeg(leg);
  const seen: LegKnown = { ...leg, seenAt: earliest(leg.seenAt, at), status: weighs ? statusOf(word) : leg.status };
  switch (word.happened) {
    case "started":
    case "machine":
    case "human":
      return seen;
    case "ringing":
      return { ...seen, ringingAt: earliest(leg.ringingAt, at) };
    case "answered":
      return { ...seen, answeredAt: earliest(leg.answeredAt, at) };
    case "disconnected":
      return { ...seen, lostAt: earliest(leg.lostAt, at) };
    case "ended": {
      const { facts } = word;
      // The weightier word's fact wins, the other fills what it leaves open: a `completed` after `busy` brings the price.
      const pick = <T>(told: T | null, had: T | null): T | null => (weighs ? (told ?? had) : (had ?? told));
      return {
        ...seen,
        endedAs: weighs ? word.end : (leg.endedAs ?? word.end),
        detail: pick(facts.detail, leg.detail),
        sipCode: pick(facts.sipCode, leg.sipCode),
        disconnectedBy: pick(facts.disconnectedBy, leg.disconnectedBy),
        startedAt: pick(facts.startedAt, leg.startedAt),
        endedAt: pick(facts.endedAt, leg.endedAt),
        durationS: pick(facts.durationS, leg.durationS),
        rate: pick(facts.rate, leg.rate),
        price: pick(facts.price, leg.price),
        network: pick(facts.network, leg.network),
        overAt: earliest(leg.overAt, at),
      };
    }
  }
}

/** A failure outweighs the `completed` that follows it; among failures the more telling one, so that order does not matter. */
const endWeights: Readonly<Record<LegEnd, number>> = {
  completed: 10,
  failed: 11,
  cancelled: 12,
  no_answer: 13,
  unreachable: 14,
  declined: 15,
  restricted: 16,
  busy: 17,
  invalid_number: 18,
};
const weights = { started: 1, ringing: 2, answered: 3, human: 4, machine: 5, disconnected: 6 } as const;

function weightOf(word: LegWord): number {
  return word.happened === "ended" ? endWeights[word.end] : weights[word.happened];
}

function weightOfLeg(leg: LegKnown): number {
  if (leg.endedAs !== null) return endWeights[leg.endedAs];
  return leg.status !== null && Object.hasOwn(weights, leg.status) ? weights[leg.status as keyof typeof weights] : 0;
}

function statusOf(word: LegWord): string {
  return word.happened === "ended" ? word.status : word.happened;
}

/** The statuses the evidence leads through, in order. */
function furthest(call: CallKnown, phone: LegKnown | null, over: boolean): CallStatus[] {
  const walked: Partial<Record<CallStatus, boolean>> = {
    dialing: call.dialedAt !== null || (phone !== null && call.direction === "outbound"),
    ringing: call.ringingAt !== null && !over,
    in_progress: call.answeredAt !== null && !over,
    ended: over,
  };
  return callStatuses.filter((status) => walked[status] === true);
}

/** The phone's own word before the socket's, the carrier's whole-second start_time last. */
function answeredAtOf(known: Known): Date | null {
  const phone = phoneLeg(known);
  if (phone?.answeredAt) return phone.answeredAt;
  const socket = socketLegs(known).reduce<Date | null>((first, { answeredAt }) => earliest(first, answeredAt), null);
  if (socket !== null) return socket;
  if (!wasAnswered(known) || phone === null) return null;
  if (phone.startedAt !== null) return phone.startedAt;
  return phone.overAt === null || phone.durationS === null ? null : after(phone.overAt, -phone.durationS);
}

function latestSocket(known: Known): LegId | null {
  const sockets = socketLegs(known).sort((a, b) => (a.seenAt?.getTime() ?? 0) - (b.seenAt?.getTime() ?? 0) || (a.leg < b.leg ? -1 : 1));
  return sockets.at(-1)?.leg ?? null;
}

function deadline(before: CallKnown, known: Known, phone: LegKnown | null, moved: boolean, now: Date): Date | null {
  const { call } = known;
  if (call.status === "ended") return null;
  const usual = moved || before.deadlineAt === null ? deadlineOf(call.status, call) : before.deadlineAt;
  const hungUp = call.hangupAskedAt === null ? null : after(call.hangupAskedAt, HANGUP_S);
  // Over, but why is not known yet: the reason has a short time to come before the carrier is asked.
  const over = phone?.endedAs ? after(now, ENDING_S) : null;
  const audio = moved && awaitsAudio(known) ? after(now, AUDIO_S) : null;
  return [hungUp, over, audio].reduce(earliest, usual);
}

function unknownLeg(leg: LegId, kind: LegKind): LegKnown {
  return {
    leg,
    kind,
    status: null,
    endedAs: null,
    detail: null,
    sipCode: null,
    disconnectedBy: null,
    startedAt: null,
    endedAt: null,
    durationS: null,
    rate: null,
    price: null,
    network: null,
    seenAt: null,
    ringingAt: null,
    answeredAt: null,
    lostAt: null,
    overAt: null,
  };
}

function earliest(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other;
  return one <= other ? one : other;
}
