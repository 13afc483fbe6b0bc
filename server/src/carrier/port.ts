import type { OpenedFile } from "../download.ts";
import type { CallId, ConversationId, LegId } from "../ids.ts";

/** A phone network in our words. Vendors' spellings stop in carrier/<vendor>/. */

export type LegKind = "phone" | "socket" | "transfer";

/** What the carrier says of a leg at its end; all of it optional, all of it kept. */
export interface LegFacts {
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly durationS: number | null;
  readonly rate: string | null;
  readonly price: string | null;
  readonly network: string | null;
  readonly disconnectedBy: "platform" | "user" | null;
  readonly sipCode: number | null;
  readonly detail: string | null;
}

/** Why a leg ended or was never connected. */
export type LegEnd =
  | "completed"
  | "busy"
  | "cancelled"
  | "no_answer"
  | "declined"
  | "invalid_number"
  | "unreachable"
  | "restricted"
  | "failed";

interface Seen {
  readonly leg: LegId | null;
  readonly conversation: ConversationId | null;
  readonly kind: LegKind;
  /** Carrier's timestamp, else our receipt. */
  readonly at: Date;
  /** Our call id out of the URL we gave the carrier. */
  readonly call: CallId | null;
  readonly from: string | null;
  readonly to: string | null;
  /** Does the carrier say that this leg called us? */
  readonly inbound?: boolean;
}

export type CarrierEvent =
  | (Seen & { readonly happened: "started" | "ringing" | "answered" })
  | (Seen & { readonly happened: "ended"; readonly end: LegEnd; readonly facts: LegFacts; readonly status: string })
  /** Our socket was lost while the call goes on: the carrier waits for instructions. */
  | (Seen & { readonly happened: "disconnected" })
  | (Seen & { readonly happened: "machine" | "human"; readonly beep: "start" | "timeout" | null })
  | (Seen & {
      readonly happened: "recorded";
      readonly recording: string;
      readonly url: string;
      readonly sizeBytes: number;
      readonly startedAt: Date | null;
      readonly endedAt: Date | null;
    })
  | (Seen & { readonly happened: "input"; readonly digits: string | null })
  | (Seen & { readonly happened: "moved"; readonly conversationTo: ConversationId })
  | (Seen & { readonly happened: "troubled"; readonly reason: string })
  /** Kept, harmless: networks invent statuses. */
  | (Seen & { readonly happened: "other"; readonly status: string });

export interface Dial {
  readonly call: CallId;
  readonly from: string;
  readonly to: string;
  readonly ringSeconds: number;
  readonly maxSeconds: number;
  /** Whether to find out who answers: `soon` while the call goes on, `beep` before it does, with the machine's beep. */
  readonly detect?: "soon" | "beep";
}

/** A running call is handed to a person; when nobody is reached, the carrier asks what to do instead. */
export interface HandOver {
  readonly call: CallId;
  readonly leg: LegId;
  readonly regionUrl: string | null;
  readonly from: string;
  readonly to: string;
  readonly ringSeconds: number;
  /** Is something said to the person before they are connected? */
  readonly announced: boolean;
  /** Said to the caller first: that we are sorry and cannot go on, in this language. Absent: nothing is. */
  readonly sorryIn?: string;
  readonly record: boolean;
}

/** `unknown`: the request left and no answer came. Nobody redials; webhooks or the watchdog tell. */
export type DialAnswer =
  | { readonly dialed: "yes"; readonly leg: LegId; readonly conversation: ConversationId | null }
  | { readonly dialed: "no"; readonly code: "refused" | "limited" | "unauthorized"; readonly status: number | null; readonly text: string }
  | { readonly dialed: "unknown"; readonly text: string };

export interface LegState {
  readonly leg: LegId;
  readonly status: string;
  readonly end: LegEnd | null;
  readonly facts: LegFacts;
}

export interface Carrier {
  readonly name: string;
  dial(dial: Dial): Promise<DialAnswer>;
  /**
   * Resolves when the carrier accepted it, or the leg is already gone. Retries the too-early refusal (vonage-voice §1.3). Throws CarrierRegionUnknown,
   * as legState does, when without a `regionUrl` it cannot be told whether the leg is gone or in another region (calls/region.ts).
   */
  hangUp(leg: LegId, regionUrl: string | null): Promise<void>;
  /** Asked once by the watchdog; null when the carrier does not know the leg. */
  legState(leg: LegId, regionUrl: string | null): Promise<LegState | null>;
  /**
   * Legs the carrier dialled from `from` to `to` since then: to find `call`, whose dialling was unknown. Absent where a carrier cannot tell.
   */
  legsDialed?(from: string, to: string, since: Date, call: CallId): Promise<LegState[]>;
  /** Sends keys (0-9 * # and p for half a second's pause) to the party on the phone. Absent, as the following, where a carrier cannot. */
  press?(leg: LegId, keys: string, regionUrl: string | null): Promise<void>;
  /** While on, nobody hears the party on the phone. */
  mute?(leg: LegId, on: boolean, regionUrl: string | null): Promise<void>;
  handOver?(handOver: HandOver): Promise<void>;
  /** Speaks a few words to the party on the phone while the call goes on as it is: that they are asked for a moment; `again`: not for the first time. */
  askToWait?(leg: LegId, words: { readonly language: string; readonly again: boolean }, regionUrl: string | null): Promise<void>;
  /** Tells the party on the phone that we are sorry and cannot go on, instead of whatever they hear now, and ends the call. */
  apologise?(leg: LegId, language: string, regionUrl: string | null): Promise<void>;
  /** Speaks a text to the phone leg instead of whatever it hears now, and ends the call. */
  leaveMessage?(message: {
    call: CallId;
    leg: LegId;
    regionUrl: string | null;
    text: string;
    language: string;
    record: boolean;
  }): Promise<void>;
  /** Opens a recording (of `call`, when that is known) for reading; the host is checked against the allow-list first. A download that falls silent is given up. Throws carrier failures. */
  openRecording(url: string, rangeFrom: number, call?: CallId | null): Promise<OpenedFile>;
  /** Would openRecording accept this URL? */
  mayFetch(url: string): boolean;
}
