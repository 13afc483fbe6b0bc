import { randomUUID } from "node:crypto";
import type { Conversation } from "./conversation.ts";
import type { Leg } from "./leg.ts";
import { type Frame, mix } from "./mix.ts";
import { Spool } from "./spool.ts";
import type { Target } from "./webhooks.ts";

export type Format = "mp3" | "wav" | "ogg";

/** `stereo`: left is what the leg says, right what it hears. `legs`: a channel per leg in joining order, the surplus in the last. */
export type Layout = { readonly kind: "mono" } | { readonly kind: "stereo" } | { readonly kind: "legs"; readonly channels: number };

/**
 * Which channels a `record` action asks for. Two channels of a split are the documented pair (left says, right hears), so that the network's own
 * prompts are in it too. See https://developer.vonage.com/en/voice/voice-api/concepts/recording.
 */
export function layoutOf(record: { readonly split?: "conversation" | undefined; readonly channels?: number | undefined }): Layout {
  if (!record.split || record.channels === 1) return { kind: "mono" };
  if (record.channels === undefined || record.channels === 2) return { kind: "stereo" };
  return { kind: "legs", channels: record.channels };
}

export interface RecordingPlan {
  readonly layout: Layout;
  readonly format: Format;
  /** Where the record webhook goes. */
  readonly target: Target | null;
  /** Where the transcription webhook goes; null when none was asked for. */
  readonly transcription: Target | null;
}

/** The sound of a conversation from the tick the action ran, sample by sample, until somebody ends it. */
export class Recording {
  readonly uuid = randomUUID();
  readonly conversation: Conversation;
  readonly leg: Leg;
  readonly plan: RecordingPlan;
  readonly startedAt: Date;
  readonly startedMs: number;
  endedAt: Date | null = null;
  readonly spool: Spool;
  readonly #frames: Frame[];

  /**
   * @param clock of the sound: its time of day, and its ms
   * @param path of a file for the sound on its way
   */
  constructor(leg: Leg, plan: RecordingPlan, clock: { readonly nowMs: number; now(): Date }, path: string) {
    this.leg = leg;
    this.conversation = leg.conversation;
    this.plan = plan;
    this.startedAt = clock.now();
    this.startedMs = clock.nowMs;
    const { layout } = plan;
    const channels = layout.kind === "mono" ? 1 : layout.kind === "stereo" ? 2 : layout.channels;
    this.spool = new Spool(path, channels);
    this.#frames = new Array<Frame>(channels).fill(null);
  }

  /** This tick's sound of the conversation's legs. */
  take(): void {
    const { leg, conversation } = this;
    const { layout } = this.plan;
    switch (layout.kind) {
      case "stereo":
        this.#frames[0] = leg.said;
        this.#frames[1] = leg.heard;
        break;
      case "mono":
        this.#frames[0] = mix([...[...conversation.legs].map((one) => one.said), ...(leg.prompt ? [leg.prompt] : [])]);
        break;
      case "legs": {
        this.#frames.fill(null);
        for (const [place, one] of conversation.joined.entries()) {
          const channel = Math.min(place, layout.channels - 1);
          this.#frames[channel] = mix([this.#frames[channel] ?? null, one.said]);
        }
        break;
      }
    }
    this.spool.append(this.#frames);
  }
}
