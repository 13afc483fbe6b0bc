import type WebSocket from "ws";
import { z } from "zod";
import type { Leg } from "./leg.ts";
import type { Media } from "./media.ts";
import { FRAME, type Frame, SILENCE } from "./mix.ts";
import { PlayQueue } from "./play-queue.ts";

/** What the page says. Sound is binary: s16le, 16 kHz mono, in pieces of any size; it hears frames of 20 ms the same way. */
const Said = z.union([
  z.strictObject({ do: z.enum(["answer", "decline", "hang up", "call"]) }),
  z.strictObject({ do: z.literal("press"), digit: z.string().regex(/^[0-9*#]$/) }),
]);

/** What the page is told. */
export type Told =
  | { readonly state: "idle"; readonly because?: string }
  | { readonly state: "ringing"; readonly from: string }
  | { readonly state: "calling" }
  | { readonly state: "talking"; readonly with: string }
  | { readonly key: string };

/** Sound a browser may be ahead: its clock is not ours, and a longer queue would be a delay heard for the rest of the call. */
const LONGEST_LEAD_FRAMES = 15;

export interface Calling {
  /** The human places a call; the leg is made with this media. */
  place(media: (leg: Leg) => Media): Leg;
  hangUp(leg: Leg, answered: boolean): void;
  pressed(leg: Leg, digit: string): void;
}

/** The legs that ring on browsers' phones, and the browsers that have the page open. A call rings on in all pages of its number. */
export class BrowserPhones {
  readonly #pages = new Map<string, Set<Page>>();
  readonly #ringing = new Map<string, { readonly leg: Leg; readonly pickedUp: (media: Media) => void }>();

  /** Rings a leg on every page of its number, now and as long as it rings. */
  ring(leg: Leg, pickedUp: (media: Media) => void): void {
    const number = `+${leg.plan.to}`;
    this.#ringing.set(number, { leg, pickedUp });
    leg.whenOver(() => this.#stopped(number, leg));
    for (const page of this.#pages.get(number) ?? []) page.tell({ state: "ringing", from: leg.plan.from });
  }

  /** A page was opened: from now on it is a phone of that number. */
  connect(number: string, socket: WebSocket, calling: Calling): void {
    const page = new Page(socket, calling, {
      ringing: () => this.#ringing.get(number) ?? null,
      taken: () => {
        this.#ringing.delete(number);
        for (const other of this.#pages.get(number) ?? []) if (other !== page) other.tell({ state: "idle", because: "answered elsewhere" });
      },
    });
    const pages = this.#pages.get(number) ?? new Set();
    this.#pages.set(number, pages.add(page));
    socket.on("close", () => pages.delete(page));
    const ringing = this.#ringing.get(number);
    page.tell(ringing ? { state: "ringing", from: ringing.leg.plan.from } : { state: "idle" });
  }

  #stopped(number: string, leg: Leg): void {
    if (this.#ringing.get(number)?.leg !== leg) return;
    this.#ringing.delete(number);
    for (const page of this.#pages.get(number) ?? []) page.tell({ state: "idle", because: "the caller gave up" });
  }
}

interface Ring {
  readonly leg: Leg;
  readonly pickedUp: (media: Media) => void;
}

/** One open page: idle, ringing, or on a leg of its own. Closing the page hangs up. */
class Page {
  readonly #socket: WebSocket;
  readonly #calling: Calling;
  readonly #ringing: { ringing(): Ring | null; taken(): void };
  #leg: Leg | null = null;
  #voice: PlayQueue | null = null;

  constructor(socket: WebSocket, calling: Calling, ringing: { ringing(): Ring | null; taken(): void }) {
    this.#socket = socket;
    this.#calling = calling;
    this.#ringing = ringing;
    socket.on("message", (message: Buffer, isBinary: boolean) => {
      if (isBinary) this.#sound(message);
      else this.#said(message.toString("utf8"));
    });
    socket.on("close", () => {
      if (this.#leg) calling.hangUp(this.#leg, true);
    });
  }

  tell(told: Told): void {
    if (this.#leg && "state" in told && told.state === "ringing") return;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(told));
  }

  #said(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return;
    }
    const parsed = Said.safeParse(json);
    if (!parsed.success) return;
    const said = parsed.data;
    switch (said.do) {
      case "answer": {
        const ring = this.#ringing.ringing();
        if (!ring || this.#leg) return;
        this.#ringing.taken();
        ring.pickedUp(this.#media(ring.leg));
        break;
      }
      case "decline": {
        const ring = this.#ringing.ringing();
        if (ring) this.#calling.hangUp(ring.leg, false);
        break;
      }
      case "call":
        if (this.#leg) return;
        this.#calling.place((leg) => this.#media(leg));
        this.tell({ state: "calling" });
        break;
      case "hang up":
        if (this.#leg) this.#calling.hangUp(this.#leg, true);
        break;
      case "press":
        if (this.#leg) this.#calling.pressed(this.#leg, said.digit);
        break;
    }
  }

  #sound(message: Buffer): void {
    if (!this.#leg?.talking || !this.#voice) return;
    this.#voice.push(message);
    while (this.#voice.length > LONGEST_LEAD_FRAMES) this.#voice.next(() => {});
  }

  #media(leg: Leg): Media {
    const voice = new PlayQueue(FRAME * 2);
    this.#leg = leg;
    this.#voice = voice;
    let told = false;
    leg.whenOver(() => {
      this.#leg = null;
      this.#voice = null;
      this.tell({ state: "idle", because: leg.endedBy === "user" ? "you hung up" : "the call is over" });
      const ring = this.#ringing.ringing();
      if (ring) this.tell({ state: "ringing", from: ring.leg.plan.from });
    });
    return {
      speak: (): Frame => {
        if (!told) this.tell({ state: "talking", with: leg.plan.direction === "inbound" ? leg.plan.to : leg.plan.from });
        told = true;
        const bytes = voice.next(() => {});
        if (!bytes) return null;
        const frame = new Int16Array(FRAME);
        new Uint8Array(frame.buffer).set(bytes);
        return frame;
      },
      hear: (frame) => {
        const samples = frame ?? SILENCE;
        if (this.#socket.readyState === this.#socket.OPEN)
          this.#socket.send(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
      },
      key: (digit) => this.tell({ key: digit }),
      close: () => {},
    };
  }
}
