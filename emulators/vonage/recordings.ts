import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { recordEvent, transcriptionEvent } from "./events.ts";
import { contentTypes, encode, type Files } from "./files.ts";
import type { Ledger } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import { Recording, type RecordingPlan } from "./recording.ts";
import type { Settings } from "./settings.ts";
import type { Ticker } from "./ticker.ts";
import { transcript } from "./transcript.ts";
import type { Target, Webhooks } from "./webhooks.ts";

/** After the record webhook that had to be first: what was held back for it. */
const HELD_BACK_MS = 200;
/** Where a recording lies that should not be asked for: a name that is nobody's, by RFC 2606. */
const FOREIGN_HOST = "https://recordings.invalid";
/** From the record webhook to that of its transcription. */
const TRANSCRIBED_MS = 400;

interface Parts {
  readonly settings: Settings;
  readonly ticker: Ticker;
  readonly webhooks: Webhooks;
  readonly files: Files;
  readonly folder: string;
}

/** A call whose record webhooks have to be first: what they have to be before. */
interface Waiting {
  /** Recordings of the call that are under way: neither told nor lost. */
  readonly untold: Set<Recording>;
  readonly heldBack: (() => void)[];
}

/** Recordings from their action to their webhook. */
export class Recordings {
  readonly #parts: Parts;
  readonly #finishing = new Set<Promise<void>>();
  readonly #waiting = new Map<Ledger, Waiting>();
  #made = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Starts recording a leg's conversation, from this tick on. */
  start(leg: Leg, plan: RecordingPlan): Recording {
    const recording = new Recording(leg, plan, this.#parts.ticker, join(this.#parts.folder, `recording-${this.#made++}.pcm`));
    leg.conversation.recordings.add(recording);
    const { ledger } = leg.plan;
    if (ledger.faults.record === "first") {
      const waiting = this.#waiting.get(ledger) ?? { untold: new Set(), heldBack: [] };
      waiting.untold.add(recording);
      this.#waiting.set(ledger, waiting);
    }
    ledger.note(leg.uuid, `recording ${recording.uuid} begins`);
    return recording;
  }

  /** Ends a recording, stores it and tells about it; resolves when its webhook is on the way. */
  finish(recording: Recording, regionUrl: string): Promise<void> {
    recording.conversation.recordings.delete(recording);
    if (recording.endedAt) return Promise.resolve();
    recording.endedAt = this.#parts.ticker.now();
    const finishing = this.#store(recording, recording.endedAt, this.#parts.ticker.nowMs, regionUrl).catch((problem: Error) => {
      recording.leg.plan.ledger.note(recording.leg.uuid, `the recording is lost: ${problem.message}`);
      this.#nothingToWaitFor(recording);
      return recording.spool.drop().catch(() => undefined);
    });
    this.#follow(finishing);
    return finishing;
  }

  /**
   * Holds a leg's `completed` back while a recording of its call is under way whose webhook has to be first. Returns false when it need not
   * wait. A room that another call records is nothing to wait for.
   */
  holdBack(leg: Leg, tell: () => void): boolean {
    const waiting = this.#waiting.get(leg.plan.ledger);
    waiting?.heldBack.push(tell);
    return waiting !== undefined;
  }

  /** Resolves when every recording that has ended is told, and what was held back for it. */
  async settled(): Promise<void> {
    while (this.#finishing.size > 0) await Promise.allSettled([...this.#finishing]);
  }

  #follow(work: Promise<void>): void {
    const followed: Promise<void> = work.finally(() => this.#finishing.delete(followed));
    this.#finishing.add(followed);
  }

  /** A recording is told, or lost. After the last one of its call what was held back is told too, in its order. */
  #nothingToWaitFor(recording: Recording): void {
    const { ledger } = recording.leg.plan;
    const waiting = this.#waiting.get(ledger);
    if (!waiting?.untold.delete(recording) || waiting.untold.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#follow(promise);
    this.#parts.ticker.after(HELD_BACK_MS, () => {
      resolve();
      // another one may have begun meanwhile: then it is waited for
      if (waiting.untold.size > 0 || this.#waiting.get(ledger) !== waiting) return;
      this.#waiting.delete(ledger);
      for (const tell of waiting.heldBack) tell();
    });
  }

  async #store(recording: Recording, endedAt: Date, endedMs: number, regionUrl: string): Promise<void> {
    const { settings, files, ticker, webhooks } = this.#parts;
    const { ledger } = recording.leg.plan;
    const { faults } = ledger;
    const laterMs =
      faults.record === "first" ? 0 : settings.recordAfterMs + (typeof faults.record === "object" ? faults.record.laterMs : 0);
    const later = new Promise<void>((then) => ticker.after(laterMs, then));
    let url = "";
    let sizeBytes = 0;
    if (recording.spool.samples > 0 && faults.file !== "empty") {
      const channels = await recording.spool.read();
      const format = channels.length > 2 ? "wav" : recording.plan.format;
      const file = await files.put(randomUUID(), await encode(channels, format), contentTypes[format], faults.file ?? null);
      url = `${faults.file === "on a foreign host" ? FOREIGN_HOST : regionUrl}/v1/files/${file.uuid}`;
      sizeBytes = file.sizeBytes;
    }
    await recording.spool.drop();
    await later;
    const facts = {
      uuid: recording.uuid,
      conversationUuid: recording.conversation.uuid,
      url,
      sizeBytes,
      startedAt: recording.startedAt,
      endedAt,
    };
    webhooks.tell(ledger, recording.plan.target, "record", recordEvent(facts, ticker.now()));
    this.#nothingToWaitFor(recording);
    if (url !== "" && recording.plan.transcription) await this.#transcribe(recording, recording.plan.transcription, endedMs, regionUrl);
  }

  async #transcribe(recording: Recording, target: Target, endedMs: number, regionUrl: string): Promise<void> {
    const { ticker, files, webhooks } = this.#parts;
    const file = await files.put(randomUUID(), Buffer.from(JSON.stringify(transcript(recording, endedMs))), "application/json", null);
    await new Promise<void>((then) => ticker.after(TRANSCRIBED_MS, then));
    const body = transcriptionEvent(recording.conversation.uuid, recording.uuid, `${regionUrl}/v1/files/${file.uuid}`);
    webhooks.tell(recording.leg.plan.ledger, target, "transcribed", body);
  }
}
