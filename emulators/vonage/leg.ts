import { randomUUID } from "node:crypto";
import type { SocketFacts } from "./audio-socket.ts";
import type { Conversation } from "./conversation.ts";
import { type Bill, bill, type LegFacts } from "./events.ts";
import type { Ledger } from "./ledger.ts";
import { type LegStatus, mayFollow } from "./leg-status.ts";
import type { Media } from "./media.ts";
import type { Frame } from "./mix.ts";
import type { Ncco } from "./ncco.ts";
import { Player } from "./player.ts";
import type { Run } from "./run.ts";
import type { Ticker } from "./ticker.ts";
import type { Spoken } from "./transcript.ts";
import type { Target } from "./webhooks.ts";

export interface LegPlan {
  readonly kind: "phone" | "websocket";
  readonly direction: "inbound" | "outbound";
  readonly from: string;
  readonly to: string;
  /** REST's form of the two ends. */
  readonly fromEndpoint: Readonly<Record<string, unknown>>;
  readonly toEndpoint: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly events: Target | null;
  /** The leg whose `connect` made this one. */
  readonly parent: Leg | null;
  /** Was that connect synchronous: may the reply to any of its events be an NCCO? */
  readonly synchronous: boolean;
  readonly ledger: Ledger;
}

/** Inbound legs have 32 hex digits, others a dashed UUID: both forms are in the wild, so both are here. */
function newUuid(direction: "inbound" | "outbound"): string {
  const uuid = randomUUID();
  return direction === "inbound" ? uuid.replaceAll("-", "") : uuid;
}

/**
 * One party's connection. `status` follows the table in leg-status.ts; `completed` and `rejected` are final, and then everything that
 * hangs on the leg (media, delays, its NCCO) is let go by `close`. Only the switchboard moves a leg.
 */
export class Leg {
  readonly uuid: string;
  readonly plan: LegPlan;
  readonly createdAt: Date;
  readonly createdMs = performance.now();
  conversation: Conversation;
  /** Its latest status, and the one REST shows: a failure is not overwritten by the `completed` that follows it. */
  status: LegStatus = "started";
  shown: LegStatus | "machine" = "started";
  answeredAt: Date | null = null;
  endedAt: Date | null = null;
  endedBy: "platform" | "user" | null = null;
  media: Media | null = null;
  /** The figures of a websocket leg's socket. */
  socket: Readonly<SocketFacts> | null = null;
  /** What the network itself plays into this ear: talk, stream, tones. `talk` and `stream` started by REST have their own. */
  readonly prompts = new Player();
  readonly restTalk = new Player();
  readonly restStream = new Player();
  /** Keys sent to this leg's party, as it hears them. */
  readonly restKeys = new Player();
  run: Run | null = null;
  /** Gets the NCCO an event of this leg was answered with; set by the `connect` that made it. */
  replies: ((ncco: Ncco) => void) | null = null;
  /** Events under way whose reply may be an NCCO. */
  readonly asked = new Set<Promise<void>>();
  muted = false;
  earmuffed = false;
  /** Answered, but not joined to the others yet: it hears and is heard by nobody. */
  aside = false;
  /** Uuids of the legs that may hear this one, and that this one may hear; null is everyone. */
  heardBy: readonly string[] | null = null;
  hearsOnly: readonly string[] | null = null;
  /** This tick's sound. */
  said: Frame = null;
  heard: Frame = null;
  /** The part of `heard` that is the network's own. */
  prompt: Frame = null;
  /** Keys this party presses go to each of these. */
  readonly onKey = new Set<(digit: string) => void>();
  /** Where `PUT .../input/dtmf` sends them. */
  keysTo: Target | null = null;
  /** What an emulated person at its end has said. */
  readonly spoken: Spoken[] = [];
  readonly #ticker: Ticker;
  readonly #delays = new Set<() => void>();
  readonly #whenOver = new Set<() => void>();
  #beeped = false;
  #whenBeeped: (() => void) | null = null;

  constructor(plan: LegPlan, conversation: Conversation, ticker: Ticker) {
    this.uuid = newUuid(plan.direction);
    this.plan = plan;
    this.conversation = conversation;
    this.#ticker = ticker;
    this.createdAt = ticker.now();
  }

  get facts(): LegFacts {
    const { from, to, direction, headers } = this.plan;
    return { uuid: this.uuid, conversationUuid: this.conversation.uuid, from, to, direction, headers };
  }

  get over(): boolean {
    return this.status === "completed" || this.status === "rejected";
  }

  get talking(): boolean {
    return this.status === "answered";
  }

  /** The bill once it is over. */
  get bill(): Bill | null {
    return this.endedAt ? bill(this.plan.kind, this.answeredAt, this.endedAt) : null;
  }

  /** Moves on if the table allows it. */
  move(next: LegStatus, at: Date): boolean {
    if (!mayFollow(this.status, next)) return false;
    const failed = !(["started", "ringing", "answered", "disconnected"] as LegStatus[]).includes(this.status);
    this.status = next;
    if (!failed && next !== "disconnected") this.shown = next;
    if (next === "answered") this.answeredAt = at;
    if (this.over) this.endedAt = at;
    return true;
  }

  /** A delay on the audio clock that ends with the leg. */
  after(ms: number, then: () => void): () => void {
    const stop = this.#ticker.after(ms, () => {
      this.#delays.delete(stop);
      then();
    });
    this.#delays.add(stop);
    return () => {
      this.#delays.delete(stop);
      stop();
    };
  }

  /** Calls `then` when the leg is over; at once if it is. */
  whenOver(then: () => void): () => void {
    if (this.over) then();
    else this.#whenOver.add(then);
    return () => void this.#whenOver.delete(then);
  }

  pressed(digit: string): void {
    for (const heard of [...this.onKey]) heard(digit);
  }

  /** The party's own tone has sounded: a voicemail box listens now. */
  beeped(): void {
    this.#beeped = true;
    this.#whenBeeped?.();
    this.#whenBeeped = null;
  }

  /** Calls `then` when the tone has sounded; at once if it has. */
  onceBeeped(then: () => void): void {
    if (this.#beeped) then();
    else this.#whenBeeped = then;
  }

  /** Lets go of everything; the last thing that happens to a leg. */
  close(): void {
    for (const stop of this.#delays) stop();
    this.#delays.clear();
    this.prompts.stop();
    this.restTalk.stop();
    this.restStream.stop();
    this.restKeys.stop();
    this.run?.stop();
    this.media?.close();
    this.onKey.clear();
    const told = [...this.#whenOver];
    this.#whenOver.clear();
    for (const then of told) then();
  }
}
