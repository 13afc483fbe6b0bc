import type { Person } from "../people/person.ts";
import { perform } from "./actions.ts";
import type { Application } from "./application.ts";
import type { BrowserPhones } from "./browser-phones.ts";
import { Conversation } from "./conversation.ts";
import { dial, personMedia, RINGS_AFTER_MS } from "./dialling.ts";
import type { Directory } from "./directory.ts";
import type { Dump } from "./dump.ts";
import { endsOf } from "./endpoints.ts";
import {
  answerBody,
  answeredEvent,
  completedEvent,
  disconnectedEvent,
  errorEvent,
  inputEvent,
  progressEvent,
  refusedEvent,
  transferEvent,
} from "./events.ts";
import { introduce } from "./introduce.ts";
import { KEY_MS } from "./keys.ts";
import { Ledger } from "./ledger.ts";
import { Leg, type LegPlan } from "./leg.ts";
import { type Refusal, sipCodes } from "./leg-status.ts";
import type { RollingSecond } from "./limits.ts";
import { detectionOf } from "./machine-detection.ts";
import type { Media } from "./media.ts";
import type { Ncco } from "./ncco.ts";
import type { Recordings } from "./recordings.ts";
import { Run, Stopped } from "./run.ts";
import type { Settings } from "./settings.ts";
import type { Ticker } from "./ticker.ts";
import type { Instructions, Payload, Target, Webhooks } from "./webhooks.ts";
import type { CreateCall } from "./wire.ts";

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
}

/**
 * The exchange: makes legs, moves them through the table of leg-status.ts, tells the application, and has NCCOs performed. Everything that
 * changes a leg goes through here.
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

  /**
   * `POST /v1/calls`, already validated. The leg begins at the next tick, so that its 201 normally comes before its events.
   *
   * @param ncco the inline one, read; null when the answer URL is to be asked
   * @param elsewhere whether the other region's host was asked: the call lives there
   */
  create(call: CreateCall, ncco: Ncco | null, elsewhere = false): Leg {
    const { settings, directory } = this.parts;
    const [to] = call.to;
    const from = call.from ? ("number" in call.from ? call.from.number : call.from.uri) : settings.number.slice(1);
    const person = to.type === "phone" ? directory.find(to.number) : null;
    const leg = this.open({
      ...endsOf(to, from),
      direction: "outbound",
      events: call.event_url ? { url: call.event_url[0], method: call.event_method } : this.parts.application.event,
      parent: null,
      synchronous: false,
      ledger: this.#newLedger(person, elsewhere),
    });
    if (to.type === "phone" && call.from && from !== settings.number.slice(1))
      leg.plan.ledger.note(
        leg.uuid,
        `${from} is no number of this application: at Vonage the caller would be unknown, or the call not connect`,
      );
    const answer: Target | null = call.answer_url ? { url: call.answer_url[0], method: call.answer_method } : null;
    const begin = (): void =>
      dial(this, leg, to, {
        ringS: call.ringing_timer,
        limitS: call.length_timer,
        detection: detectionOf(call.advanced_machine_detection, call.machine_detection),
        proceed: () => void (ncco ? this.perform(leg, ncco) : this.#askHow(leg, to.type, answer)),
      });
    if (leg.plan.ledger.faults.eventsFirst) begin();
    else leg.after(0, begin);
    return leg;
  }

  /** Somebody calls the application's number. */
  callIn(from: string, media: (leg: Leg) => Media): Leg {
    const { settings, directory } = this.parts;
    const leg = this.open({
      ...endsOf({ type: "phone", number: settings.number.slice(1) }, from.replace(/^\+/, "")),
      direction: "inbound",
      events: this.parts.application.event,
      parent: null,
      synchronous: false,
      ledger: this.#newLedger(directory.find(from)),
    });
    leg.media = this.overheard(leg, media(leg));
    leg.after(0, () => this.tell(leg, "started", progressEvent(leg.facts, "started", this.parts.ticker.now())));
    leg.after(RINGS_AFTER_MS, () => {
      this.ringing(leg);
      void this.#askHow(leg, "phone", this.parts.application.answer);
    });
    return leg;
  }

  /** An emulated person calls the application's number, and talks by its script once answered. */
  async personCallsIn(person: Person): Promise<Leg> {
    const sounds = await this.parts.directory.soundsOf(person);
    return this.callIn(person.number, (leg) => personMedia(this, leg, person, sounds));
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

  /** The own server closed its audio socket: `disconnected`, whose reply may say how to go on, then `completed`. */
  lost(leg: Leg, code: number): void {
    const at = this.parts.ticker.now();
    if (!leg.move("disconnected", at)) return;
    leg.plan.ledger.note(leg.uuid, `the socket was closed from the other side (${code})`);
    this.tell(leg, "disconnected", disconnectedEvent(leg.facts, at), true);
    this.end(leg, "user");
  }

  /** Performs an NCCO on a leg, in place of the one it was performing. At its end the leg is hung up. */
  async perform(leg: Leg, ncco: Ncco): Promise<void> {
    leg.run?.stop();
    if (leg.over) return;
    this.answered(leg);
    const run = new Run(ncco);
    leg.run = run;
    leg.plan.ledger.note(leg.uuid, `NCCO: ${ncco.map((action) => action.action).join(", ") || "empty"}`);
    try {
      for (const action of ncco) {
        const instead = await run.until(perform(this, leg, run, action));
        if (instead) return await this.perform(leg, instead);
        run.at++;
        this.parts.changed();
      }
      this.end(leg, "platform");
    } catch (problem) {
      if (problem instanceof Stopped) return;
      this.trouble(leg, `Internal error: ${problem instanceof Error ? problem.message : String(problem)}`);
      this.end(leg, "platform");
    }
  }

  /** A called party that stands aside answered: what its `onAnswer` says, then it is joined to the others. */
  introduce(leg: Leg, url: string): Promise<void> {
    return introduce(this, leg, url);
  }

  /** REST transfer: the leg goes on by other instructions, in a conversation of its own. */
  async transfer(leg: Leg, how: { readonly ncco: Ncco } | { readonly url: string }): Promise<void> {
    let ncco: Ncco;
    if ("ncco" in how) ncco = how.ncco;
    else {
      const body = answerBody(leg.facts, leg.plan.kind, this.regionUrl(leg));
      const asked = await this.#ask(leg, "answer", "transfer", { url: how.url, method: "GET" }, body);
      if (asked.got !== "ncco") return;
      ncco = asked.ncco;
    }
    if (leg.over) return;
    leg.run?.stop();
    this.moveTo(leg, new Conversation());
    await this.perform(leg, ncco);
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
    const asked = this.#ask(leg, "event", name, events, body).then((instructions) => {
      leg.asked.delete(asked);
      if (instructions.got === "ncco") leg.replies?.(instructions.ncco);
    });
    leg.asked.add(asked);
  }

  /** Asks for the NCCO to go on with, as `input` and `notify` do. */
  async askEvent(leg: Leg, name: string, target: Target, body: Payload): Promise<Ncco | null> {
    const instructions = await this.#ask(leg, "event", name, target, body);
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

  async #askHow(leg: Leg, endpointType: string, target: Target | null): Promise<void> {
    const body = answerBody(leg.facts, endpointType, this.regionUrl(leg));
    const asked: Instructions = target
      ? await this.#ask(leg, "answer", "answer", target, body)
      : { got: "nothing", because: "there is no answer URL" };
    if (asked.got === "ncco") return this.perform(leg, asked.ncco);
    leg.plan.ledger.note(leg.uuid, `no instructions${asked.got === "nothing" ? `: ${asked.because}` : ""}`);
    if (leg.answeredAt) this.end(leg, "platform");
    else this.refuse(leg, "failed", { detail: "internal_error", by: "platform" });
  }

  #ask(leg: Leg, kind: "answer" | "event", name: string, target: Target, body: Payload): Promise<Instructions> {
    return this.parts.webhooks.ask(leg.plan.ledger, kind, name, target, body, (reason) => this.trouble(leg, reason));
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

  #newLedger(person: Person | null, elsewhere = false): Ledger {
    return new Ledger(person?.faults ?? {}, this.parts.changed, elsewhere);
  }
}
