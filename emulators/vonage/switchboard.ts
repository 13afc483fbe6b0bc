import type { Person } from "../people/person.ts";
import type { Application } from "./application.ts";
import type { BrowserPhones } from "./browser-phones.ts";
import { Conversation } from "./conversation.ts";
import type { Directory } from "./directory.ts";
import type { Dump } from "./dump.ts";
import {
  answeredEvent,
  completedEvent,
  disconnectedEvent,
  errorEvent,
  inputEvent,
  progressEvent,
  refusedEvent,
  transferEvent,
} from "./events.ts";
import { KEY_MS } from "./keys.ts";
import { Leg, type LegPlan } from "./leg.ts";
import { type Refusal, sipCodes } from "./leg-status.ts";
import type { RollingSecond } from "./limits.ts";
import type { Media } from "./media.ts";
import type { Ncco } from "./ncco.ts";
import type { Recordings } from "./recordings.ts";
import type { Settings } from "./settings.ts";
import type { Ticker } from "./ticker.ts";
import type { Instructions, Payload, Target, Webhooks } from "./webhooks.ts";

/** Legs remembered after their end. */
const KEPT_LEGS = 2_000;

export interface Parts {
  readonly settings: Settings;
  readonly application: Application;
  readonly ticker: Ticker;
  readonly webhooks: Webhooks;
  readonly directory: Directory;
  readonly recordings: Recordings;
  /** New calls, `connect` included. */
  readonly calls: RollingSecond;
  readonly phones: BrowserPhones;
  readonly dump: Dump | null;
  /** Where this network can be reached. */
  ownUrl(): string;
  /** Something about a call changed: for whoever watches. */
  changed(): void;
  /** A called party that stands aside answered: what its `onAnswer` says, then it is joined to the others (introduce.ts). */
  introduce(exchange: Switchboard, leg: Leg, url: string): Promise<void>;
  /** Somebody calls the application's number, as who calls back does (new-calls.ts). */
  personCallsIn(exchange: Switchboard, person: Person): Promise<Leg>;
}

/**
 * The exchange: makes legs, moves them through the table of leg-status.ts, and tells or asks the application. Everything that changes a leg
 * goes through here; how calls begin is in new-calls.ts, how their NCCOs are performed in flow.ts.
 *
 * Who ends what: a leg ends by its party (`user`), or by REST, a timer or the end of its NCCO (`platform`). With it end the legs its `connect`
 * made; with its last leg ends the conversation, and with that its recordings.
 */
export class Switchboard {
  readonly parts: Parts;
  /** By uuid, oldest first. */
  readonly legs = new Map<string, Leg>();
  readonly #conversations = new Map<Conversation, () => void>();
  readonly #dumping = new Set<Promise<unknown>>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Makes a leg, in a conversation of its own or in another's. */
  open(plan: LegPlan, conversation: Conversation = new Conversation()): Leg {
    const leg = new Leg(plan, conversation, this.parts.ticker);
    this.legs.set(leg.uuid, leg);
    if (this.legs.size > KEPT_LEGS) {
      const oldest = this.legs.values().find((old) => old.over);
      if (oldest) this.legs.delete(oldest.uuid);
    }
    this.#join(leg, conversation);
    return leg;
  }

  ringing(leg: Leg): void {
    const at = this.parts.ticker.now();
    if (leg.move("ringing", at)) this.tell(leg, "ringing", progressEvent(leg.facts, "ringing", at));
  }

  answered(leg: Leg): void {
    const at = this.parts.ticker.now();
    if (leg.move("answered", at)) this.tell(leg, "answered", answeredEvent(leg.facts, at));
  }

  /** A leg that will not be answered: its event and, unless it was `rejected`, `completed`. */
  refuse(
    leg: Leg,
    status: Refusal,
    why: { readonly detail?: string | null; readonly sipCode?: number; readonly by?: "platform" | "user" } = {},
  ): void {
    const at = this.parts.ticker.now();
    if (!leg.move(status, at)) return;
    const sipCode = why.sipCode ?? sipCodes[status];
    this.tell(leg, status, refusedEvent(leg.facts, status, { detail: why.detail ?? null, sipCode }, at));
    this.#completed(leg, sipCode, why.by ?? "user", at);
  }

  /** Ends a leg: one that was answered is `completed`, another `cancelled`. */
  end(leg: Leg, by: "platform" | "user"): void {
    if (leg.over) return;
    if (!leg.answeredAt) {
      this.refuse(leg, "cancelled", { by });
      return;
    }
    for (const child of this.legs.values()) if (child.plan.parent === leg) this.end(child, "platform");
    this.#completed(leg, sipCodes.completed, by, this.parts.ticker.now());
  }

  /** A leg's party hangs up: a phone that still rings is declined so. */
  hungUp(leg: Leg): void {
    const declines = leg.plan.direction === "outbound" && !leg.answeredAt;
    if (declines) this.refuse(leg, "rejected", { detail: "declined" });
    else this.end(leg, "user");
  }

  /** The own server closed its audio socket: `disconnected`, whose reply may say how to go on, then `completed`. */
  lost(leg: Leg, code: number): void {
    const at = this.parts.ticker.now();
    if (!leg.move("disconnected", at)) return;
    leg.plan.ledger.note(leg.uuid, `the socket was closed from the other side (${code})`);
    this.tell(leg, "disconnected", disconnectedEvent(leg.facts, at), true);
    this.end(leg, "user");
  }

  moveTo(leg: Leg, conversation: Conversation): void {
    const old = leg.conversation;
    if (old === conversation) return;
    const last = old.leave(leg);
    this.#join(leg, conversation);
    this.tell(leg, "transfer", transferEvent(leg.uuid, old.uuid, conversation.uuid, this.parts.ticker.now()));
    if (last) this.#endConversation(old);
    // a socket with nobody left in its conversation is of no use to anyone
    else if (old.legs.size === 1) for (const left of old.legs) if (left.plan.kind === "websocket") this.end(left, "platform");
  }

  /** A conversation by its uuid or its name, while somebody is in it. */
  findConversation(uuidOrName: string): Conversation | null {
    for (const conversation of this.#conversations.keys()) {
      if (conversation.uuid === uuidOrName || conversation.name === uuidOrName) return conversation;
    }
    return null;
  }

  /**
   * An event webhook of a leg. When a reply may hold an NCCO it goes to the `connect` that made the leg.
   *
   * @param mayReply by default: the leg's connect was synchronous, and this is not its last event
   */
  tell(leg: Leg, name: string, body: Payload, mayReply = leg.plan.synchronous && name !== "completed"): void {
    const { ledger, events } = leg.plan;
    this.parts.changed();
    if (!mayReply || !events) {
      this.parts.webhooks.tell(ledger, events, name, body);
      return;
    }
    const asked = this.ask(leg, "event", name, events, body).then((instructions) => {
      leg.asked.delete(asked);
      if (instructions.got === "ncco") leg.replies?.(instructions.ncco);
    });
    leg.asked.add(asked);
  }

  /** Asks the application how a leg shall go on; an answer that is no valid NCCO is told by an error webhook. */
  ask(leg: Leg, kind: "answer" | "event", name: string, target: Target, body: Payload): Promise<Instructions> {
    return this.parts.webhooks.ask(leg.plan.ledger, kind, name, target, body, (reason) => this.trouble(leg, reason));
  }

  /** Asks for the NCCO to go on with, as `input` and `notify` do. */
  async askEvent(leg: Leg, name: string, target: Target, body: Payload): Promise<Ncco | null> {
    const instructions = await this.ask(leg, "event", name, target, body);
    return instructions.got === "ncco" ? instructions.ncco : null;
  }

  /** An error webhook: something the application asked for cannot be done. */
  trouble(leg: Leg, reason: string): void {
    leg.plan.ledger.note(leg.uuid, reason);
    this.parts.webhooks.tell(leg.plan.ledger, leg.plan.events, "error", errorEvent(leg.conversation.uuid, reason, this.parts.ticker.now()));
  }

  /** A key pressed by a leg's party: to whoever collects its keys, and to the others in the conversation. */
  pressed(leg: Leg, digit: string): void {
    leg.plan.ledger.note(leg.uuid, `pressed ${digit}`);
    leg.pressed(digit);
    if (!leg.aside)
      for (const other of leg.conversation.legs) if (other !== leg && other.talking && !other.aside) other.media?.key(digit, KEY_MS);
    if (leg.keysTo)
      this.parts.webhooks.tell(
        leg.plan.ledger,
        leg.keysTo,
        "input",
        inputEvent(leg.facts, { digits: digit, timedOut: false }, null, this.parts.ticker.now()),
      );
  }

  regionUrl(leg: Leg): string {
    return leg.plan.ledger.elsewhere ? `${this.parts.ownUrl()}/elsewhere` : this.parts.ownUrl();
  }

  /** With a dump: a party's media, overheard. */
  overheard(leg: Leg, media: Media): Media {
    const { dump } = this.parts;
    if (!dump) return media;
    const overheard = dump.overhear(leg.uuid, media);
    leg.whenOver(() => this.dumped(overheard.close().then((files) => dump.facts(leg.uuid, { ...leg.facts, files }))));
    return overheard.media;
  }

  dumped(writing: Promise<unknown>): void {
    const settled = writing.catch(() => undefined).finally(() => this.#dumping.delete(settled));
    this.#dumping.add(settled);
  }

  /** Ends every call; resolves when the recordings are told and the dumps are written. */
  async close(): Promise<void> {
    for (const leg of this.legs.values()) this.end(leg, "platform");
    await Promise.all([this.parts.recordings.settled(), ...this.#dumping]);
  }

  #completed(leg: Leg, sipCode: number, by: "platform" | "user", at: Date): void {
    const rejected = leg.over;
    leg.endedBy = by;
    if (!rejected && !leg.move("completed", at)) return;
    const sum = leg.bill;
    if (!rejected && sum) {
      const body = completedEvent(leg.facts, sum, { sipCode, by }, at);
      const tell = (): void => this.tell(leg, "completed", body);
      if (!this.parts.recordings.holdBack(leg, tell)) tell();
    }
    const last = leg.conversation.leave(leg);
    leg.close();
    this.parts.changed();
    if (last) this.#endConversation(leg.conversation);
  }

  #join(leg: Leg, conversation: Conversation): void {
    conversation.join(leg);
    if (!this.#conversations.has(conversation))
      this.#conversations.set(
        conversation,
        this.parts.ticker.onTick(() => conversation.tick()),
      );
  }

  #endConversation(conversation: Conversation): void {
    this.#conversations.get(conversation)?.();
    this.#conversations.delete(conversation);
    for (const recording of [...conversation.recordings]) void this.parts.recordings.finish(recording, this.regionUrl(recording.leg));
  }
}
