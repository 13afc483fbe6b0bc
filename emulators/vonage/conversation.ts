import { randomUUID } from "node:crypto";
import type { Leg } from "./leg.ts";
import { type Frame, mix } from "./mix.ts";
import type { Recording } from "./recording.ts";

/**
 * A room where legs hear each other. It lives from its first leg to its last; recordings end with it. Stepped once a tick.
 */
export class Conversation {
  readonly uuid = `CON-${randomUUID()}`;
  /** Of the `conversation` action. */
  readonly name: string | null;
  readonly legs = new Set<Leg>();
  /** All that ever were in it, in their order: the channels of a recording. */
  readonly joined: Leg[] = [];
  readonly recordings = new Set<Recording>();
  /** Has somebody entered who may start it? Until then those in it wait: they hear music, and nobody hears them. Only a named one is waited for. */
  started: boolean;

  constructor(name: string | null = null) {
    this.name = name;
    this.started = name === null;
  }

  join(leg: Leg): void {
    this.legs.add(leg);
    this.joined.push(leg);
    leg.conversation = this;
  }

  /** Returns whether it was the last one. */
  leave(leg: Leg): boolean {
    this.legs.delete(leg);
    leg.said = null;
    leg.heard = null;
    leg.prompt = null;
    leg.aside = false;
    return this.legs.size === 0;
  }

  /** 20 ms: everybody speaks, everybody hears the others, the recordings hear all. */
  tick(): void {
    for (const leg of this.legs)
      leg.said = leg.talking && leg.media ? silencedIf(leg.muted || leg.aside || !this.started, leg.media.speak()) : null;
    for (const leg of this.legs) {
      leg.heard = null;
      leg.prompt = null;
      if (!leg.talking || !leg.media) continue;
      leg.prompt = promptOf(leg);
      leg.heard = leg.earmuffed || leg.aside ? leg.prompt : this.#heardBy(leg);
      leg.media.hear(leg.heard);
    }
    for (const recording of this.recordings) recording.take();
  }

  #heardBy(leg: Leg): Frame {
    const frames: Frame[] = [];
    if (leg.prompt) frames.push(leg.prompt);
    for (const other of this.legs) {
      if (other !== leg && other.said && canHear(leg, other)) frames.push(other.said);
    }
    return frames.length < 2 ? (frames[0] ?? null) : mix(frames);
  }
}

function silencedIf(muted: boolean, frame: Frame): Frame {
  return muted ? null : frame;
}

function promptOf(leg: Leg): Frame {
  if (!leg.prompts.busy && !leg.restTalk.busy && !leg.restStream.busy && !leg.restKeys.busy) return null;
  return mix([leg.prompts.frame(), leg.restTalk.frame(), leg.restStream.frame(), leg.restKeys.frame()]);
}

function canHear(ear: Leg, mouth: Leg): boolean {
  return (ear.hearsOnly?.includes(mouth.uuid) ?? true) && (mouth.heardBy?.includes(ear.uuid) ?? true);
}
