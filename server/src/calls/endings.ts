import { type EndReason, endReasons } from "@earshot/contract/status";
import type { LegEnd } from "../carrier/port.ts";
import { type Known, type LegKnown, phoneLeg, socketLegs, transferLegs } from "./known.ts";

/** Why a call ended, and the evidence for it in one sentence. */
export interface Ending {
  readonly reason: EndReason;
  readonly detail: string;
  /** When, if the carrier does not tell and it was not now. */
  readonly at?: Date;
}

/** The carrier says such a leg never got anywhere: nothing that comes later makes it another ending. */
const failures: Readonly<Record<Exclude<LegEnd, "completed">, Ending>> = {
  busy: { reason: "busy", detail: "The callee's line was busy" },
  cancelled: { reason: "cancelled", detail: "It was given up before anyone answered" },
  no_answer: { reason: "no_answer", detail: "It rang and nobody answered" },
  declined: { reason: "declined", detail: "The callee refused the call" },
  invalid_number: { reason: "invalid_number", detail: "The carrier says the number does not exist" },
  unreachable: { reason: "unreachable", detail: "The carrier cannot route to the number or it is out of service" },
  restricted: { reason: "restricted", detail: "The carrier does not allow calls to this number" },
  failed: { reason: "carrier_failed", detail: "The carrier reported a failure of its own" },
};

/** SIP answers that say by themselves why an unanswered call was over, when the event that names it was lost (RFC 3261 §21.4, §21.6). */
export const sipTells: Readonly<Record<number, Exclude<LegEnd, "completed">>> = { 486: "busy", 600: "busy", 480: "no_answer" };

/** A talk that stops this close to its longest length was stopped by it. Durations are whole seconds. */
const LIMIT_SLACK_S = 2;

/** Whoever hangs up so long after their audio could not be opened has waited for it. */
const GAVE_UP_MS = 2_000;

/**
 * Why the call ended, from all that is known now; null while the carrier has not said that the phone leg is over, or has said only that
 * an unanswered call is over and not why (the reason usually follows in the same second; else the watchdog asks).
 * Depends on what is known, never on the order in which it was learned. More knowledge may make the answer more exact.
 */
export function decideEnding(known: Known): Ending | null {
  const phone = phoneLeg(known);
  if (phone === null || phone.endedAs === null) return null;
  return wasAnswered(known) ? endOfTalk(known, phone) : endWithoutTalk(known, phone, phone.endedAs);
}

/** Was there ever a conversation? A leg that lasted was answered, even when the event that says so was lost. */
export function wasAnswered(known: Known): boolean {
  const phone = phoneLeg(known);
  if (known.call.answeredAt !== null || phone?.answeredAt) return true;
  if (socketLegs(known).some((socket) => socket.answeredAt !== null)) return true;
  return phone?.endedAs === "completed" && (phone.durationS ?? 0) > 0;
}

/** The last resort of the watchdog: no word of the end came, or no reason for it. */
export function lost(known: Known, evidence: string): Ending {
  const phone = phoneLeg(known);
  if (known.call.direction === "outbound" && known.call.dialedAt === null && phone === null) {
    return { reason: "not_dialed", detail: "The server stopped before the carrier was asked to dial." };
  }
  return { reason: "lost", detail: evidence };
}

function endWithoutTalk({ call }: Known, phone: LegKnown, end: LegEnd): Ending | null {
  if (end !== "completed") {
    if (end === "cancelled" && call.hangupAskedBy !== null) return givenUp(call.hangupAskedBy, call.hangupBecause);
    return withEvidence(failures[end], phone);
  }
  const told = phone.sipCode === null ? undefined : sipTells[phone.sipCode];
  if (told !== undefined) return withEvidence(failures[told], phone);
  if (call.hangupAskedBy !== null) return givenUp(call.hangupAskedBy, call.hangupBecause);
  if (call.direction === "inbound") return { reason: "cancelled", detail: "The caller gave up before the call was answered." };
  return null;
}

function endOfTalk(known: Known, phone: LegKnown): Ending {
  const { call } = known;
  const end = phone.endedAs ?? "completed";
  if (call.hangupAskedBy !== null && !(phone.disconnectedBy === "user" && endedBefore(phone, call.hangupAskedAt)))
    return asked(call.hangupAskedBy, call.hangupBecause);
  if (end === "failed") return withEvidence({ reason: "carrier_failed", detail: "The carrier lost the call while people spoke" }, phone);
  if (call.messageAt !== null)
    return { reason: "voicemail", detail: "A machine answered; the carrier was to leave our message after its beep." };
  if (transferLegs(known).some(wasConnected))
    return { reason: "transferred", detail: talked(phone, "The caller was connected to a person, and they ended") };
  if (call.closedAt !== null) return { reason: "outside_hours", detail: talked(phone, "It came outside the opening hours and ended") };
  const unheard = neverHeard(known, phone);
  if (unheard !== null) return { reason: "media_failed", detail: talked(phone, `${unheard}; the person on the phone gave up`) };
  if (phone.disconnectedBy === "user") return { reason: "caller_hung_up", detail: talked(phone, "The person on the phone hung up") };
  if (call.maxMinutes !== null && (phone.durationS ?? 0) >= call.maxMinutes * 60 - LIMIT_SLACK_S) {
    return { reason: "time_limit", detail: `It reached the longest allowed length, ${call.maxMinutes} minutes.` };
  }
  const audio = lostAudio(known);
  if (audio !== null) return { reason: "media_failed", detail: audio };
  if (phone.disconnectedBy === "platform") {
    // Connected and done, or never connected: the words that tell did not come.
    if (call.handedOver && !transferLegs(known).some((leg) => leg.endedAs !== null))
      return { reason: "lost", detail: "The caller was being handed to a person; no word of what became of that came." };
    return { reason: "media_failed", detail: "The carrier ended the call although nobody asked it to: it had run out of instructions." };
  }
  if (phone.disconnectedBy === null && call.socketStartedAt === null && socketLegs(known).length === 0)
    return { reason: "media_failed", detail: "The carrier says the call was completed; it was never connected to our audio." };
  return { reason: "caller_hung_up", detail: talked(phone, "The carrier says the call was completed") };
}

/** A person the caller was handed to picked up. */
export function wasConnected(leg: LegKnown): boolean {
  return leg.answeredAt !== null || (leg.endedAs === "completed" && (leg.durationS ?? 0) > 0);
}

/**
 * Somebody hung up who was never connected to our audio, though the carrier had tried to: what it said of that. A hang-up within `GAVE_UP_MS` of the
 * failure may be its cause: null then, as when audio was there at any time.
 */
function neverHeard(known: Known, phone: LegKnown): string | null {
  const sockets = socketLegs(known);
  if (phone.disconnectedBy !== "user" || known.call.socketStartedAt !== null) return null;
  if (sockets.some((socket) => socket.answeredAt !== null)) return null;
  const endedAt = phone.overAt?.getTime() ?? 0;
  const failed = sockets.find(
    ({ endedAs, overAt }) => endedAs !== null && endedAs !== "completed" && overAt !== null && endedAt - overAt.getTime() > GAVE_UP_MS,
  );
  return failed === undefined ? null : `The carrier could not open the audio connection (${failed.status})`;
}

/** The sentence of an audio connection that broke or was never made, with no later one that was; null when audio was in order. */
function lostAudio(known: Known): string | null {
  const sockets = socketLegs(known);
  const broken = sockets.filter((socket) => socket.lostAt !== null || (socket.endedAs !== null && socket.endedAs !== "completed"));
  const mended = (at: Date) => sockets.some((socket) => socket.lostAt === null && socket.answeredAt !== null && socket.answeredAt > at);
  const last = broken.find((socket) => !mended(socket.lostAt ?? socket.overAt ?? new Date(0)));
  if (last === undefined) return null;
  return last.lostAt !== null
    ? "Our audio connection broke off and was not restored."
    : `The carrier could not open the audio connection (${last.status}).`;
}

function givenUp(by: string, because: string | null): Ending {
  const ending = asked(by, because);
  const ours = by.startsWith("us:") && ending.reason !== "operator_hung_up";
  return ours
    ? ending
    : { reason: "cancelled", detail: `${by === "agent" ? "The agent" : "Someone"} gave up the call before anyone answered.` };
}

/** Who asked for the end: an operator or program, the agent, or one of our own rules (`us:<end reason>`). */
function asked(by: string, because: string | null = null): Ending {
  if (by === "agent") return { reason: "agent_hung_up", detail: "The agent ended the call." };
  const rule = by.startsWith("us:") ? by.slice(3) : "";
  if (Object.hasOwn(endReasons, rule)) return { reason: rule as EndReason, detail: because ?? endReasons[rule as EndReason].line };
  return { reason: "operator_hung_up", detail: "Hang up was asked for in the dashboard or by a program." };
}

function endedBefore(phone: LegKnown, at: Date | null): boolean {
  return at !== null && phone.overAt !== null && phone.overAt < at;
}

function talked(phone: LegKnown, what: string): string {
  return phone.durationS === null ? `${what}.` : `${what} after ${phone.durationS} s.`;
}

function withEvidence(ending: Ending, phone: LegKnown): Ending {
  const evidence = [phone.status, phone.detail, phone.sipCode === null ? null : `SIP ${phone.sipCode}`].filter((part) => part !== null);
  return { reason: ending.reason, detail: `${ending.detail} (${evidence.join(", ")}).` };
}
