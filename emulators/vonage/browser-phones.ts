import type WebSocket from "ws";
import { z } from "zod";
import { KEY_MS, keyTone } from "./keys.ts";
import type { Leg } from "./leg.ts";
import type { Media } from "./media.ts";
import { FRAME, type Frame, mix, SILENCE } from "./mix.ts";
import { PlayQueue } from "./play-queue.ts";
import { Player } from "./player.ts";

/** What the page says. Sound is binary: s16le, 16 kHz mono, in pieces of any size; it hears frames of 20 ms the same way. */
const Said = z.union([
  z.strictObject({ do: z.enum(["hang up", "call"]) }),
  /** `leg` is the one that was shown: another may ring when this arrives. */
  z.strictObject({ do: z.enum(["answer", "decline"]), leg: z.string().optional() }),
  z.strictObject({ do: z.literal("press"), digit: z.string().regex(/^[0-9*#]$/) }),
]);

/** What the page is told. */
export type Told =
  | { readonly state: "idle"; readonly because?: string }
  | { readonly state: "ringing"; readonly from: string; readonly leg: string }
  | { readonly state: "calling" }
  | { readonly state: "talking"; readonly with: string }
  | { readonly key: string };

/** Sound a browser may be ahead: its clock is not ours, and a longer queue would be a delay heard for the rest of the call. */
const LONGEST_LEAD_FRAMES = 15;

export interface Calling {
  /** The human places a call; the leg is made with this media. */
  place(media: (leg: Leg) => Media): Leg;
  /** Hangs up, or declines what rings. */
  hangUp(leg: Leg): void;
  pressed(leg: Leg, digit: string): void;
}

/** A leg that rings, and how it is answered. */
interface Ring {
  readonly leg: Leg;
  readonly pickedUp: (media: Media) => void;
}

/**
 * The legs that ring on browsers' phones, and the browsers that have the page open. A call rings on in all pages of its number; of several the
 * first is shown, and the next when that one is answered or gone. A page that is on a call is told of none until it is free.
 */
export class BrowserPhones {
  readonly #pages = new Map<string, Set<Page>>();
  /** By number, the longest waiting first. */
  readonly #ringing = new Map<string, Ring[]>();

  /** Rings a leg on every page of its number, now and as long as it rings. */
  ring(leg: Leg, pickedUp: (media: Media) => void): void {
    const number = `+${leg.plan.to}`;
    const ring: Ring = { leg, pickedUp };
    this.#ringing.set(number, [...(this.#ringing.get(number) ?? []), ring]);
    leg.whenOver(() => this.#stopped(number, ring, "the caller gave up"));
    this.#lookUp(number);
  }

  /** A page was opened: from now on it is a phone of that number. */
  connect(number: string, socket: WebSocket, calling: Calling): void {
    const page = new Page(socket, calling, {
      first: () => this.#ringing.get(number)?.[0] ?? null,
      taken: (ring) => this.#stopped(number, ring, "answered elsewhere"),
    });
    const pages = this.#pages.get(number) ?? new Set();
    this.#pages.set(number, pages.add(page));
    socket.on("close", () => pages.delete(page));
    page.begin();
  }

  #stopped(number: string, ring: Ring, because: string): void {
    const ringing = this.#ringing.get(number) ?? [];
    if (!ringing.includes(ring)) return;
    this.#ringing.set(
      number,
      ringing.filter((one) => one !== ring),
    );
    this.#lookUp(number, because);
  }

  #lookUp(number: string, because?: string): void {
    for (const page of this.#pages.get(number) ?? []) page.lookUp(because);
  }
}

/** What a page knows of the calls that ring on its number. */
interface Rings {
  first(): Ring | null;
  taken(ring: Ring): void;
}

/** One open page: idle, ringing (the call it shows is `#shown`), or on a leg of its own. Closing the page hangs up. */
class Page {
  readonly #socket: WebSocket;
  readonly #calling: Calling;
  readonly #rings: Rings;
  #shown: Ring | null = null;
  #leg: Leg | null = null;
  #voice: PlayQueue | null = null;
  /** The tones of the keys that are pressed. */
  readonly #keys = new Player();

  constructor(socket: WebSocket, calling: Calling, rings: Rings) {
    this.#socket = socket;
    this.#calling = calling;
    this.#rings = rings;
    socket.on("message", (message: Buffer, isBinary: boolean) => {
      if (isBinary) this.#sound(message);
      else this.#said(message.toString("utf8"));
    });
    socket.on("close", () => {
      if (this.#leg) calling.hangUp(this.#leg);
    });
  }

  begin(): void {
    this.lookUp();
    if (!this.#shown) this.#tell({ state: "idle" });
  }

  /** Shows the call that rings first, or that none does any more; nothing while a call of its own goes on. */
  lookUp(because?: string): void {
    if (this.#leg) return;
    const first = this.#rings.first();
    if (first === this.#shown) return;
    this.#shown = first;
    this.#tell(
      first ? { state: "ringing", from: first.leg.plan.from, leg: first.leg.uuid } : { state: "idle", ...(because ? { because } : {}) },
    );
  }

  #tell(told: Told): void {
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
        const ring = this.#meant(said.leg);
        if (!ring) return;
        const media = this.#media(ring.leg);
        this.#rings.taken(ring);
        ring.pickedUp(media);
        break;
      }
      case "decline": {
        const ring = this.#meant(said.leg);
        if (ring) this.#calling.hangUp(ring.leg);
        break;
      }
      case "call":
        if (this.#leg) return;
        this.#calling.place((leg) => this.#media(leg));
        this.#tell({ state: "calling" });
        break;
      case "hang up":
        if (this.#leg) this.#calling.hangUp(this.#leg);
        break;
      case "press":
        if (!this.#leg) return;
        // heard by whoever listens to the line, and in recordings
        if (this.#leg.talking) void this.#keys.play(keyTone(said.digit, KEY_MS));
        this.#calling.pressed(this.#leg, said.digit);
        break;
    }
  }

  /** The call that is shown, unless another was meant. */
  #meant(leg: string | undefined): Ring | null {
    return leg === undefined || leg === this.#shown?.leg.uuid ? this.#shown : null;
  }

  #sound(message: Buffer): void {
    if (!this.#leg?.talking || !this.#voice) return;
    this.#voice.push(message);
    while (this.#voice.length > LONGEST_LEAD_FRAMES) this.#voice.next(() => {});
  }

  #media(leg: Leg): Media {
    const voice = new PlayQueue(FRAME * 2);
    this.#shown = null;
    this.#leg = leg;
    this.#voice = voice;
    let told = false;
    leg.whenOver(() => {
      this.#leg = null;
      this.#voice = null;
      this.#keys.stop();
      this.#tell({ state: "idle", because: leg.endedBy === "user" ? "you hung up" : "the call is over" });
      this.lookUp();
    });
    return {
      speak: (): Frame => {
        if (!told) this.#tell({ state: "talking", with: leg.plan.direction === "inbound" ? leg.plan.to : leg.plan.from });
        told = true;
        const bytes = voice.next(() => {});
        const key = this.#keys.frame();
        if (!bytes) return key;
        const frame = new Int16Array(FRAME);
        new Uint8Array(frame.buffer).set(bytes);
        return mix([frame, key]);
      },
      hear: (frame) => {
        const samples = frame ?? SILENCE;
        if (this.#socket.readyState === this.#socket.OPEN)
          this.#socket.send(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
      },
      key: (digit) => this.#tell({ key: digit }),
      close: () => {},
    };
  }
}
