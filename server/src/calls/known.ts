import type { Direction } from "@earshot/contract/call";
import type { CallStatus, EndReason } from "@earshot/contract/status";
import type { LegEnd, LegKind } from "../carrier/port.ts";
import type { CallId, ConversationId, LegId } from "../ids.ts";

/** What is known of one leg: a row of `legs`. Grows only; the order in which it was learned leaves no trace (see hear.ts). */
export interface LegKnown {
  readonly leg: LegId;
  readonly kind: LegKind;
  /** The carrier's weightiest word, its own spelling. */
  readonly status: string | null;
  readonly endedAs: LegEnd | null;
  readonly detail: string | null;
  readonly sipCode: number | null;
  readonly disconnectedBy: string | null;
  /** The carrier's start_time and end_time, whole seconds. */
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly durationS: number | null;
  readonly rate: string | null;
  readonly price: string | null;
  readonly network: string | null;
  /** Earliest timestamps of the carrier's events. */
  readonly seenAt: Date | null;
  readonly ringingAt: Date | null;
  readonly answeredAt: Date | null;
  readonly lostAt: Date | null;
  readonly overAt: Date | null;
}

/** The columns of a call its walk is decided from. */
export interface CallKnown {
  readonly id: CallId;
  readonly direction: Direction;
  readonly status: CallStatus;
  readonly endReason: EndReason | null;
  readonly endDetail: string | null;
  readonly createdAt: Date;
  readonly dialedAt: Date | null;
  readonly ringingAt: Date | null;
  readonly answeredAt: Date | null;
  readonly endedAt: Date | null;
  readonly deadlineAt: Date | null;
  /** When the watchdog asked the carrier; it asks once. */
  readonly askedAt: Date | null;
  readonly hangupAskedAt: Date | null;
  readonly hangupAskedBy: string | null;
  /** Why, when one of our rules asked and its name does not tell it: a sentence. */
  readonly hangupBecause: string | null;
  readonly phoneLeg: LegId | null;
  readonly socketLeg: LegId | null;
  readonly conversation: ConversationId | null;
  /** Who picked up, as the carrier thinks; null: it was not asked or does not know. */
  readonly answeredBy: "human" | "machine" | null;
  readonly beepAt: Date | null;
  /** When the carrier was told to leave our message with a machine. */
  readonly messageAt: Date | null;
  /** When it was met outside the opening hours, without an agent. */
  readonly closedAt: Date | null;
  /** Was the caller ever to be handed to a person? */
  readonly handedOver: boolean;
  /** First audio frame: from here on the call's zero (answeredAt) stays where it is. */
  readonly socketStartedAt: Date | null;
  /** Longest talk the call's agent allows; null when it has none. */
  readonly maxMinutes: number | null;
  /** Does its agent want it recorded by the carrier? */
  readonly record: boolean;
}

export interface Known {
  readonly call: CallKnown;
  readonly legs: readonly LegKnown[];
}

/** Answered, and an agent should talk, but not one frame of audio ever came. */
export function awaitsAudio({ call, legs }: Known): boolean {
  if (call.status !== "in_progress" || call.socketStartedAt !== null) return false;
  return call.messageAt === null && call.closedAt === null && call.maxMinutes !== null && !legs.some(({ kind }) => kind === "transfer");
}

/** The leg whose life is the call's life; null before the carrier named one. */
export function phoneLeg({ call, legs }: Known): LegKnown | null {
  return legs.find((leg) => leg.kind === "phone" && (call.phoneLeg === null || leg.leg === call.phoneLeg)) ?? null;
}

/** People the call was handed to. */
export const transferLegs = ({ legs }: Known): LegKnown[] => legs.filter((leg) => leg.kind === "transfer");

export const socketLegs = ({ legs }: Known): LegKnown[] => legs.filter((leg) => leg.kind === "socket");
